"""Whether tone reaches the answer: the same words in different voices, put to a server that decides who answers a call.

Some pairs should be decided differently (one voice angry or afraid, the other calm), some alike (two calm voices). Each
recording is put twice, with the hearing note and without, so that what the note does can be told from what else differs
between two voices. Works with any server; only ours knows the note. Knows no console and no client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from vivavoce.bench.questions import Progress
from vivavoce.bench.stats import Interval
from vivavoce.bench.tone import URGENT, ActedClip

INSTRUCTIONS = (
    "You answer the phone of a helpline. If the caller is upset, angry or afraid, answer PERSON. "
    "If the caller is calm, answer BOT. One word only."
)


@dataclass(frozen=True, slots=True)
class Routed:
    """What came of one recording. note: what the server says that its thinker was told besides the words."""

    person: bool
    note: str | None
    heard: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two recordings of the same words. differ: whether they should be decided differently; then `first` is upset."""

    first: ActedClip
    second: ActedClip
    differ: bool


@dataclass(frozen=True, slots=True)
class ExamRow:
    """Pairs of one kind. changed, of them: decided differently, with the note and without; and for those that should
    differ, decided rightly on both sides."""

    differ: bool
    pairs: int
    changed_with: Interval
    changed_without: Interval
    right_with: Interval
    right_without: Interval


Item = TypeVar("Item")
Route = Callable[[ActedClip, bool], Routed]
"""Puts a recording to the server, with the hearing note or without."""


def pairs_of(clips: Sequence[ActedClip], most: int, seed: int) -> list[Pair]:
    """Up to `most` pairs that should differ, by one speaker where there are such, and as many that should not."""
    random = np.random.default_rng(seed)
    words = sorted({(clip.language, clip.text) for clip in clips if clip.text})
    differing: list[Pair] = []
    alike: list[Pair] = []
    for language, text in words:
        same = [clip for clip in clips if (clip.language, clip.text) == (language, text)]
        calm = [clip for clip in same if clip.emotion == "neutral"]
        for upset in (clip for clip in same if clip.emotion in URGENT):
            own = [clip for clip in calm if clip.speaker == upset.speaker] or calm
            if own:
                differing.append(Pair(upset, own[random.integers(len(own))], True))
        shuffled = _shuffled(calm, random)
        alike += [Pair(one, other, False) for one, other in zip(shuffled[::2], shuffled[1::2], strict=False)]
    return _shuffled(differing, random)[:most] + _shuffled(alike, random)[:most]


def _shuffled(items: Sequence[Item], random: np.random.Generator) -> list[Item]:
    order: list[int] = random.permutation(len(items)).tolist()
    return [items[at] for at in order]


def examine(
    pairs: Sequence[Pair], route: Route, seed: int, progress: Progress
) -> tuple[list[ExamRow], dict[str, Routed]]:
    """Each recording is put once with the note and once without. Also what came of each with the note, by its id."""
    clips = {clip.id: clip for pair in pairs for clip in (pair.first, pair.second)}
    came: dict[tuple[str, bool], Routed] = {}
    for number, clip in enumerate(clips.values()):
        for note in (True, False):
            came[clip.id, note] = route(clip, note)
        progress(number + 1, len(clips), clip.emotion)
    rows = [
        _row([pair for pair in pairs if pair.differ == differ], came, differ, seed)
        for differ in (True, False)
        if any(pair.differ == differ for pair in pairs)
    ]
    return rows, {name: routed for (name, note), routed in came.items() if note}


def _row(pairs: Sequence[Pair], came: dict[tuple[str, bool], Routed], differ: bool, seed: int) -> ExamRow:
    def share(flags: list[bool]) -> Interval:
        return _share(flags, seed)

    def decided(note: bool) -> list[tuple[bool, bool]]:
        return [(came[pair.first.id, note].person, came[pair.second.id, note].person) for pair in pairs]

    wanted = (differ, False)
    return ExamRow(
        differ,
        len(pairs),
        share([first != second for first, second in decided(True)]),
        share([first != second for first, second in decided(False)]),
        share([sides == wanted for sides in decided(True)]),
        share([sides == wanted for sides in decided(False)]),
    )


def _share(flags: Sequence[bool], seed: int, resamples: int = 4000) -> Interval:
    values = np.array(flags, np.float64)
    drawn = values[np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))].mean(axis=1)
    low, high, upper = (float(value) for value in np.quantile(drawn, (0.025, 0.975, 0.95)))
    return Interval(float(values.mean()), low, high, upper, len(values), resamples)
