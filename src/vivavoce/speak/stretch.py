"""Makes speech faster or slower at the same pitch, where the network's own speed would slur. Knows no engine.

Waveform-similarity overlap-add (Verhelst and Roelands 1993, "WSOLA"): short frames are laid closer together or wider
apart, each taken from where it best continues the one before.
"""

from __future__ import annotations

import numpy as np

from vivavoce.audio import Samples

FRAME_S = 0.030
SEARCH_S = 0.008


def stretch(samples: Samples, rate_hz: int, speed: float) -> Samples:
    """`samples` played `speed` times as fast (over 1 shorter, under 1 longer); a copy of the input at speed 1."""
    frame = 2 * round(FRAME_S * rate_hz / 2)
    hop, reach = frame // 2, round(SEARCH_S * rate_hz)
    wanted = round(len(samples) / speed)
    if speed == 1.0 or len(samples) < 2 * frame:
        return samples.astype(np.float32, copy=True)
    source = np.pad(samples, (reach, frame + hop + reach))
    window = np.hanning(frame + 1)[:frame].astype(np.float32)
    laid = np.zeros(wanted + frame, np.float32)
    weight = np.zeros(wanted + frame, np.float32)
    taken = reach
    for start in range(0, wanted, hop):
        nominal = reach + min(round(start * speed), len(samples))
        if start:
            continuation = source[taken + hop : taken + hop + frame]
            around = source[nominal - reach : nominal + reach + frame]
            likeness = np.correlate(around, continuation, "valid")
            taken = nominal - reach + int(np.argmax(likeness))
        laid[start : start + frame] += window * source[taken : taken + frame]
        weight[start : start + frame] += window
    return (laid / np.maximum(weight, np.float32(1e-3)))[:wanted].astype(np.float32, copy=False)
