"""Bring sound of any rate to the 16 kHz that listeners take, with a windowed-sinc polyphase filter.

Callers usually hand over 16 kHz already (the codec decodes to it); this is for those that don't. Knows no model.
"""

from __future__ import annotations

from math import gcd

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples

_ZERO_CROSSINGS = 16
_KAISER_BETA = 8.0
_ROLLOFF = 0.945
_BLOCK = 16_384


def to_listen_rate(audio: Audio) -> Samples:
    """Samples of `audio` at 16 kHz; the very array when it already has that rate."""
    if audio.rate_hz == LISTEN_RATE_HZ:
        return audio.samples
    return resample(audio.samples, audio.rate_hz, LISTEN_RATE_HZ)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """`samples` at another rate: band-limited interpolation (J. O. Smith, "Digital Audio Resampling", Kaiser window).

    Works in blocks, so that memory beyond the result stays constant.
    """
    count = len(samples) * to_hz // from_hz
    if count == 0:
        return np.zeros(0, np.float32)
    common = gcd(from_hz, to_hz)
    phases, step = to_hz // common, from_hz // common
    filters = _phase_filters(phases, min(1.0, to_hz / from_hz) * _ROLLOFF)
    reach = filters.shape[1] // 2
    padded = np.concatenate([np.zeros(reach, np.float32), samples, np.zeros(reach + 1, np.float32)])
    out = np.empty(count, np.float32)
    taps = np.arange(filters.shape[1], dtype=np.int64)
    for first in range(0, count, _BLOCK):
        ticks = np.arange(first, min(count, first + _BLOCK), dtype=np.int64) * step
        gathered = padded[(ticks // phases)[:, None] + taps[None, :] + 1]
        out[first : first + len(ticks)] = np.einsum("nt,nt->n", gathered, filters[ticks % phases])
    return out


def _phase_filters(phases: int, cutoff: float) -> npt.NDArray[np.float32]:
    """One filter per output phase, shape (phases, taps); `cutoff` relative to the input's half rate."""
    half = int(np.ceil(_ZERO_CROSSINGS / cutoff))
    steps = np.arange(1 - half, 1 + half, dtype=np.float64)
    offsets = steps[None, :] - (np.arange(phases) / phases)[:, None]
    inside = np.clip(1.0 - (offsets / half) ** 2, 0.0, None)
    shape = np.i0(_KAISER_BETA * np.sqrt(inside)) / np.i0(_KAISER_BETA)
    filters = cutoff * np.sinc(cutoff * offsets) * shape
    return (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
