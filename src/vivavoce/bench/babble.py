"""Other people's talk as noise: several voices at once, at a known level below the one that is meant. Knows no file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vivavoce.audio import Audio, Samples

Mixed = npt.NDArray[np.float64]

VOICES = 6
"""From about this many on none of them can be followed."""


def in_babble(audio: Audio, others: Sequence[Audio], snr_db: float, random: np.random.Generator) -> Audio:
    """`audio` among up to six of `others` (of the same rate), `snr_db` above all of them together by mean power.

    Scaled down where it would clip. Raises `ValueError` where there is nobody else, or nothing to hear.
    """
    voices = [other.samples for other in others if len(other.samples) and float(np.mean(other.samples**2)) > 0]
    if not voices or not len(audio.samples) or not float(np.mean(audio.samples**2)):
        raise ValueError("babble needs a recording, and others to talk beside it")
    noise: Mixed = np.zeros(len(audio.samples), np.float64)
    for index in random.choice(len(voices), min(VOICES, len(voices)), replace=False):
        voice = voices[int(index)]
        noise += _from_anywhere(voice / _level(voice), len(noise), random)
    wanted = _level(audio.samples) / 10 ** (snr_db / 20)
    mixed = audio.samples + noise * (wanted / _level(noise))
    return Audio((mixed / max(1.0, float(np.abs(mixed).max()))).astype(np.float32), audio.rate_hz)


def _from_anywhere(samples: Samples, length: int, random: np.random.Generator) -> Samples:
    """`length` samples of a voice that talks on and on, from somewhere in its middle."""
    start = int(random.integers(0, len(samples)))
    return np.resize(np.roll(samples, -start), length)


def _level(samples: Samples | Mixed) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
