"""The sound of a reply as it is kept: FLAC, half the size of PCM and without loss, written anew in any format.

What is fetched is thus a true file even where the reply was streamed, whose headers state no size. Synchronous: call
it in a thread.
"""

from __future__ import annotations

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import StreamEncoder, encode

_DECODED_PER_WRITTEN = 32768 / 32767
"""Samples are written as 1.0 -> 32767 and read as 32768 -> 1.0: with this, the same bits come out again."""


class SoundKeeper:
    """Takes a reply's sound while it is spoken. Not for two threads at once."""

    def __init__(self) -> None:
        self._encoder = StreamEncoder("flac")
        self._kept: list[bytes] = []
        self._any_sound = False

    def feed(self, audio: Audio) -> None:
        self._any_sound = self._any_sound or len(audio.samples) > 0
        self._kept.append(self._encoder.feed(audio))

    def finish(self) -> bytes:
        """What to keep; b"" for a reply without any sound."""
        whole = b"".join((*self._kept, self._encoder.finish()))
        self._kept.clear()
        return whole if self._any_sound else b""


def written_as(kept: bytes, fmt: str, *, param: str | None = None) -> bytes:
    """What a `SoundKeeper` kept, as a whole file of `fmt`: to the bit what `encode` made of the same sound.

    Raises `InvalidValue` for an unknown format, with the field's path `param`.
    """
    if not kept:
        return encode(Audio.silence(0, SPEAK_RATE_HZ), fmt, param=param)
    sound = decode(kept, rate_hz=SPEAK_RATE_HZ, max_duration_s=float("inf"))
    return encode(Audio(sound.samples * _DECODED_PER_WRITTEN, SPEAK_RATE_HZ), fmt, param=param)
