"""Figures of a speed report: spreads, ratios, where the time goes, the distance to floors and goals. Pure numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from vivavoce.bench.speed import Condition, SpeedReport, Trial
from vivavoce.bench.stats import Interval, percentile, ratio_of_medians, stated_p95
from vivavoce.prices.own import Turn

LEAST_FOR_RATIO = 5

SHORT_S = (2, 5)
"""The lengths of a question in a conversation; floors and goals are mostly about them."""


@dataclass(frozen=True, slots=True)
class Spread:
    """n values: their median, their 95th percentile (None for few) and the most."""

    n: int
    p50: float
    p95: float | None
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        if not values:
            return None
        return cls(len(values), percentile(values, 50), stated_p95(values), max(values))


@dataclass(frozen=True, slots=True)
class Row:
    """One condition at one length. Spreads in seconds; dry: answers in which playing ran dry, and the longest of it."""

    length_s: int
    condition: Condition
    first_text: Spread | None
    first_sound: Spread
    end: Spread
    dry: int
    longest_dry_s: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the time to the first sound, by medians: from start_s to end_s after the request."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    length_s: int
    condition: Condition
    stages: tuple[Stage, ...]


def conditions(report: SpeedReport) -> list[Condition]:
    """In the order in which they are told: served cached, served new, other voices, plain."""

    def place(condition: Condition) -> tuple[bool, int, bool]:
        return condition.way == "plain", report.voices.index(condition.voice), condition.prompt == "new"

    return sorted({trial.condition for trial in report.trials}, key=place)


def told(condition: Condition, report: SpeedReport) -> str:
    """A condition in a word or two."""
    if condition.way == "plain":
        return "plain"
    voice = "" if condition.voice == report.voices[0] else f", {condition.voice}"
    return f"{condition.prompt} prompt{voice}"


def main_condition(report: SpeedReport) -> Condition:
    return Condition("served", "cached", report.voices[0])


def chosen(report: SpeedReport, condition: Condition, lengths_s: Sequence[int]) -> list[Trial]:
    return [trial for trial in report.trials if trial.condition == condition and trial.length_s in lengths_s]


def measured_turns(report: SpeedReport) -> list[Turn]:
    """What the server answered in its main voice: one question at a time, so that each had the machine to itself."""
    return [
        Turn(trial.duration_s, trial.sound_s, trial.end_s)
        for trial in report.trials
        if trial.way == "served" and trial.voice == report.voices[0]
    ]


def lengths(report: SpeedReport) -> list[int]:
    return sorted({trial.length_s for trial in report.trials})


def rows(report: SpeedReport) -> list[Row]:
    """One row for each length and condition that has trials."""
    made: list[Row] = []
    for length_s in lengths(report):
        for condition in conditions(report):
            trials = chosen(report, condition, [length_s])
            first_sound, end = Spread.of([t.first_sound_s for t in trials]), Spread.of([t.end_s for t in trials])
            if first_sound is not None and end is not None:
                first_text = Spread.of([t.first_text_s for t in trials if t.first_text_s is not None])
                dry = [trial.dry_s for trial in trials if trial.dry]
                made.append(Row(length_s, condition, first_text, first_sound, end, len(dry), max(dry, default=0.0)))
    return made


def waterfalls(report: SpeedReport) -> list[Waterfall]:
    """Where the time goes, for every length and condition: each stage from one median to the next."""
    return [
        Waterfall(length_s, condition, _stages(trials))
        for length_s in lengths(report)
        for condition in conditions(report)
        if (trials := chosen(report, condition, [length_s]))
    ]


def _stages(trials: Sequence[Trial]) -> tuple[Stage, ...]:
    marks: list[tuple[str, Callable[[Trial], float | None]]] = [
        ("hearing", lambda trial: trial.heard_s),
        ("first words", lambda trial: trial.first_text_s),
        ("first sound", lambda trial: trial.first_sound_s),
        ("the rest", lambda trial: max(trial.end_s, trial.first_sound_s)),
    ]
    stages: list[Stage] = []
    at_s = 0.0
    for name, mark in marks:
        times = [time for trial in trials if (time := mark(trial)) is not None]
        if len(times) == len(trials):
            reached_s = max(at_s, percentile(times, 50))
            stages.append(Stage(name, at_s, reached_s))
            at_s = reached_s
    return tuple(stages)


def times_sooner(report: SpeedReport, lengths_s: Sequence[int]) -> Interval | None:
    """Plain's median time to the first sound over ours, on the same questions; None for few or none."""
    plain = Condition("plain", "cached", report.voices[0])
    theirs = {trial.question: trial.first_sound_s for trial in chosen(report, plain, lengths_s)}
    pairs = [
        (theirs[trial.question], trial.first_sound_s)
        for trial in chosen(report, main_condition(report), lengths_s)
        if trial.question in theirs
    ]
    if len(pairs) < LEAST_FOR_RATIO:
        return None
    return ratio_of_medians([pair[0] for pair in pairs], [pair[1] for pair in pairs], seed=report.seed)


