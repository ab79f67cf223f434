"""Mono float32 sound from one rate to another, whole or as a stream, with a length that is exact.

The rule of length: n samples at a Hz become floor(n * b / a) samples at b Hz. Whole steps of 100 ms (and 50
ms) are then the same number before and after, whatever the rates, because floor(floor(x) / k) = floor(x / k):
nobody pays for our resampling, and nobody gains by it. Knows no codec.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]

from vivavoce.audio import Audio, Samples

_QUALITY = "HQ"
"""20-bit quality: its errors lie 50 dB below the noise of speech recordings, at half the time of VHQ."""


class Resampler:
    """A stream of mono samples from one rate to another; deterministic. One thread at a time."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """Rates in Hz, both positive."""
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._taken = 0
        self._given = 0
        # soxr comes without types: this is the one Any.
        self._stream: Any = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, "float32", _QUALITY)

    def feed(self, samples: Samples) -> Samples:
        """What is ready after `samples`, float32 of shape (n,); the filter keeps some back."""
        self._taken += len(samples)
        if self._stream is None:
            return samples
        return self._within(self._stream.resample_chunk(np.ascontiguousarray(samples), last=False))

    def finish(self) -> Samples:
        """The rest. The resampler must not be fed again."""
        if self._stream is None:
            return np.zeros(0, np.float32)
        tail = self._within(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        missing = self._whole() - self._given
        self._given += missing
        return np.pad(tail, (0, missing)) if missing else tail

    def _whole(self) -> int:
        return self._taken * self._to_hz // self._from_hz

    def _within(self, ready: Samples) -> Samples:
        ready = ready[: self._whole() - self._given]
        self._given += len(ready)
        return ready


def resample(audio: Audio, rate_hz: int) -> Audio:
    """The same sound at `rate_hz`, floor(n * rate_hz / audio.rate_hz) samples long."""
    if audio.rate_hz == rate_hz:
        return audio
    stream = Resampler(audio.rate_hz, rate_hz)
    return Audio(np.concatenate([stream.feed(audio.samples), stream.finish()]), rate_hz)
