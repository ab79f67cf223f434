"""A recording being heard, and one look at a window of it. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.listen.base import ListenOptions, Segment
from vivavoce.listen.windows import Window


@dataclass(slots=True)
class Recording:
    """What is known about the recording being heard."""

    samples: Samples
    gain: np.float32
    options: ListenOptions
    long: bool
    language: str | None = None
    spoken: bool = False
    heard: int = 0
    peak: float = 0.0
    no_speech_probability: float = 0.0

    @property
    def urgent(self) -> bool:
        return not self.long

    def sound(self, start_s: float, end_s: float) -> Samples:
        """A stretch at a normal level."""
        stretch = self.samples[round(start_s * LISTEN_RATE_HZ) : round(end_s * LISTEN_RATE_HZ)]
        return stretch if self.gain == 1.0 else stretch * self.gain


@dataclass(frozen=True, slots=True)
class Look:
    """One window of a recording, and the language that the recording was known to be in when the window's turn came.

    language: the one that it is in and how probable that is, where that was found out before.
    """

    recording: Recording
    window: Window
    end_s: float
    sound: Samples
    known_language: str | None
    language: tuple[str, float] | None = None

    @classmethod
    def at(cls, window: Window, recording: Recording, language: tuple[str, float] | None = None) -> Look:
        end_s = min(window.end_s, len(recording.samples) / LISTEN_RATE_HZ)
        return cls(recording, window, end_s, recording.sound(window.start_s, end_s), recording.language, language)

    @property
    def duration_s(self) -> float:
        return len(self.sound) / LISTEN_RATE_HZ

    @property
    def urgent(self) -> bool:
        return self.recording.urgent


def noted(recording: Recording, segments: Sequence[Segment]) -> list[Segment]:
    """Learn from the next window's segments in order of time; those in which something was said."""
    recording.heard += 1
    spoken = [segment for segment in segments if segment.language is not None]
    for segment in segments:
        if segment.language is None:
            recording.no_speech_probability = max(recording.no_speech_probability, segment.no_speech_probability)
    if spoken:
        recording.language, recording.spoken = spoken[-1].language, True
    return spoken


def nothing(start_s: float, end_s: float, no_speech_probability: float) -> Segment:
    """A stretch in which nothing was said."""
    return Segment("", start_s, end_s, None, 0.0, min(1.0, max(0.0, no_speech_probability)))
