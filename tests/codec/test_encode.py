"""What encoding gives: files that decode to the same sound, whole or streamed, and pieces fit for the wire."""

from __future__ import annotations

import base64
import io
import struct
import wave

import av
import numpy as np
import pytest
from codec_signals import likeness, voice

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import CONTENT_TYPES, FORMATS, PCM_PIECE_BYTES, PcmCutter, StreamEncoder, encode, wav_header
from vivavoce.errors import InvalidValue
from vivavoce.resampling import resample

# seconds by which a file may be longer than its sound: encoder delay and padding that the format cannot state
SLACK_S = {"wav": 0.0, "pcm16": 0.0, "flac": 0.0, "mp3": 0.0, "opus": 0.0, "aac": 0.1}
STREAMED_SLACK_S = {**SLACK_S, "mp3": 0.1}


def _back(data: bytes, fmt: str) -> Audio:
    if fmt == "pcm16":
        return resample(Audio.from_pcm16(data, SPEAK_RATE_HZ), LISTEN_RATE_HZ)
    return decode(data)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("fmt", FORMATS)
def test_whole_files_come_back(fmt: str, rate_hz: int) -> None:
    original = voice(1.7, rate_hz)
    heard = _back(encode(original, fmt), fmt)
    truth = resample(original, LISTEN_RATE_HZ)
    assert truth.duration_s - 2e-3 <= heard.duration_s <= truth.duration_s + SLACK_S[fmt] + 1e-3
    assert likeness(heard, truth) > 0.98


@pytest.mark.parametrize("fmt", FORMATS)
def test_streams_come_back(fmt: str) -> None:
    original = voice(3.1)
    encoder = StreamEncoder(fmt)
    pieces = [encoder.feed(original.slice(at, at + 0.31)) for at in np.arange(0, 3.1, 0.31)]
    heard = _back(b"".join([*pieces, encoder.finish()]), fmt)
    truth = resample(original, LISTEN_RATE_HZ)
    assert truth.duration_s - 2e-3 <= heard.duration_s <= truth.duration_s + STREAMED_SLACK_S[fmt] + 1e-3
    assert likeness(heard, truth) > 0.98


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_stream_flows_while_it_is_fed(fmt: str) -> None:
    """No format keeps more than half a second back."""
    encoder = StreamEncoder(fmt)
    sent = b"".join(encoder.feed(voice(0.25)) for _ in range(12))
    whole = sent + encoder.finish()
    assert len(sent) > len(whole) * (2.5 / 3.0)


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_same_sound_gives_the_same_bytes(fmt: str) -> None:
    assert encode(voice(0.5), fmt) == encode(voice(0.5), fmt)


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_reply_without_sound(fmt: str) -> None:
    silent = Audio.silence(0.0, SPEAK_RATE_HZ)
    assert isinstance(encode(silent, fmt), bytes)
    stream = StreamEncoder(fmt)
    assert isinstance(stream.feed(silent) + stream.finish(), bytes)
    assert isinstance(StreamEncoder(fmt).finish(), bytes)


@pytest.mark.parametrize(("fmt", "codec"), [("mp3", "mp3"), ("flac", "flac"), ("opus", "opus"), ("aac", "aac")])
def test_files_are_24_khz_mono(fmt: str, codec: str) -> None:
    with av.open(io.BytesIO(encode(voice(0.5, 48_000), fmt))) as container:
        context = container.streams.audio[0].codec_context
        assert context.name.startswith(codec)
        assert context.layout.nb_channels == 1
        assert context.sample_rate == (48_000 if fmt == "opus" else 24_000)  # Opus always says 48 kHz


def test_wav_states_true_sizes_to_a_strict_reader() -> None:
    data = encode(voice(0.5), "wav")
    with wave.open(io.BytesIO(data)) as reader:
        assert reader.getparams()[:4] == (1, 2, 24_000, 12_000)
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    assert data[44:] == encode(voice(0.5), "pcm16") == voice(0.5).to_pcm16()


def test_streamed_wav_begins_with_its_header() -> None:
    encoder = StreamEncoder("wav")
    first = encoder.feed(voice(0.1))
    assert first[:44] == wav_header(None)
    assert struct.unpack_from("<I", first, 40)[0] == 0xFFFFFFFF
    assert len(first) == 44 + 4_800
    assert len(encoder.feed(voice(0.1))) == 4_800
    assert encoder.finish() == b""


def test_unknown_format_lists_what_there_is() -> None:
    for make in (
        lambda: encode(voice(0.1), "midi", param="audio.format"),
        lambda: StreamEncoder("midi", param="audio.format"),
    ):
        with pytest.raises(InvalidValue, match="wav, mp3, flac, opus, aac, pcm16") as caught:
            make()
        assert caught.value.param == "audio.format"


def test_a_stream_keeps_to_its_rate() -> None:
    encoder = StreamEncoder("pcm16")
    encoder.feed(voice(0.1, 24_000))
    with pytest.raises(ValueError, match="16000 Hz"):
        encoder.feed(voice(0.1, 16_000))


def test_every_format_has_a_content_type() -> None:
    assert set(FORMATS) == set(CONTENT_TYPES)
    assert all(kind.startswith("audio/") for kind in CONTENT_TYPES.values())


@pytest.mark.parametrize("sizes", [[50_000, 10, 0, 7, 19_200, 123_457], [1] * 40_000, [19_200 * 3]])
def test_pieces_for_the_wire(sizes: list[int]) -> None:
    pcm = np.random.default_rng(1).bytes(sum(sizes))
    cutter = PcmCutter(first_piece_bytes=4_800)
    pieces: list[bytes] = []
    at = 0
    for size in sizes:
        pieces += cutter.feed(pcm[at : at + size])
        at += size
    pieces += cutter.finish()
    assert b"".join(pieces) == pcm
    assert len(pieces[0]) == 4_800
    assert all(len(piece) == PCM_PIECE_BYTES for piece in pieces[1:-1])
    joined = "".join(base64.b64encode(piece).decode() for piece in pieces)
    assert base64.b64decode(joined, validate=True) == pcm


def test_a_pause_lets_out_what_is_held() -> None:
    cutter = PcmCutter()
    assert cutter.feed(bytes(100)) == []
    assert [len(piece) for piece in cutter.flush()] == [96]
    assert cutter.flush() == []
    assert [len(piece) for piece in cutter.feed(bytes(PCM_PIECE_BYTES))] == [PCM_PIECE_BYTES]
    assert [len(piece) for piece in cutter.finish()] == [4]
    assert cutter.finish() == []


@pytest.mark.parametrize("size", [0, -6, 100])
def test_pieces_must_suit_base64(size: int) -> None:
    with pytest.raises(ValueError, match="multiples of 6"):
        PcmCutter(size)
