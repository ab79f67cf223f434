"""What decoding gives: the right sound, of the right length, for every container, width, rate and channel count."""

from __future__ import annotations

import struct
import wave
from io import BytesIO

import numpy as np
import pytest
from codec_signals import channels, likeness, voice, wav, write

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.errors import AudioTooLong, UnsupportedFormat
from vivavoce.resampling import Resampler, resample
from vivavoce.usage import audio_input_tokens

WAV_CODECS = ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw"]


@pytest.mark.parametrize("codec", WAV_CODECS)
@pytest.mark.parametrize(("rate_hz", "count"), [(8_000, 1), (44_100, 2), (48_000, 6)])
def test_wav_of_every_width(codec: str, rate_hz: int, count: int) -> None:
    original = voice(1.3, rate_hz)
    heard = decode(write(channels(original, count), rate_hz, "wav", codec))
    assert heard.rate_hz == LISTEN_RATE_HZ
    assert heard.samples.dtype == np.float32
    assert heard.duration_s == pytest.approx(1.3, abs=1 / 16_000)
    assert likeness(heard, resample(original, LISTEN_RATE_HZ)) > 0.997


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_wav_of_every_rate(rate_hz: int) -> None:
    original = voice(0.7, rate_hz)
    heard = decode(wav(original.to_pcm16(), rate_hz=rate_hz))
    assert len(heard.samples) == len(original.samples) * 16_000 // rate_hz
    assert likeness(heard, voice(0.7, 16_000)) > 0.999


# container, codec, rate, channels, seconds that the container cannot tell from sound (encoder delay, padding)
COMPRESSED = [
    ("mp3", "libmp3lame", 8_000, 1, 0.0),
    ("mp3", "libmp3lame", 24_000, 1, 0.0),
    ("mp3", "libmp3lame", 44_100, 2, 0.0),
    ("mp3", "libmp3lame", 48_000, 2, 0.0),
    ("flac", "flac", 16_000, 1, 0.0),
    ("flac", "flac", 96_000, 2, 0.0),
    ("ogg", "libopus", 48_000, 2, 0.0),
    ("ogg", "libopus", 16_000, 1, 0.0),
    ("ogg", "flac", 44_100, 1, 0.0),
    ("mp4", "aac", 44_100, 2, 0.0),
    ("ipod", "alac", 44_100, 2, 0.0),
    ("mov", "pcm_s16le", 44_100, 2, 0.0),
    ("mp4", "aac", 48_000, 8, 0.01),
    ("flac", "flac", 48_000, 8, 0.0),
    ("adts", "aac", 44_100, 1, 0.08),
    ("webm", "libopus", 48_000, 1, 0.021),
    ("matroska", "flac", 44_100, 2, 0.0),
]


@pytest.mark.parametrize(("muxer", "codec", "rate_hz", "count", "extra_s"), COMPRESSED)
def test_compressed(muxer: str, codec: str, rate_hz: int, count: int, extra_s: float) -> None:
    original = voice(2.345, rate_hz)
    heard = decode(write(channels(original, count), rate_hz, muxer, codec, kbps=96 * count))
    truth = resample(original, LISTEN_RATE_HZ)
    assert truth.duration_s - 1e-3 <= heard.duration_s <= truth.duration_s + extra_s + 1e-3
    assert likeness(heard, truth) > 0.98


@pytest.mark.parametrize("label", ["wav", None])
def test_bytes_win_over_the_label(label: str | None) -> None:
    data = write(channels(voice(1.0), 1), 24_000, "mp3", "libmp3lame")
    assert decode(data, declared=label).duration_s == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("duration_s", "tokens"),
    [(6.96, 69), (4.488, 44), (0.1, 1), (0.0999, 0), (7.0, 70), (6.9999, 69)],
)
def test_the_measured_clips_cost_what_the_original_counted(duration_s: float, tokens: int) -> None:
    for rate_hz in (16_000, 22_050, 24_000, 44_100, 48_000):
        stereo = channels(voice(duration_s, rate_hz), 2)
        assert audio_input_tokens(decode(write(stereo, rate_hz, "wav", "pcm_s16le"))) == tokens, rate_hz
    stereo = channels(voice(duration_s, 48_000), 2)
    assert abs(audio_input_tokens(decode(write(stereo, 48_000, "mp3", "libmp3lame"))) - tokens) <= 1


def test_a_4488_ms_mp3_is_44_tokens() -> None:
    data = write(channels(voice(4.488), 1), 24_000, "mp3", "libmp3lame", kbps=64)
    assert audio_input_tokens(decode(data)) == 44


