"""How an utterance was spoken, measured: pitch, loudness, pace and pauses, without any model and in any language.

16 kHz samples of one utterance -> `Prosody` and the numbers that a tone head reads. Pitch is the highest peak of the
normalised autocorrelation (Boersma 1993); syllables are counted as peaks of intensity between dips, in voiced sound (de
Jong and Wempe 2009). All is measured below 4 kHz, so that a telephone changes little. Knows no words and no network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.listen.manner import REFERENCE_HZ, Prosody
from vivavoce.resampling import resample

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

_RATE_HZ = 8_000
_HOP = 80
STEP_S = _HOP / _RATE_HZ
_FRAME = 320
_FFT = 512
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 550.0
_VOICED = 0.5
_OCTAVE_COST = 0.02
_RESOLVED = 0.9
_SPEECH_RANGE_DB = 30.0
_NUCLEUS_RANGE_DB = 25.0
_DIP_DB = 2.0
_SHORTEST_PAUSE_S = 0.2
_FLOOR_DB = -100.0
_FAINTEST = np.float32(1e-6)
"""Of the strongest: what is fainter counts as this, or silence between harmonics would matter."""

FEATURES = (
    "pitch_semitones",
    "pitch_range_semitones",
    "pitch_movement_semitones",
    "pitch_slope_semitones_per_s",
    "voiced_share",
    "periodicity",
    "loudness_range_db",
    "loudness_movement_db",
    "alpha_ratio_db",
    "alpha_ratio_loud_db",
    "hammarberg_db",
    "centroid_octaves",
    "flux_db",
    "pace_syllables_per_s",
    "pause_share",
)
"""What `measured` gives to a tone head, in this order. None of it changes with the level of the recording."""


def measured(samples: Samples) -> tuple[Prosody, Floats]:
    """What can be told of 16 kHz samples of one utterance, and its `FEATURES`, float32 of shape (15,).

    Where nothing is voiced, pitch is None and its features are 0; silence has features of 0.
    """
    frames = _Frames(resample(Audio(samples, LISTEN_RATE_HZ), _RATE_HZ).samples)
    return frames.prosody(), frames.features()


class _Frames:
    """10 ms steps of a recording: loudness, pitch where it is voiced, and what is speech."""

    def __init__(self, samples: Samples) -> None:
        steps = max(1, (len(samples) - _FRAME) // _HOP + 1)
        padded = np.zeros((steps - 1) * _HOP + _FRAME, np.float32)
        kept = samples[: len(padded)]
        padded[: len(kept)] = kept
        rows = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
        rows = rows - rows.mean(axis=1, keepdims=True)
        self.db = _decibels((rows * rows).mean(axis=1))
        spectrum = np.fft.rfft(rows * _WINDOW, _FFT, axis=1)
        self.power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        self.speech = (self.db > self.db.max() - _SPEECH_RANGE_DB) & (self.db > _FLOOR_DB + 10.0)
        hz, self.periodicity = _pitch(self.power)
        self.voiced = self.speech & (self.periodicity > _VOICED)
        self.semitones = np.zeros(steps, np.float32)
        if self.voiced.any():
            semitones = 12 * np.log2(hz / REFERENCE_HZ)
            self.semitones = _settled(semitones, self.voiced)
        self.nuclei = _nuclei(self.db, self.voiced)
        spoken = np.flatnonzero(self.speech)
        self.first, self.last = (int(spoken[0]), int(spoken[-1]) + 1) if len(spoken) else (0, 0)
        self.pauses = _runs(~self.speech[self.first : self.last], round(_SHORTEST_PAUSE_S / STEP_S))

    @property
    def duration_s(self) -> float:
        return (self.last - self.first) * STEP_S

    @property
    def pause_s(self) -> float:
        return sum(self.pauses) * STEP_S

    @property
    def pace(self) -> float:
        talking_s = self.duration_s - self.pause_s
        return self.nuclei / talking_s if talking_s > 0 else 0.0

    def prosody(self) -> Prosody:
        pitch = self.semitones[self.voiced]
        median = float(np.median(pitch)) if len(pitch) else None
        low, high = np.quantile(pitch, (0.1, 0.9)) if len(pitch) else (0.0, 0.0)
        loud = float(np.log10(np.mean(10 ** (self.db[self.speech] / 10))) * 10) if self.speech.any() else _FLOOR_DB
        return Prosody(
            pitch_hz=None if median is None else float(REFERENCE_HZ * 2 ** (median / 12)),
            pitch_range_semitones=float(high - low),
            loudness_dbfs=loud,
            pace_syllables_per_s=self.pace,
            pauses=len(self.pauses),
            pause_s=self.pause_s,
        )

    def features(self) -> Floats:
        if not self.voiced.any():
            return np.zeros(len(FEATURES), np.float32)
        pitch = self.semitones[self.voiced]
        db = self.db[self.speech]
        neighbours = self.voiced[1:] & self.voiced[:-1]
        moves = np.abs(np.diff(self.semitones))[neighbours]
        power = self.power[self.voiced]
        power = power + _FAINTEST * power.max()
        low, high = power[:, _LOW].sum(axis=1), power[:, _HIGH].sum(axis=1)
        alpha = 10 * np.log10(high / low)
        hammarberg = 10 * np.log10(power[:, _LOW_PEAK].max(axis=1) / power[:, _HIGH_PEAK].max(axis=1))
        centroid = np.log2((power * _HZ).sum(axis=1) / power.sum(axis=1))
        loudest = self.db[self.voiced] >= np.median(self.db[self.voiced])
        times = np.flatnonzero(self.voiced) * STEP_S
        spread = times - times.mean()
        slope = float((spread * pitch).sum() / max(1e-6, float((spread * spread).sum()))) if len(pitch) > 10 else 0.0
        logs = 10 * np.log10(self.power[self.first : self.last] + _FAINTEST * power.max())
        flux = np.abs(np.diff(logs, axis=0)).mean() if len(logs) > 1 else 0.0
        spread_db = np.quantile(db, (0.1, 0.9))
        return np.array(
            [
                np.median(pitch),
                np.quantile(pitch, 0.9) - np.quantile(pitch, 0.1),
                moves.mean() if len(moves) else 0.0,
                np.clip(slope, -20.0, 20.0),
                self.voiced.sum() / self.speech.sum(),
                self.periodicity[self.voiced].mean(),
                spread_db[1] - spread_db[0],
                np.abs(np.diff(db)).mean() if len(db) > 1 else 0.0,
                alpha.mean(),
                alpha[loudest].mean(),
                hammarberg.mean(),
                centroid.mean(),
                flux,
                self.pace,
                self.pause_s / max(STEP_S, self.duration_s),
            ],
            np.float32,
        )


_WINDOW = np.hanning(_FRAME + 1)[:-1].astype(np.float32)
_HZ = np.fft.rfftfreq(_FFT, 1 / _RATE_HZ).astype(np.float32)
_LOW, _HIGH = (_HZ >= 100) & (_HZ < 1000), (_HZ >= 1000) & (_HZ < 3400)
_LOW_PEAK, _HIGH_PEAK = (_HZ >= 100) & (_HZ < 1500), (_HZ >= 1500) & (_HZ < 3400)
_SHORTEST_LAG, _LONGEST_LAG = int(_RATE_HZ / _HIGHEST_HZ), int(_RATE_HZ / _LOWEST_HZ) + 1
_OWN = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)
"""The window's own autocorrelation, by which that of a frame is divided."""


