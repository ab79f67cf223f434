"""Log-mel features as Kaldi makes them, which speaker encoders are trained on: one frame per 10 ms.

The formula is that of Kaldi's `compute-fbank-feats` without dither: 25 ms windows, mean removed, pre-emphasis 0.97,
Povey's window, power spectrum of 512 points, triangular bands evenly spaced in mel from 20 Hz on, natural logarithm.
Knows no network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples

HOP_SAMPLES = 160
FRAME_SAMPLES = 400
_FFT = 512
_LOW_HZ = 20.0
_EMPHASIS = 0.97
_FLOOR = float(np.finfo(np.float32).eps)

Features = npt.NDArray[np.float32]
"""Shape (frames, bands)."""


class KaldiFbank:
    """Stateless after construction, so safe in any thread."""

    def __init__(self, bands: int) -> None:
        self._bands = _mel_bands(bands)
        phase = 2 * np.pi * np.arange(FRAME_SAMPLES) / (FRAME_SAMPLES - 1)
        self._window = ((0.5 - 0.5 * np.cos(phase)) ** 0.85).astype(np.float32)

    def __call__(self, samples: Samples) -> Features:
        """Features of 16 kHz samples; none where there are fewer than FRAME_SAMPLES. Frames lie wholly inside."""
        if len(samples) < FRAME_SAMPLES:
            return np.zeros((0, self._bands.shape[0]), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::HOP_SAMPLES]
        frames = frames - frames.mean(axis=1, keepdims=True)
        before = np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        spectrum = np.fft.rfft((frames - _EMPHASIS * before) * self._window, _FFT, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        return np.log(np.maximum(power @ self._bands.T, _FLOOR)).astype(np.float32)


def _mel(hz: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(hz, np.float64) / 700.0)


def _mel_bands(bands: int) -> npt.NDArray[np.float32]:
    """Triangles in mel, shape (bands, 257)."""
    edges = np.linspace(_mel(_LOW_HZ), _mel(LISTEN_RATE_HZ / 2), bands + 2)
    bins = _mel(np.arange(_FFT // 2 + 1) * LISTEN_RATE_HZ / _FFT)
    rising = (bins[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