def test_the_same_speech_costs_the_same_in_every_codec() -> None:
    original = voice(5.27, 48_000)
    files = {
        "48 kHz stereo wav": write(channels(original, 2), 48_000, "wav", "pcm_s16le"),
        "mp3": write(channels(original, 2), 48_000, "mp3", "libmp3lame", kbps=64),
        "mp3 without a Xing frame": write(channels(original, 1), 48_000, "mp3", "libmp3lame", write_xing="0"),
        "8 kHz mu-law": write(channels(resample(original, 8_000), 1), 8_000, "wav", "pcm_mulaw"),
        "opus": write(channels(original, 1), 48_000, "ogg", "libopus"),
        "aac": write(channels(original, 1), 48_000, "adts", "aac"),
        "m4a": write(channels(original, 1), 48_000, "mp4", "aac"),
    }
    tokens = {name: audio_input_tokens(decode(data)) for name, data in files.items()}
    assert all(abs(count - 52) <= 1 for count in tokens.values()), tokens
    assert tokens["48 kHz stereo wav"] == tokens["8 kHz mu-law"] == tokens["mp3"] == 52


@pytest.mark.parametrize("from_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 37_123])
def test_resampling_never_moves_a_100_ms_border(from_hz: int) -> None:
    for extra in (-1, 0, 1):
        count = (from_hz * 3 + 9) // 10 + extra  # around the first sample at which 300 ms are whole
        there = resample(Audio(np.ones(count, np.float32), from_hz), LISTEN_RATE_HZ)
        assert len(there.samples) * 10 // LISTEN_RATE_HZ == count * 10 // from_hz


def test_a_resampled_stream_is_the_same_however_it_is_cut() -> None:
    original = voice(1.0, 44_100)
    whole = resample(original, 16_000).samples
    stream = Resampler(44_100, 16_000)
    parts = [stream.feed(piece) for piece in np.array_split(original.samples, 37)] + [stream.finish()]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)


def test_decoding_is_deterministic() -> None:
    data = write(channels(voice(1.0, 44_100), 2), 44_100, "mp3", "libmp3lame")
    assert np.array_equal(decode(data).samples, decode(data).samples)


def test_channels_are_averaged() -> None:
    left = voice(0.5, 16_000)
    both = np.stack([left.samples, np.zeros_like(left.samples)])
    heard = decode(write(both, 16_000, "wav", "pcm_f32le"))
    np.testing.assert_allclose(heard.samples, left.samples / 2, atol=1e-6)


def test_another_rate_can_be_asked_for() -> None:
    heard = decode(wav(voice(1.0, 16_000).to_pcm16()), rate_hz=24_000)
    assert (heard.rate_hz, len(heard.samples)) == (24_000, 24_000)


@pytest.mark.parametrize("said", [0xFFFFFFFF, 0, 1_000_000, 0x7FFFFFFF])
def test_wav_from_a_streaming_writer(said: int) -> None:
    body = voice(0.8, 16_000).to_pcm16()
    heard = decode(wav(body, riff_bytes=said, data_bytes=said))
    assert heard.duration_s == pytest.approx(0.8)
    assert np.array_equal(heard.samples, decode(wav(body)).samples)


def test_rf64() -> None:
    body = voice(0.8, 16_000).to_pcm16()
    plain = wav(body, data_bytes=0xFFFFFFFF)
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, len(plain) + 28, len(body), len(body) // 2, 0)
    heard = decode(b"RF64\xff\xff\xff\xffWAVE" + ds64 + plain[12:])
    assert heard.duration_s == pytest.approx(0.8)


def test_wav_extensible() -> None:
    body = voice(0.5, 16_000).to_pcm16()
    guid = (
        struct.pack("<HIH", 22, 0, 0)[:2]
        + struct.pack("<HI", 16, 4)
        + bytes.fromhex("0100000000001000800000aa00389b71")
    )
    form = struct.pack("<HHIIHH", 0xFFFE, 1, 16_000, 32_000, 2, 16) + guid
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(body)) + body
    data = b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks
    assert np.array_equal(decode(data).samples, decode(wav(body)).samples)


def test_wav_of_the_standard_library() -> None:
    sink = BytesIO()
    with wave.open(sink, "wb") as out:
        out.setparams((2, 3, 32_000, 0, "NONE", ""))
        out.writeframes(bytes(32_000 * 6))
    assert decode(sink.getvalue()).duration_s == 1.0


def test_mp3_behind_tags_and_junk() -> None:
    clean = write(channels(voice(1.0), 1), 24_000, "mp3", "libmp3lame", id3v2_version="0")
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + b"\x89PNG" + bytes(124)  # 128 bytes of body
    for data in (
        tag + clean,
        tag + tag + clean,
        b"\x00" * 700 + clean,
        b"-- part\r\n\r\n" + clean,
        clean + b"TAG" + bytes(125),
    ):
        assert decode(data).duration_s == pytest.approx(1.0, abs=0.03)


