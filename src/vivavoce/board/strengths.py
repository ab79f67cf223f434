"""What a model is good and bad at, by a written rule over its figures; nothing is said that the figures do not.

Against others, where another model was asked the same items of an exam: good, where it is surely better than at least
half of them and surely worse than none; bad, the other way round. Surely: the 95 % interval of the difference, paired
over the items, leaves out 0. Each model stands by its latest run. Previews are no measure for others.

Where nobody else was asked the same: against the bars of `bars.toml`. Good, where the whole interval lies on the better
side of the bar; bad, where all of it lies on the worse. A figure without an interval (of fewer than five items) says
nothing either way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from vivavoce.board.judged import Judged
from vivavoce.board.subjects import Subject
from vivavoce.exam.board import amount, bounds, counted
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import Difference, Figure

Side = Literal["strength", "weakness"]


@dataclass(frozen=True, slots=True)
class Claim:
    """`words`: what is claimed, with the figure, its interval and n; `run` and `task`: where it comes from."""

    side: Side
    task: str
    run: Judged
    figure: Figure
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    exam: str
    figure: str
    bar: float
    goal: str


@cache
def bars() -> tuple[Bar, ...]:
    table = tomllib.loads(files("vivavoce.board").joinpath("bars.toml").read_text(encoding="utf-8"))
    return tuple(Bar(**each) for each in table["bars"])


def claims(subject: Subject, everybody: Sequence[Subject]) -> list[Claim]:
    """Strengths first, each in the order of the exams."""
    found: list[Claim] = []
    for task in TASKS:
        run = subject.latest(task)
        if run is None:
            continue
        others = [last for each in everybody if each != subject and not each.preview and (last := each.latest(task))]
        rivals = [other for other in others if _bounded(other.figures(task)[0]) and _same_items(run, other, task)]
        found += _against_others(task, run, rivals) if rivals else _against_bars(task, run)
    return sorted(found, key=lambda each: each.side != "strength")


def _against_others(task: str, run: Judged, rivals: Sequence[Judged]) -> list[Claim]:
    figure = run.figures(task)[0]
    if not _bounded(figure):
        return []
    better = TASKS[task].headline.better
    differences = [run.against(other, task) for other in rivals]
    wins = sum(_surely(each, better) == "better" for each in differences)
    losses = sum(_surely(each, better) == "worse" for each in differences)
    if not wins + losses or (wins and losses):
        return []
    if 2 * max(wins, losses) < len(rivals):
        return []
    of = f"{max(wins, losses)} of {len(rivals)} other models" if len(rivals) > 1 else "the other model"
    side: Side = "strength" if wins else "weakness"
    return [Claim(side, task, run, figure, f"{_told(figure)}: surely {'better' if wins else 'worse'} than {of}.")]


def _same_items(run: Judged, other: Judged, task: str) -> bool:
    """Other items, recordings of people say, may be harder than the model is worse."""
    between = run.against(other, task)
    return between is not None and between.paired


def _bounded(figure: Figure) -> bool:
    return figure.low is not None and figure.high is not None


def _surely(between: Difference | None, better: str | None) -> str:
    if between is None or not between.sure or better is None:
        return ""
    return "better" if (between.estimate < 0) == (better == "lower") else "worse"


def _against_bars(task: str, run: Judged) -> list[Claim]:
    figures = {figure.metric: figure for figure in run.figures(task)}
    found: list[Claim] = []
    for bar in bars():
        figure = figures.get(bar.figure) if bar.exam == task else None
        if figure is None or figure.low is None or figure.high is None or figure.better is None:
            continue
        side = _side(figure.low, bar.bar, figure.better)
        if side == _side(figure.high, bar.bar, figure.better):
            words = f"{_told(figure)}: {'within' if side == 'strength' else 'misses'} the bar of {bar.goal}."
            found.append(Claim(side, task, run, figure, words))
    return found


def _side(value: float, bar: float, better: str) -> Side:
    return "strength" if (value <= bar if better == "lower" else value >= bar) else "weakness"


def _told(figure: Figure) -> str:
    return f"{figure.title} {amount(figure)}{bounds(figure)}, {counted(figure)}"