def _decibels(mean_square: Floats) -> Floats:
    return np.maximum(10 * np.log10(mean_square + 1e-12), _FLOOR_DB).astype(np.float32)


def _pitch(power: Floats) -> tuple[Floats, Floats]:
    """Pitch in Hz and periodicity in [0, 1] of each frame, from its power spectrum.

    The shortest of the lags that are nearly as good as the best is taken: the others are its multiples.
    """
    own = np.fft.irfft(power, _FFT, axis=1)[:, : _LONGEST_LAG + 2]
    own = own / np.maximum(own[:, :1], 1e-12) / (_OWN[: _LONGEST_LAG + 2] / _OWN[0]).astype(np.float32)
    lags = np.arange(_SHORTEST_LAG, _LONGEST_LAG + 1)
    here = own[:, lags]
    peaks = (here >= own[:, lags - 1]) & (here > own[:, lags + 1])
    scores = np.where(peaks, here, 0.0)
    best = scores.max(axis=1, keepdims=True)
    first = np.argmax(peaks & (scores >= _RESOLVED * best) & (scores > 0), axis=1)
    rows = np.arange(len(power))
    lag = lags[first]
    before, at, after = own[rows, lag - 1], own[rows, lag], own[rows, lag + 1]
    bend = before - 2 * at + after
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (before - after) / np.where(bend == 0, 1.0, bend), 0.0)
    return (_RATE_HZ / (lag + np.clip(shift, -0.5, 0.5))).astype(np.float32), np.clip(at, 0.0, 1.0).astype(np.float32)


def _settled(semitones: Floats, voiced: Flags) -> Floats:
    """Pitch with leaps of an octave taken back, and a median over 50 ms."""
    median = np.median(semitones[voiced])
    away = semitones - median
    back = semitones - 12 * np.trunc(away / 9.0) * (np.abs(away) > 9.0)
    padded = np.pad(np.where(voiced, back, np.nan), 2, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 5)[voiced]
    settled = np.zeros_like(semitones)
    settled[voiced] = np.nanmedian(around, axis=1)
    return settled


def _nuclei(db: Floats, voiced: Flags) -> int:
    """Syllables: peaks of the smoothed intensity that stand out by 2 dB on both sides, in voiced sound."""
    smooth = np.convolve(np.pad(db, 2, mode="edge"), np.full(5, 0.2, np.float32), "valid")
    floor = smooth.max() - _NUCLEUS_RANGE_DB
    count, lowest, peak, voiced_peak = 0, float(smooth[0]) if len(smooth) else 0.0, _FLOOR_DB, False
    lowest = min(lowest, floor)
    for level, has_voice in zip(smooth.tolist(), voiced.tolist(), strict=True):
        if level > peak:
            peak, voiced_peak = level, has_voice
        if level < peak - _DIP_DB:
            if voiced_peak and peak > floor and peak - lowest >= _DIP_DB:
                count += 1
                lowest = level
            peak, voiced_peak = level, has_voice
        lowest = min(lowest, level)
        if level == lowest:
            peak, voiced_peak = level, has_voice
    if voiced_peak and peak > floor and peak - lowest >= _DIP_DB:
        count += 1
    return count


def _runs(flags: Flags, shortest: int) -> list[int]:
    """Lengths of runs of true of at least `shortest`."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    lengths = edges[1::2] - edges[::2]
    return [int(length) for length in lengths if length >= shortest]