def test_truncated_files_yield_what_is_there() -> None:
    whole = voice(4.0)
    for muxer, codec in (
        ("mp3", "libmp3lame"),
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("wav", "pcm_s16le"),
        ("adts", "aac"),
    ):
        data = write(channels(whole, 1), 24_000, muxer, codec, kbps=64)
        assert 1.5 < decode(data[: len(data) // 2]).duration_s < 2.5, muxer


@pytest.mark.parametrize(
    ("muxer", "codec", "options"),
    [
        ("webm", "libopus", {"live": "1"}),
        ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "100000"}),
        ("matroska", "flac", {}),
    ],
)
def test_recordings_that_were_never_finished_yield_what_is_there(
    muxer: str, codec: str, options: dict[str, str]
) -> None:
    data = write(channels(voice(4.0, 48_000), 1), 48_000, muxer, codec, **options)
    assert 1.5 < decode(data[: len(data) // 2]).duration_s < 2.5


def test_the_padding_of_an_mp4_is_cut_off() -> None:
    for duration_s in (1.0, 1.001, 1.02, 5.27):
        data = write(channels(voice(duration_s, 48_000), 1), 48_000, "mp4", "aac")
        assert decode(data).duration_s == pytest.approx(duration_s, abs=1.5e-3)


def test_a_recording_of_which_most_is_damaged_is_no_recording() -> None:
    data = bytearray(write(channels(voice(2.0), 1), 24_000, "adts", "aac"))
    at, frames = 0, 0
    while at < len(data):
        size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if frames > 2:
            data[at + 7 : at + size] = b"\xff" * (size - 7)
        at, frames = at + size, frames + 1
    with pytest.raises(UnsupportedFormat, match="packets are damaged"):
        decode(bytes(data))


MP3_FRAMES = write(channels(voice(1.0), 1), 24_000, "mp3", "libmp3lame", kbps=64, write_xing="0", id3v2_version="0")
FRAME_BYTES = 192
"""Of 64 kbit/s at 24 kHz."""


def test_raw_samples_may_look_like_a_few_frames() -> None:
    few = MP3_FRAMES[: 9 * FRAME_BYTES] + bytes(24_000)
    assert decode(few, declared="pcm16").duration_s == pytest.approx(len(few) / 48_000, abs=1e-4)
    many = MP3_FRAMES[: 10 * FRAME_BYTES]
    assert decode(many, declared="pcm16").duration_s == pytest.approx(0.24, abs=0.001)
    adts = write(channels(voice(1.0), 1), 24_000, "adts", "aac")
    assert decode(adts, declared="pcm16").samples.shape == decode(adts).samples.shape


@pytest.mark.parametrize("level", [-1, 0, 1, -32768, 32767, -1025, -3841])
def test_raw_samples_of_any_level_are_raw(level: int) -> None:
    heard = decode(np.full(24_000, level, "<i2").tobytes(), declared="pcm16")
    assert heard.duration_s == 1.0


def test_an_odd_byte_after_raw_samples_is_dropped() -> None:
    assert len(decode(bytes(481), rate_hz=24_000, declared="pcm16").samples) == 240
    with pytest.raises(UnsupportedFormat, match="no samples"):
        decode(b"\x01", declared="pcm16")


def test_ten_milliseconds() -> None:
    assert decode(wav(bytes(320))).duration_s == 0.01


def test_numbers_that_are_no_sound() -> None:
    values = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 0.5], "<f4")
    heard = decode(wav(values.tobytes(), bits=32, tag=3))
    np.testing.assert_allclose(heard.samples, [0, 0, 0, 1, -1, 0.5])
    doubles = np.array([1e300, -1e300, np.nan, 0.25], "<f8")
    np.testing.assert_allclose(decode(wav(doubles.tobytes(), bits=64, tag=3)).samples, [1, -1, 0, 0.25])


def test_the_limit_is_on_decoded_sound() -> None:
    data = wav(bytes(2 * 16_000 * 2))
    assert decode(data, max_duration_s=2.0).duration_s == 2.0
    with pytest.raises(AudioTooLong, match=r"1\.9 seconds") as caught:
        decode(data, max_duration_s=1.9, param="messages[0]")
    assert caught.value.param == "messages[0]"


def test_errors_name_the_field_and_the_label() -> None:
    with pytest.raises(UnsupportedFormat, match="'mp3'") as caught:
        decode(b"hello there, this is text", param="a.b", declared="mp3")
    assert (caught.value.param, caught.value.status, caught.value.code) == ("a.b", 400, "unsupported_format")
