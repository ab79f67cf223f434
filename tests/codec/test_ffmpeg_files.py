"""Recordings as the ffmpeg program writes them, in every container and codec that we take: the same sound, the same
length, the same price."""

from __future__ import annotations

from pathlib import Path

import pytest
from codec_signals import likeness, voice, wav
from ffmpeg_programs import made_by_ffmpeg, needs_ffmpeg

from vivavoce.audio import LISTEN_RATE_HZ
from vivavoce.codec.decode import decode
from vivavoce.errors import UnsupportedFormat
from vivavoce.resampling import resample
from vivavoce.usage import audio_input_tokens

pytestmark = needs_ffmpeg

DURATION_S = 5.27
FRAGMENTS = "-movflags frag_keyframe+empty_moov+default_base_moof -frag_duration 100000"

# what ffmpeg is told, file name, milliseconds of encoder delay and padding that the file does not record
FILES = [
    ("-c:a pcm_u8", "u8.wav", 0),
    ("-c:a pcm_s16le", "s16.wav", 0),
    ("-c:a pcm_s24le", "s24.wav", 0),
    ("-c:a pcm_s32le", "s32.wav", 0),
    ("-c:a pcm_f32le", "f32.wav", 0),
    ("-c:a pcm_f64le", "f64.wav", 0),
    ("-c:a pcm_s24le -ac 6", "extensible.wav", 0),
    ("-c:a pcm_alaw -ar 8000", "a-law.wav", 0),
    ("-c:a pcm_mulaw -ar 8000", "mu-law.wav", 0),
    ("-c:a adpcm_ms -ar 22050", "adpcm-ms.wav", 93),  # one block of ADPCM
    ("-c:a adpcm_ima_wav -ar 22050", "adpcm-ima.wav", 93),
    ("-c:a libmp3lame", "mp3-inside.wav", 50),
    ("-rf64 always", "64-bit.wav", 0),
    ("", "sony.w64", 0),
    ("-b:a 64k", "constant.mp3", 0),
    ("-b:a 320k -ac 2", "320.mp3", 0),
    ("-q:a 5", "variable.mp3", 0),
    ("-ar 8000 -b:a 16k", "telephone.mp3", 0),
    ("-write_xing 0", "no-xing.mp3", 50),
    ("", "plain.flac", 0),
    ("-sample_fmt s32 -ac 8", "24-bit.flac", 0),
    ("-c:a flac", "flac.ogg", 0),
    ("-c:a libopus", "mono.opus", 0),
    ("-c:a libopus -ac 2", "stereo.opus", 0),
    ("-c:a libopus -ac 6", "surround.opus", 0),
    ("-c:a libvorbis -ac 2", "vorbis.ogg", 0),
    ("-c:a libvorbis", "vorbis.webm", 12),
    ("-c:a libopus", "opus.webm", 0),
    ("-c:a libopus", "opus.mka", 0),
    ("-c:a aac", "aac.mkv", 43),
    ("-c:a libopus -strict -2", "opus.mp4", 7),
    ("-c:a flac -strict -2", "flac.mp4", 0),
    ("-c:a aac", "lc.m4a", 0),
    ("-c:a aac -ac 8", "surround.m4a", 0),
    ("-c:a aac -movflags +faststart", "index-first.m4a", 0),
    (f"-c:a aac {FRAGMENTS}", "fragments.mp4", 22),
    ("-c:a alac", "alac.m4a", 0),
    ("-c:a pcm_s16be", "big-endian.mov", 0),
    ("-c:a aac", "adts.aac", 43),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("source") / "source.wav"
    file.write_bytes(wav(voice(DURATION_S, 48_000).to_pcm16(), rate_hz=48_000))
    return file


@pytest.mark.proves(
    "input: wav", "input: mp3", "input: flac", "input: ogg, opus", "input: m4a, aac", "input: webm", "usage"
)
@pytest.mark.parametrize(("arguments", "name", "extra_ms"), FILES, ids=[name for _, name, _ in FILES])
def test_every_file_gives_the_same_sound_at_the_same_price(
    arguments: str, name: str, extra_ms: int, source: Path, tmp_path: Path
) -> None:
    heard = decode(made_by_ffmpeg(source, arguments, tmp_path / name))
    truth = resample(voice(DURATION_S, 48_000), LISTEN_RATE_HZ)
    assert -1 <= (heard.duration_s - DURATION_S) * 1000 <= extra_ms + 1
    assert likeness(heard, truth) > 0.99
    assert abs(audio_input_tokens(heard) - 52) <= 1


COVER = "-f lavfi -i color=red:s=64x64:r=10:d=5 -map 0:a -map 1:v"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (f"{COVER} -frames:v 1 -c:v png -disposition:v attached_pic -id3v2_version 3", "cover.mp3"),
        (f"{COVER} -frames:v 1 -c:v png -disposition:v attached_pic", "cover.m4a"),
        (f"{COVER} -frames:v 1 -c:v png -disposition:v attached_pic", "cover.flac"),
        (f"{COVER} -c:v mpeg4 -c:a aac", "film.mp4"),
        ("-f lavfi -i color=red:s=64x64:r=10:d=5 -map 1:v -map 0:a -c:v libvpx -c:a libopus", "film.webm"),
        ("-metadata title=La -metadata comment=long", "tagged.wav"),
    ],
)
def test_pictures_and_tags_are_stepped_over(arguments: str, name: str, source: Path, tmp_path: Path) -> None:
    heard = decode(made_by_ffmpeg(source, arguments, tmp_path / name))
    assert heard.duration_s == pytest.approx(DURATION_S, abs=2e-3)
    assert likeness(heard, resample(voice(DURATION_S, 48_000), LISTEN_RATE_HZ)) > 0.99


@pytest.mark.parametrize("name", ["speech.aiff", "speech.au", "speech.caf", "speech.mp2", "speech.ts", "speech.wma"])
def test_other_containers_are_refused_by_name(name: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="Supported: wav, mp3, flac"):
        decode(made_by_ffmpeg(source, "", tmp_path / name))


@pytest.mark.parametrize(
    ("arguments", "name", "why"),
    [
        ("-c:a g722 -ar 16000", "g722.wav", "coded as g722"),
        ("-c:a libspeex -ar 16000", "speex.ogg", "coded as speex"),
        ("-c:a aac", "aac-inside.wav", "packets are damaged"),  # which no wav can hold, whoever writes it
    ],
)
def test_other_codecs_are_refused_by_name(arguments: str, name: str, why: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=why):
        decode(made_by_ffmpeg(source, arguments, tmp_path / name))
