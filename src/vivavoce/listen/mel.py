"""Log-mel features as Whisper was trained on: 16 kHz samples -> (n_mels, frames), one frame per 10 ms.

The formula is that of Whisper's published `log_mel_spectrogram`: 400-sample periodic Hann window, hop 160, power
spectrum, Slaney mel bands, log10 floored at 8 below the maximum, then (x + 4) / 4. Knows no model and no window policy.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples

FRAMES_PER_S = 100
_FFT = 400
_HOP = LISTEN_RATE_HZ // FRAMES_PER_S
_BREAK_HZ = 1000.0
_HZ_PER_MEL = 200.0 / 3.0
_LOG_STEP = np.log(6.4) / 27.0

Features = npt.NDArray[np.float32]
"""Log-mel features, shape (n_mels, frames)."""


def _mel_to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Slaney's scale: linear up to 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    break_mel = _BREAK_HZ / _HZ_PER_MEL
    return np.where(
        mels < break_mel,
        mels * _HZ_PER_MEL,
        _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mels, break_mel) - break_mel)),
    )


def mel_bands(n_mels: int) -> npt.NDArray[np.float32]:
    """Triangular bands of equal area from 0 Hz to half the rate, shape (n_mels, 201)."""
    nyquist_hz = LISTEN_RATE_HZ / 2
    top_mel = _BREAK_HZ / _HZ_PER_MEL + np.log(nyquist_hz / _BREAK_HZ) / _LOG_STEP
    edges = _mel_to_hz(top_mel * np.arange(n_mels + 2) / (n_mels + 1))
    bins = np.linspace(0.0, nyquist_hz, _FFT // 2 + 1)
    rising = (bins[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


class LogMel:
    """Turns samples into features. Stateless after construction, so safe in any thread."""

    def __init__(self, n_mels: int) -> None:
        self._bands = mel_bands(n_mels)
        self._window = np.hanning(_FFT + 1)[:-1].astype(np.float32)

    def __call__(self, samples: Samples, frames: int) -> Features:
        """Features of `samples` at 16 kHz, zero-padded or cut to exactly `frames` frames, shape (n_mels, frames).

        Silence is appended to the sound before the transform, as in training, so that the padding looks like silence
        after this sound's own normalisation.
        """
        wanted = frames * _HOP
        heard = samples[:wanted]
        # Only the frames that overlap sound are transformed: the rest of the window is known to be the floor.
        lively = min(frames, len(heard) // _HOP + 3)
        half = _FFT // 2
        padded = np.zeros(lively * _HOP + _FFT, np.float32)
        take = min(len(heard), len(padded) - half)
        padded[half : half + take] = heard[:take]
        padded[:half] = padded[2 * half : half : -1]
        strided = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][:lively]
        spectrum = np.fft.rfft(strided * self._window, axis=-1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        logs = np.full((self._bands.shape[0], frames), -10.0, np.float32)
        logs[:, :lively] = np.log10(np.maximum(self._bands @ power.T, 1e-10))
        floor = np.float32(logs.max() - 8.0)
        return ((np.maximum(logs, floor) + 4.0) / 4.0).astype(np.float32)
