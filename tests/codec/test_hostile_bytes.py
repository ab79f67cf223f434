"""Bytes that are no sound, or mean harm: a clean error, quickly, and nothing outside the bytes is touched."""

from __future__ import annotations

import http.server
import io
import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import numpy as np
import pytest
from codec_signals import channels, silence, voice, wav, write
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.codec import decode as decode_module
from vivavoce.codec.decode import decode
from vivavoce.codec.sniff import DEMUXERS, sniff
from vivavoce.errors import AudioTooLong, UnsupportedFormat


def _png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = zlib.compress(b"\x00\x00\x00\x00")
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _video() -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format="matroska") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(stream.encode(None))
    return sink.getvalue()


MP3 = write(channels(voice(1.0), 1), 24_000, "mp3", "libmp3lame")
NO_SOUND = {
    "empty": b"",
    "one byte": b"R",
    "png": _png(),
    "png with a tag before it": b"ID3\x04\x00\x00\x00\x00\x00\x00" + _png(),
    "text": b"What is the capital of France? " * 50,
    "html": b"<!doctype html><html><body>502 Bad Gateway</body></html>",
    "json": b'{"error": {"message": "no"}}',
    "zeros": bytes(50_000),
    "noise": np.random.default_rng(7).bytes(100_000),
    "0 samples": wav(b""),
    "wav header only": wav(b"")[:20],
    "RIFF of another kind": b"RIFF\x00\x01\x00\x00AVI LIST" + bytes(300),
    "first bytes of an mp3": MP3[:60],
    "flac header only": write(channels(voice(0.2), 1), 24_000, "flac", "flac")[:42],
    "ogg header only": write(channels(voice(0.2), 1), 24_000, "ogg", "libopus")[:47],
    "video without sound": _video(),
    "mp4 without an index": write(channels(voice(0.2), 1), 24_000, "mp4", "aac")[:900],
    "1 Hz": wav(bytes(64), rate_hz=1),
    "0 Hz": wav(bytes(64), rate_hz=0),
    "4 GHz": wav(bytes(64), rate_hz=0xFFFFFFFF),
    "0 channels": wav(bytes(64), channel_count=0),
    "1000 channels": wav(bytes(20_000), channel_count=1_000),
    "unknown coding in a wav": wav(bytes(64), tag=0x7777),
    "64-bit integers": wav(bytes(64), bits=64),
    "encrypted": bytes(b ^ 0x5A for b in MP3),
}


