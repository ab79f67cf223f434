"""Answers in every format, whole and streamed, as the ffmpeg program hears them."""

from __future__ import annotations

import base64
import re
import wave
from io import BytesIO
from pathlib import Path

import pytest
from codec_signals import likeness
from ffmpeg_programs import RAW, decoded_by_ffmpeg, duration_by_ffprobe, needs_ffmpeg
from scripted_app import MakeServer, ScriptedServer
from spoken_formats import FRAME_S, LATE_S, SweepingSpeaker, answered, kind, pieces, whole

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.encode import FORMATS

pytestmark = pytest.mark.slow  # a server or two for each, and ffmpeg

ENDINGS = {"opus": "ogg", "pcm16": "pcm"}

HARMLESS = (
    "Guessed Channel Layout",  # of any wav or raw sound of one channel
    "Estimating duration from bitrate",  # where no header can hold it: raw sound, aac, and streams
    "Ignoring maximum wav data size",  # the streamed wav's 0xFFFFFFFF, as in the original's
    "Packet corrupt",  # the end of such a wav, which comes without warning
    "corrupt input packet",
)


@pytest.fixture
def sweeping(make_server: MakeServer) -> ScriptedServer:
    return make_server(speaker=SweepingSpeaker())


def _truth(server: ScriptedServer) -> Audio:
    """The samples of the same answer; a new server sings the same again."""
    return Audio.from_pcm16(whole(server, "pcm16"), SPEAK_RATE_HZ)


@pytest.mark.proves("audio.format", "stream")
@needs_ffmpeg
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fmt", FORMATS)
def test_ffmpeg_hears_every_format_as_it_was_spoken(
    fmt: str, streamed: bool, make_server: MakeServer, tmp_path: Path
) -> None:
    truth = _truth(make_server(speaker=SweepingSpeaker()))
    file = tmp_path / f"answer.{ENDINGS.get(fmt, fmt)}"
    file.write_bytes(answered(make_server(speaker=SweepingSpeaker()), fmt, streamed))
    how = RAW if fmt == "pcm16" else ()
    heard, said = decoded_by_ffmpeg(file, *how)
    complaints = [line for line in said.splitlines() if line and not any(known in line for known in HARMLESS)]
    assert complaints == []
    late_s, frame_s = LATE_S[kind(fmt, streamed)], FRAME_S[kind(fmt, streamed)]
    assert -5e-4 <= heard.duration_s - truth.duration_s - late_s <= frame_s + 5e-4
    on_time = Audio(heard.samples[round(late_s * SPEAK_RATE_HZ) :], SPEAK_RATE_HZ)
    assert likeness(on_time, truth, slack_s=5e-4) > 0.98


@needs_ffmpeg
@pytest.mark.parametrize("fmt", ["wav", "mp3", "flac", "opus"])
def test_a_whole_file_states_its_duration(fmt: str, sweeping: ScriptedServer, tmp_path: Path) -> None:
    """Players that show it are right; mp3 and opus count the encoder's delay in, by 72 ms at most."""
    file = tmp_path / f"answer.{ENDINGS.get(fmt, fmt)}"
    file.write_bytes(whole(sweeping, fmt))
    counted_in_s = {"mp3": 0.072, "opus": 0.0066}.get(fmt, 0.0)
    stated_s = duration_by_ffprobe(file)
    heard, said = decoded_by_ffmpeg(file)
    assert "Estimating" not in said
    assert stated_s is not None
    assert -5e-4 <= stated_s - heard.duration_s <= counted_in_s


@pytest.mark.parametrize("fmt", FORMATS)
def test_streamed_pieces_are_base64_alone_and_joined(fmt: str, sweeping: ScriptedServer) -> None:
    texts = pieces(sweeping, fmt)
    alone = b"".join(base64.b64decode(text, validate=True) for text in texts)
    assert base64.b64decode("".join(texts), validate=True) == alone
    assert len(texts) > 2
    assert all(re.fullmatch(r"[A-Za-z0-9+/]+", text) for text in texts[:-1])


@pytest.mark.parametrize("fmt", ["wav", "pcm16"])
def test_uncompressed_streams_hold_the_very_samples_of_the_whole(fmt: str, make_server: MakeServer) -> None:
    streamed = answered(make_server(speaker=SweepingSpeaker()), fmt, streamed=True)
    entire = answered(make_server(speaker=SweepingSpeaker()), fmt, streamed=False)
    header = 44 if fmt == "wav" else 0
    assert streamed[header:] == entire[header:]
    if fmt == "wav":
        assert streamed[:4] == entire[:4] == b"RIFF"
        with wave.open(BytesIO(entire)) as reader:
            assert reader.getnframes() * 2 == len(entire) - 44
