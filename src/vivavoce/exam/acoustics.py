"""Noise, rooms, music and silence, made from numbers: the same seed makes the same sound on every machine.

Knows no file and no text. All sound is mono at `LISTEN_RATE_HZ`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples

Wave = npt.NDArray[np.float64]

REVERBERATION_S = 0.4
"""Of our room, until a sound has fallen by 60 dB: a furnished office."""

LEVEL = 0.05
"""Root mean square of noise and music that stand alone: −26 dBFS, as loud as a voice nearby."""


def level(samples: Samples | Wave) -> float:
    """Root mean square; 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def pink(count: int, random: np.random.Generator) -> Wave:
    """Noise with equal power in every octave, of level 1."""
    spectrum = np.fft.rfft(random.standard_normal(max(2, count)))
    spectrum /= np.sqrt(np.maximum(1.0, np.arange(len(spectrum))))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, max(2, count))[:count]
    return noise / (level(noise) or 1.0)


def in_noise(audio: Audio, snr_db: float, seed: int) -> Audio:
    """`audio` in pink noise, `snr_db` above it by mean power over its whole length; scaled down where it would clip."""
    noise = pink(len(audio.samples), np.random.default_rng(seed))
    return _unclipped(audio.samples + noise * level(audio.samples) / 10 ** (snr_db / 20), audio.rate_hz)


def in_room(audio: Audio, seed: int) -> Audio:
    """`audio` as heard two metres away: the direct sound and a tail of exponentially falling noise, equally strong
    (Polack 1988). As long as before, and as loud."""
    random = np.random.default_rng(seed)
    count = round(REVERBERATION_S * audio.rate_hz)
    times_s = np.arange(count) / audio.rate_hz
    tail = random.standard_normal(count) * 10 ** (-3 * times_s / REVERBERATION_S)
    tail[: round(0.004 * audio.rate_hz)] = 0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = len(audio.samples) + count - 1
    wet = np.fft.irfft(np.fft.rfft(audio.samples, size) * np.fft.rfft(tail, size), size)[: len(audio.samples)]
    return _unclipped(wet * (level(audio.samples) / (level(wet) or 1.0)), audio.rate_hz)


def over(audio: Audio, whisper: Audio, below_db: float) -> Audio:
    """`audio`, with `whisper` said at the same time, `below_db` quieter; as long as the longer one."""
    count = max(len(audio.samples), len(whisper.samples))
    mixed = np.zeros(count, np.float64)
    mixed[: len(audio.samples)] += audio.samples
    gain = level(audio.samples) / (level(whisper.samples) or 1.0) / 10 ** (below_db / 20)
    mixed[: len(whisper.samples)] += whisper.samples * gain
    return _unclipped(mixed, audio.rate_hz)


def _silence(count: int, random: np.random.Generator) -> Wave:
    """A recording of nobody: the hiss of a microphone at −80 dBFS."""
    return random.standard_normal(count) * 1e-4


def _noise(count: int, random: np.random.Generator) -> Wave:
    return LEVEL * pink(count, random)


def _hum(count: int, random: np.random.Generator) -> Wave:
    """Mains at 50 Hz with its harmonics, and a fan."""
    times_s = np.arange(count) / LISTEN_RATE_HZ
    phases = random.uniform(0, 2 * np.pi, 8)
    tones = sum(np.sin(2 * np.pi * 50 * (n + 1) * times_s + phases[n]) / (n + 1) for n in range(8))
    return LEVEL * (np.asarray(tones) + 0.3 * pink(count, random))


def _beeps(count: int, random: np.random.Generator) -> Wave:
    """The tone of a telephone line that is engaged: half a second on, half a second off."""
    times_s = np.arange(count) / LISTEN_RATE_HZ
    tone = np.sin(2 * np.pi * float(random.uniform(400, 450)) * times_s)
    return 2 * LEVEL * tone * (times_s % 1.0 < 0.5)


def _music(count: int, random: np.random.Generator) -> Wave:
    """Chords with a melody and a beat: plucked tones with falling harmonics, in a key drawn at random."""
    song = np.zeros(count, np.float64)
    root = float(random.choice(np.array([196.0, 220.0, 246.94, 261.63])))
    beat_s = float(random.uniform(0.3, 0.5))
    chords = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
    for beat in range(int(count / LISTEN_RATE_HZ / beat_s) + 1):
        chord = chords[beat // 4 % 4]
        notes = [(step, 0.5) for step in chord] if beat % 4 == 0 else []
        notes.append((chord[int(random.integers(3))] + 12, 1.0))
        for step, strength in notes:
            _pluck(song, round(beat * beat_s * LISTEN_RATE_HZ), root * 2 ** (step / 12), strength)
    return 2 * LEVEL * song / (level(song) or 1.0)


def _pluck(song: Wave, start: int, hz: float, strength: float) -> None:
    count = min(len(song) - start, round(1.2 * LISTEN_RATE_HZ))
    if count <= 0:
        return
    times_s = np.arange(count) / LISTEN_RATE_HZ
    tone = sum(np.sin(2 * np.pi * hz * n * times_s) / n**1.5 for n in range(1, 6))
    song[start : start + count] += strength * np.asarray(tone) * np.exp(-3 * times_s)


MADE: Mapping[str, Callable[[int, np.random.Generator], Wave]] = {
    "silence": _silence,
    "noise": _noise,
    "hum": _hum,
    "beeps": _beeps,
    "music": _music,
}
"""What nobody says anything in, by name."""


def made(kind: str, duration_s: float, seed: int) -> Audio:
    """One of `MADE`. Raises `KeyError` for another kind."""
    samples = MADE[kind](round(duration_s * LISTEN_RATE_HZ), np.random.default_rng(seed))
    return _unclipped(samples, LISTEN_RATE_HZ)


def _unclipped(samples: Wave, rate_hz: int) -> Audio:
    return Audio((samples / max(1.0, float(np.abs(samples).max(initial=0.0)))).astype(np.float32), rate_hz)