Verdict = Literal["goal", "floor", "missed", "not measured"]


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that is asked for. value None: not measured, or of too few. `more`: more is better."""

    name: str
    unit: str
    value: float | None
    n: int
    floor: float
    goal: float
    more: bool = False

    @property
    def verdict(self) -> Verdict:
        if self.value is None:
            return "not measured"
        sign = -1 if self.more else 1
        if sign * self.value <= sign * self.goal:
            return "goal"
        return "floor" if sign * self.value <= sign * self.floor else "missed"

    @property
    def distance(self) -> float:
        """What is missing to the floor, or to the goal where the floor is reached; 0 where there is nothing missing."""
        if self.value is None or self.verdict == "goal":
            return 0.0
        return abs(self.value - (self.floor if self.verdict == "missed" else self.goal))


def targets(report: SpeedReport) -> list[Target]:
    """What is asked of two cores, the default profile, warm, a new question after a cached system prompt."""
    short, long = _sounds(report, SHORT_S), _sounds(report, [30])
    sooner = times_sooner(report, SHORT_S)
    fast = Spread.of(
        [
            t.first_sound_s
            for voice in report.voices[1:2]
            for t in chosen(report, Condition("served", "cached", voice), SHORT_S)
        ]
    )
    served = [trial for trial in report.trials if trial.way == "served"]
    added = max((a.p95_ms for a in report.added if a.p95_ms is not None), default=None)
    return [
        Target("first sound, p50, question of 2 to 5 s", "s", short and short.p50, short.n if short else 0, 1.5, 1.0),
        Target("first sound, p95, question of 2 to 5 s", "s", short and short.p95, short.n if short else 0, 2.2, 1.5),
        Target("first sound, p95, question of 30 s", "s", long and long.p95, long.n if long else 0, 4.5, 3.0),
        Target(
            "first sound, times sooner than plain, question of 2 to 5 s",
            "times",
            sooner and sooner.estimate,
            sooner.clips if sooner else 0,
            3.5,
            5.0,
            more=True,
        ),
        Target("first sound, p50, the second voice, 2 to 5 s", "s", fast and fast.p50, fast.n if fast else 0, 1.0, 0.7),
        Target("answers that ran dry while they were played", "", _dry(served), len(served), 0, 0),
        Target("what the server adds, p95", "ms", added, min((a.n for a in report.added), default=0), 10, 10),
    ]


def _sounds(report: SpeedReport, lengths_s: Sequence[int]) -> Spread | None:
    return Spread.of([trial.first_sound_s for trial in chosen(report, main_condition(report), lengths_s)])


def _dry(trials: Sequence[Trial]) -> float | None:
    return float(sum(trial.dry > 0 for trial in trials)) if trials else None
