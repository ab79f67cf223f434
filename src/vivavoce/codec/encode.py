"""Mono `Audio` to the bytes of a reply: wav, pcm16, mp3, flac, opus (in ogg) and aac (ADTS), whole or as a
stream.

Every reply is 24 kHz mono, as the original answered. Whole files state their true sizes; streams write to a
sink that cannot seek, so their headers state none. Knows no HTTP and no base64.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.container import Flags

from vivavoce.audio import SPEAK_RATE_HZ, Audio, Samples
from vivavoce.errors import EngineFailed, InvalidValue
from vivavoce.resampling import Resampler

CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "wav": "audio/wav",
        "mp3": "audio/mpeg",
        "flac": "audio/flac",
        "opus": "audio/ogg",
        "aac": "audio/aac",
        "pcm16": "audio/pcm",
    }
)
"""Media type of each format; `pcm16` is signed 16-bit little-endian, 24 kHz, mono, without any header."""

FORMATS: tuple[str, ...] = tuple(CONTENT_TYPES)

PCM_PIECE_BYTES = 19_200
"""0.4 s of pcm16, the size of the original's pieces."""

_UNKNOWN_SIZE = 0xFFFFFFFF
_BYTES_PER_S = 2 * SPEAK_RATE_HZ


def encode(audio: Audio, fmt: str, *, param: str | None = None) -> bytes:
    """The whole of `audio` as a file of `fmt`, one of `FORMATS`, resampled to 24 kHz where it is not.

    Raises `InvalidValue` for an unknown format, with the field's path `param`.
    """
    encoder = _Encoder.of(fmt, streamed=False, param=param)
    encoder.feed(audio)
    return encoder.finish()


class StreamEncoder:
    """One reply, encoded as it is spoken: `feed` each stretch of sound, `finish` once. Not for two threads at
    once.

    What the pieces are when joined is one file of `fmt`. Sizes that only the end could tell are left open: a
    WAV header says 0xFFFFFFFF, FLAC says 0 samples, MP3 has no Xing frame, and so starts up to 22 ms late.
    """

    def __init__(self, fmt: str, *, param: str | None = None) -> None:
        """Raises `InvalidValue` for an unknown format, with the field's path `param`."""
        self._encoder = _Encoder.of(fmt, streamed=True, param=param)

    def feed(self, audio: Audio) -> bytes:
        """What is ready to be sent, maybe b"". A rate other than the first stretch's is a `ValueError`."""
        return self._encoder.feed(audio)

    def finish(self) -> bytes:
        """The rest of the file. A reply without any sound is still a valid, empty file."""
        return self._encoder.finish()


class PcmCutter:
    """Cuts pcm16 bytes, however they arrive, into pieces for the wire.

    Every piece but the last is a multiple of 6 bytes: whole samples, and base64 without padding, so that
    clients who join the base64 of all pieces decode it too. Pieces hold `piece_bytes`, but the first may be
    made smaller, for a client that plays it at once, and so is what `flush` gives.
    """

    def __init__(self, piece_bytes: int = PCM_PIECE_BYTES, first_piece_bytes: int | None = None) -> None:
        """Sizes in bytes, positive multiples of 6, else `ValueError`; the first as the others by default."""
        first = piece_bytes if first_piece_bytes is None else first_piece_bytes
        if piece_bytes <= 0 or piece_bytes % 6 or first <= 0 or first % 6:
            raise ValueError(f"pieces must be positive multiples of 6 bytes, got {piece_bytes} and {first}")
        self._piece_bytes = piece_bytes
        self._next_bytes = first
        self._held = bytearray()

    def feed(self, pcm: bytes) -> list[bytes]:
        """The pieces that are full now."""
        self._held += pcm
        pieces: list[bytes] = []
        at = 0
        while len(self._held) - at >= self._next_bytes:
            pieces.append(bytes(self._held[at : at + self._next_bytes]))
            at += self._next_bytes
            self._next_bytes = self._piece_bytes
        del self._held[:at]
        return pieces

    def flush(self) -> list[bytes]:
        """At most one smaller piece, of all but the last few bytes: for a pause before the next clause."""
        whole = len(self._held) - len(self._held) % 6
        if not whole:
            return []
        piece = bytes(self._held[:whole])
        del self._held[:whole]
        self._next_bytes = self._piece_bytes
        return [piece]

    def finish(self) -> list[bytes]:
        """At most one last piece, of any even length."""
        rest = bytes(self._held)
        self._held.clear()
        return [rest] if rest else []


def wav_header(data_bytes: int | None) -> bytes:
    """The 44 bytes before 24 kHz mono 16-bit samples (RIFF/WAVE, 1991); None: how many is not known yet."""
    riff_bytes, size = (_UNKNOWN_SIZE, _UNKNOWN_SIZE) if data_bytes is None else (36 + data_bytes, data_bytes)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SPEAK_RATE_HZ, _BYTES_PER_S, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", riff_bytes, b"WAVE") + form + struct.pack("<4sI", b"data", size)


class _Writer(Protocol):
    """Takes 24 kHz samples and gives bytes."""

    def write(self, samples: Samples) -> bytes: ...
    def close(self) -> bytes: ...


