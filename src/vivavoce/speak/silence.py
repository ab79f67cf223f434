"""The edges of a spoken clause: finds where the voice starts and ends, cuts the silence off, fades the cut.

Knows no engine and no text.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vivavoce.audio import Samples

FRAME_S = 0.005
"""Step of the energy measurement."""

FLOOR_BELOW_PEAK_DB = 38.0
"""A frame counts as voice within this of the loudest frame: below it lie only the hiss and breath of the network."""

FLOOR_DBFS = -62.0
"""Nothing quieter counts as voice, however quiet the clause."""

KEEP_BEFORE_S = 0.030
"""Kept before the first voiced frame: the rise of soft consonants (f, h, th)."""

KEEP_AFTER_S = 0.060
"""Kept after the last one: the dying away of a vowel."""

FADE_S = 0.008
"""Raised-cosine fade at each cut edge, against clicks."""


def frame_levels_dbfs(samples: Samples, rate_hz: int) -> npt.NDArray[np.float64]:
    """Level of each whole `FRAME_S` frame, dB relative to a full-scale square wave; -120 for digital silence."""
    size = max(1, round(FRAME_S * rate_hz))
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size).astype(np.float64)
    return 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)


def voiced_range(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """First and one-past-last sample of the voice, margins included; (0, 0) where there is none."""
    levels = frame_levels_dbfs(samples, rate_hz)
    if not len(levels):
        return 0, 0
    voiced = np.flatnonzero(levels > max(float(levels.max()) - FLOOR_BELOW_PEAK_DB, FLOOR_DBFS))
    if not len(voiced):
        return 0, 0
    size = max(1, round(FRAME_S * rate_hz))
    start = int(voiced[0]) * size - round(KEEP_BEFORE_S * rate_hz)
    end = (int(voiced[-1]) + 1) * size + round(KEEP_AFTER_S * rate_hz)
    return max(0, start), min(len(samples), end)


def trim(samples: Samples, rate_hz: int) -> Samples:
    """The voice alone, its edges faded; empty where there is none. The input is left as it is."""
    start, end = voiced_range(samples, rate_hz)
    return fade_edges(samples[start:end], rate_hz)


def fade_edges(samples: Samples, rate_hz: int) -> Samples:
    """A copy that starts and ends at zero without a step."""
    faded = samples.astype(np.float32, copy=True)
    size = min(round(FADE_S * rate_hz), len(faded) // 2)
    if size:
        ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(size) / size)).astype(np.float32)
        faded[:size] *= ramp
        faded[-size:] *= ramp[::-1]
    return faded