@pytest.mark.parametrize("name", NO_SOUND)
def test_no_sound_is_a_clean_error(name: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        decode(NO_SOUND[name], param="x")
    assert caught.value.param == "x"
    assert len(caught.value.message) > 20


class _Tripwire(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.touched.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(MP3)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def tripwire() -> Iterator[tuple[str, list[str]]]:
    """A loopback server's base URL, and the requests it got."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Tripwire)
    server.touched = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", server.touched  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def _scripts(target: str) -> dict[str, bytes]:
    """Files that make FFmpeg, where it guesses by itself, open `target`."""
    dash = (
        f"<Period><AdaptationSet><Representation><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period>"
    )
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        "concat": f"ffconcat version 1.0\nfile '{target}'\n".encode(),
        "dash": f'<?xml version="1.0"?>\n<MPD>{dash}</MPD>'.encode(),
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\na=control:{target}\nm=audio 9 RTP/AVP 0\n".encode(),
        "rtsp reference": f"[Reference]\nRef1={target}\n".encode(),
        "tagged hls": b"ID3\x04\x00\x00\x00\x00\x00\x00" + f"#EXTM3U\n#EXTINF:1,\n{target}\n".encode(),
        "image list": f"{target}\n".encode() * 20,
    }


@pytest.mark.parametrize("kind", list(_scripts("")))
def test_a_playlist_opens_nothing(
    kind: str, tripwire: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, touched = tripwire
    opened: list[str] = []
    monkeypatch.setattr(decode_module.av, "open", lambda *a, **k: opened.append("open"))
    (tmp_path / "secret.mp3").write_bytes(MP3)
    for target in (f"{url}/a.mp3", str(tmp_path / "secret.mp3"), (tmp_path / "secret.mp3").as_uri()):
        with pytest.raises(UnsupportedFormat):
            decode(_scripts(target)[kind])
    assert not touched
    assert not opened


@pytest.mark.parametrize("kind", list(_scripts("")))
def test_even_forced_into_our_demuxers_a_playlist_opens_nothing(kind: str, tripwire: tuple[str, list[str]]) -> None:
    url, touched = tripwire
    for demuxer in DEMUXERS:
        frames = 0
        try:
            with decode_module._open(io.BytesIO(_scripts(f"{url}/a.mp3")[kind]), demuxer) as source:
                frames = len(list(decode_module._frames(source, decode_module._track(source))))
        except (av.error.FFmpegError, decode_module.UnreadableError):
            pass
        assert frames == 0, demuxer
    assert not touched


def test_an_mp4_that_names_another_file_is_refused(tripwire: tuple[str, list[str]]) -> None:
    url, touched = tripwire
    data = write(channels(voice(0.5), 1), 24_000, "mp4", "aac")
    entry = struct.pack(">I4sI", 12, b"url ", 1)
    assert data.count(entry) == 1
    with pytest.raises(UnsupportedFormat, match="another file"):
        decode(data.replace(entry, struct.pack(">I4sI", 12, b"url ", 0)))
    location = url.encode() + b"/a.mp3\x00"
    outside = struct.pack(">I4sI", 12 + len(location), b"url ", 0) + location
    with pytest.raises(UnsupportedFormat):
        decode(data.replace(entry, outside))
    assert not touched


@pytest.mark.parametrize("box", [b"stsz", b"stts"])
def test_an_mp4_that_announces_endless_samples_takes_no_memory(box: bytes) -> None:
    """stsz: all samples of one size, so many; stts: one run of so many samples."""
    data = bytearray(write(channels(voice(0.5), 1), 24_000, "mp4", "aac"))
    struct.pack_into(">II", data, data.index(box) + 8, 1, 0x0FFFFFFF)
    with pytest.raises(UnsupportedFormat, match="more samples"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("muxer", "codec", "rate_hz", "kbps", "options"),
    [
        ("flac", "flac", 8_000, 0, {}),
        ("ogg", "libopus", 16_000, 6, {"frame_duration": "120", "compression_level": "0"}),
        ("matroska", "libopus", 16_000, 6, {"frame_duration": "120", "compression_level": "0"}),
    ],
)
def test_long_silence_in_little_space(muxer: str, codec: str, rate_hz: int, kbps: int, options: dict[str, str]) -> None:
    data = silence(300, rate_hz, muxer, codec, kbps=kbps, **options)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(AudioTooLong):
        decode(data, max_duration_s=60.0)
    assert time.perf_counter() - began < 1.0


def test_a_day_of_silence_is_refused_at_once_and_in_little_memory() -> None:
    ten_s = silence(10, 8_000, "mp3", "libmp3lame", kbps=8)
    day = ten_s[ten_s.index(b"\xff\xe3", 400) :] * 8640
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(AudioTooLong):
        decode(day, max_duration_s=3600.0)
    took_s = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took_s < 3.0
    assert peak < len(day) + 20e6  # the bytes once more at the most; decoded, it would be 5.5 GB


def test_a_lie_about_duration_does_not_pass_the_limit() -> None:
    """An mp3 whose frames change rate and whose Xing frame says "one frame" is still counted sample by sample."""
    data = silence(90, 8_000, "mp3", "libmp3lame", kbps=8)
    at = max(data.find(b"Xing"), data.find(b"Info"))
    assert at > 0
    lie = data[: at + 8] + struct.pack(">I", 1) + data[at + 12 :]
    with pytest.raises(AudioTooLong):
        decode(lie, max_duration_s=30.0)


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("first bytes of an mp3", "noise", "unknown coding in a wav", "mp4 without an index"):
        with pytest.raises(UnsupportedFormat):
            decode(NO_SOUND[name])
    decode(MP3[:-100])
    assert capfd.readouterr() == ("", "")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=64), st.sampled_from([b"", b"RIFF", b"ID3", b"\xff\xfb", b"\xff\xf1", b"OggS", b"....ftyp"]))
def test_sniffing_takes_any_bytes(tail: bytes, magic: bytes) -> None:
    found = sniff(magic + tail)
    assert found is None or (found.demuxer in DEMUXERS and found.offset >= 0)