class _Encoder:
    """Brings stretches of sound to 24 kHz and hands them to the writer of a format."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._resampler: Resampler | None = None
        self._rate_hz = 0

    @classmethod
    def of(cls, fmt: str, *, streamed: bool, param: str | None) -> _Encoder:
        if fmt in ("wav", "pcm16"):
            return cls(_PcmWriter(header=fmt == "wav", streamed=streamed))
        if fmt in _RECIPES:
            return cls(_AvWriter(_RECIPES[fmt], streamed=streamed))
        supported = ", ".join(FORMATS)
        raise InvalidValue(f"Unknown audio format {fmt!r}. Supported values are: {supported}.", param=param)

    def feed(self, audio: Audio) -> bytes:
        if self._resampler is None:
            self._resampler, self._rate_hz = Resampler(audio.rate_hz, SPEAK_RATE_HZ), audio.rate_hz
        elif audio.rate_hz != self._rate_hz:
            raise ValueError(f"the stream began at {self._rate_hz} Hz and cannot go on at {audio.rate_hz} Hz")
        return self._writer.write(self._resampler.feed(audio.samples))

    def finish(self) -> bytes:
        tail = b"" if self._resampler is None else self._writer.write(self._resampler.finish())
        return tail + self._writer.close()


class _PcmWriter:
    def __init__(self, *, header: bool, streamed: bool) -> None:
        self._header = header
        self._streamed = streamed
        self._begun = False
        self._held: list[bytes] = []

    def write(self, samples: Samples) -> bytes:
        pcm = Audio(samples, SPEAK_RATE_HZ).to_pcm16()
        if self._streamed:
            return self._begin() + pcm
        self._held.append(pcm)
        return b""

    def close(self) -> bytes:
        if self._streamed:
            return self._begin()
        pcm = b"".join(self._held)
        return wav_header(len(pcm)) + pcm if self._header else pcm

    def _begin(self) -> bytes:
        header = wav_header(None) if self._header and not self._begun else b""
        self._begun = True
        return header


@dataclass(frozen=True, slots=True)
class _Recipe:
    """How FFmpeg writes a format: options of the muxer, and what is otherwise in a stream."""

    muxer: str
    codec: str
    bits_per_s: int | None
    """None where the codec is lossless."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    stream_options: Mapping[str, str] = field(default_factory=dict[str, str])
    stream_codec_options: Mapping[str, str] = field(default_factory=dict[str, str])
    stream_leaves_out: int = 0
    """How many packets at the start hold nothing but the encoder's delay, and may go."""


_RECIPES: Mapping[str, _Recipe] = {
    # LAME's first frame ends before the sound begins. A whole file's Xing frame tells players to skip it; a stream,
    # which cannot have one, goes without both, and without the bit reservoir that would make later frames need it.
    "mp3": _Recipe(
        "mp3",
        "libmp3lame",
        64_000,
        stream_options={"write_xing": "0", "id3v2_version": "0"},
        stream_codec_options={"reservoir": "0"},
        stream_leaves_out=1,
    ),
    "flac": _Recipe("flac", "flac", None, {"metadata_header_padding": "0"}),  # 8 KB of nothing otherwise
    # page_duration in microseconds: a page each 0.1 s
    "opus": _Recipe("ogg", "libopus", 32_000, stream_options={"page_duration": "100000"}),
    "aac": _Recipe("adts", "aac", 64_000),
}


class _Sink(io.RawIOBase):
    """Takes what FFmpeg writes and cannot seek."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class _AvWriter:
    def __init__(self, recipe: _Recipe, *, streamed: bool) -> None:
        self._sink = _Sink() if streamed else None
        self._file = io.BytesIO()
        options = {**recipe.options, "flush_packets": "1", **recipe.stream_options} if streamed else recipe.options
        # PyAV's stubs leave these methods partly unknown: the one Any of encoding.
        self._container: Any = av.open(
            self._sink or self._file, "w", format=recipe.muxer, container_options=dict(options)
        )
        # No random serial numbers: the same sound gives the same bytes.
        self._container.flags |= Flags.bitexact.value
        codec_options = dict(recipe.stream_codec_options) if streamed else {}
        self._stream: Any = self._container.add_stream(
            recipe.codec, rate=SPEAK_RATE_HZ, layout="mono", options=codec_options
        )
        if recipe.bits_per_s is not None:
            self._stream.bit_rate = recipe.bits_per_s
        self._at = 0
        self._leave_out = recipe.stream_leaves_out if streamed else 0

    def write(self, samples: Samples) -> bytes:
        if len(samples):
            pcm = np.frombuffer(Audio(samples, SPEAK_RATE_HZ).to_pcm16(), "<i2").reshape(1, -1)
            frame = AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
            frame.sample_rate = SPEAK_RATE_HZ
            frame.pts = self._at
            self._at += len(samples)
            self._encode(frame)
        return self._sink.take() if self._sink else b""

    def close(self) -> bytes:
        self._encode(None)
        self._container.close()
        return self._sink.take() if self._sink else self._file.getvalue()

    def _encode(self, frame: AudioFrame | None) -> None:
        try:
            packets = self._stream.encode(frame)
            self._container.mux(packets[self._leave_out :])
        except av.error.FFmpegError as error:
            raise EngineFailed(f"The reply could not be encoded ({error}).") from error
        self._leave_out -= min(self._leave_out, len(packets))
