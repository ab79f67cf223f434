"""Long recordings made of short ones: clips of one language, one after another, with pauses.

Each clip is one that somebody spoke and wrote down, so what is said in the whole is known. Knows no engine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.bench.clips import Clip
from vivavoce.errors import InvalidValue

PAUSES_S = (0.3, 1.5)
"""Shortest and longest pause between clips."""
LEAST_SPEECH_S = 60.0
"""A language with less speech than this would be the same few sentences over and over."""

Decode = Callable[[Clip], Samples]


@dataclass(frozen=True, slots=True)
class Joined:
    """clips in the order in which they are heard; samples: 16 kHz."""

    language: str
    clips: tuple[Clip, ...]
    samples: Samples

    @property
    def duration_s(self) -> float:
        return len(self.samples) / LISTEN_RATE_HZ


def join(clips: Sequence[Clip], minutes: float, part_minutes: float, decode: Decode, *, seed: int = 0) -> list[Joined]:
    """Recordings of `part_minutes` each, `minutes` in all, languages by turns according to how much there is of each.

    Clips are taken in a shuffled order and again from the start where there are too few. Raises `InvalidValue` when no
    language has a minute of speech.
    """
    by_language: dict[str, list[Clip]] = {}
    for clip in clips:
        by_language.setdefault(clip.language, []).append(clip)
    speech_s = {language: sum(c.duration_s for c in own) for language, own in by_language.items()}
    speech_s = {language: total for language, total in speech_s.items() if total >= LEAST_SPEECH_S}
    if not speech_s:
        raise InvalidValue("No language has a minute of recordings under these conditions.")
    chance = random.Random(seed)
    decks: dict[str, list[Clip]] = {language: [] for language in speech_s}
    used_s = dict.fromkeys(speech_s, 0.0)
    parts: list[Joined] = []
    left_s = 60.0 * minutes
    while left_s >= 1.0:
        # The language that is furthest behind its share comes next.
        language = min(speech_s, key=lambda name: (used_s[name] / speech_s[name], -speech_s[name]))
        part = _part(by_language[language], decks[language], min(60.0 * part_minutes, left_s), decode, chance)
        used_s[language] += part.duration_s
        left_s -= part.duration_s
        parts.append(part)
    return parts


def _part(clips: Sequence[Clip], deck: list[Clip], length_s: float, decode: Decode, chance: random.Random) -> Joined:
    """Clips from `deck` (dealt anew from `clips` when empty) until `length_s` is reached; at least one."""
    taken: list[Clip] = []
    pieces: list[Samples] = []
    samples = 0
    while samples < length_s * LISTEN_RATE_HZ:
        if not deck:
            deck.extend(chance.sample(list(clips), len(clips)))
        clip = deck.pop()
        pause = np.zeros(round(chance.uniform(*PAUSES_S) * LISTEN_RATE_HZ), np.float32)
        taken.append(clip)
        pieces += [decode(clip), pause]
        samples += len(pieces[-2]) + len(pieces[-1])
    return Joined(taken[0].language, tuple(taken), np.concatenate(pieces))
