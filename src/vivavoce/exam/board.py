"""Runs side by side: figures, ranks in groups that the intervals allow, and a verdict for each run on its model.

Pure: reads records, draws nothing. A rank group holds what cannot be told from its best; a verdict compares a run with
the first one of the same label and model. Runs of other rotations are compared, and every place that does says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median
from typing import Literal

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import Better, Difference, Figure, Metric, Ratio, Tried, difference
from vivavoce.exam.runs import Record, Run
from vivavoce.exam.tasks import Task

Change = Literal["baseline", "improved", "regressed", "stable"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One run in one task. rank: that of its group, from 1; None where nothing was scored.

    groups: see `groups`. usd_per_hour: of the sound that was put in; None where unknown.
    """

    run: Run
    figures: Sequence[Figure]
    groups: Mapping[str, Mapping[str, Figure]]
    rank: int | None
    median_s: float | None
    usd: Decimal | None
    usd_per_hour: Decimal | None
    asked: int
    failed: int

    @property
    def headline(self) -> Figure:
        return self.figures[0]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A task's standings, best first. mixed: why they are not to be compared without care; empty where they may be.

    average: over runs that are no preview, of the headline; None of fewer than two.
    """

    task: Task
    standings: Sequence[Standing]
    mixed: Sequence[str]
    average: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run's headline of a task stands to the first one of its model. `words`: two plain sentences."""

    run: Run
    task: str
    change: Change
    difference: Difference | None
    words: str


def figures(task: Task, tries: Sequence[Tried]) -> list[Figure]:
    """The headline first."""
    metrics: list[Metric] = [task.headline, *task.metrics]
    return [metric.figure(tries) for metric in metrics]


def groups(task: Task, tries: Sequence[Tried]) -> dict[str, dict[str, Figure]]:
    """The headline by group and by each of the task's facets (`language`), and what is stated beside it by the same
    (`language: angry callers escalated, by voice`)."""
    found: dict[str, dict[str, Figure]] = {}
    for facet in ("group", *task.by):
        parts: dict[str, list[Tried]] = {}
        for item, made in tries:
            value = item.group if facet == "group" else item.facets.get(facet, "")
            if value:
                parts.setdefault(value, []).append((item, made))
        if len(parts) < 2 and sum(map(len, parts.values())) in (0, len(tries)):
            continue  # none, or one that is the whole
        ordered = sorted(parts.items())
        found[facet] = {value: _first_stated(task, part) for value, part in ordered}
        for metric in (each for each in task.metrics if each.name in task.also):
            beside = {value: metric.figure(part) for value, part in ordered}
            if any(figure.estimate is not None for figure in beside.values()):
                found[f"{facet}: {metric.title}"] = beside
    return found


def _first_stated(task: Task, tries: Sequence[Tried]) -> Figure:
    """The headline, or the first metric that says anything: a group may hold one part of a task alone."""
    metrics: list[Metric] = [task.headline, *(each for each in task.metrics if isinstance(each, Ratio))]
    stated = [metric.figure(tries) for metric in metrics]
    return next((figure for figure in stated if figure.estimate is not None), stated[0])


def leaderboard(records: Sequence[Record], name: str) -> Leaderboard:
    """Those of `records` that were examined in task `name`, ranked."""
    task = TASKS[name]
    taking = [record for record in records if record.of(name)]
    ranks = _ranks(task, taking)
    standings = [_standing(task, record, ranks.get(record.run.id)) for record in taking]
    sign = -1.0 if task.headline.better == "higher" else 1.0
    standings.sort(key=lambda each: (each.rank is None, each.rank or 0, sign * (each.headline.estimate or 0.0)))
    settled = [each.headline.estimate for each in standings if not each.run.preview]
    stated = [estimate for estimate in settled if estimate is not None]
    average = sum(stated) / len(stated) if len(stated) > 1 else None
    return Leaderboard(task, standings, mixed(taking, name), average)


def standing(
    task: Task, run: Run, tries: Sequence[Tried], stated: Sequence[Figure], rank: int | None = None
) -> Standing:
    """A run in one task. stated: its figures, the headline first. Without groups."""
    seconds = [made.seconds for _, made in tries if made.seconds is not None]
    prices = [Decimal(made.usd) if made.usd is not None else None for _, made in tries if made.seconds is not None]
    known = [usd for usd in prices if usd is not None]
    usd = sum(known, Decimal(0)) if known and len(known) == len(prices) else None
    heard_s = sum(made.question_s or 0.0 for _, made in tries if made.seconds is not None)
    all_spoken = heard_s > 0 and all(made.mode == "spoken" for _, made in tries)
    return Standing(
        run=run,
        figures=stated,
        groups={},
        rank=rank,
        median_s=median(seconds) if seconds else None,
        usd=usd,
        usd_per_hour=usd * 3600 / Decimal(str(heard_s)) if usd is not None and all_spoken else None,
        asked=len(tries),
        failed=sum(made.seconds is None for _, made in tries),
    )


def _standing(task: Task, record: Record, rank: int | None) -> Standing:
    tries = record.of(task.name)
    return replace(standing(task, record.run, tries, figures(task, tries), rank), groups=groups(task, tries))


def _ranks(task: Task, records: Sequence[Record]) -> dict[str, int]:
    """Run id -> rank of its group."""
    by_id = {record.run.id: record for record in records}
    stated = {name: task.headline.figure(record.of(task.name)).estimate for name, record in by_id.items()}
    return rank_groups(
        {name: estimate for name, estimate in stated.items() if estimate is not None},
        task.headline.better,
        lambda one, other: difference(task.headline, by_id[one].of(task.name), by_id[other].of(task.name)),
    )


def rank_groups(
    estimates: Mapping[str, float], better: Better | None, between: Callable[[str, str], Difference | None]
) -> dict[str, int]:
    """Name -> rank of its group, from 1. The best leads a group; who cannot be told from its leader is in it."""
    order = sorted(estimates, key=lambda name: estimates[name], reverse=better == "higher")
    ranks: dict[str, int] = {}
    leader = ""
    for place, name in enumerate(order, start=1):
        apart = between(name, leader) if leader else None
        if apart is not None and not apart.sure:
            ranks[name] = ranks[leader]
            continue
        leader = name
        ranks[name] = place
    return ranks


def mixed(records: Sequence[Record], name: str) -> list[str]:
    """Why these runs of a task were not asked the same: sentences for readers."""
    if len(records) < 2:
        return []
    found: list[str] = []
    if len({str(record.run.rotation) for record in records}) > 1:
        told = sorted({str(record.run.rotation) for record in records})
        found.append(f"These runs are of different rotations ({', '.join(told)}): they were asked different items.")
    asked = [frozenset(item.id for item in record.items.values() if item.task == name) for record in records]
    if len(set(asked)) > 1:
        shared = sum(all(name in others for others in asked) for name in asked[0])
        found.append(f"Not all items are the same: {shared} are shared by all, of {min(map(len, asked))} at least.")
    sounds: dict[tuple[str, str], set[str]] = {}
    for record in records:
        for item, made in record.of(name):
            if made.question_sha256:
                sounds.setdefault((item.id, made.mode), set()).add(made.question_sha256)
    differing = sum(len(each) > 1 for each in sounds.values())
    if differing:
        found.append(f"{differing} items sounded different from run to run (other voices or another making).")
    if TASKS[name].rehears and len({record.run.rehearer for record in records}) > 1:
        found.append("The spoken answers were heard again by different endpoints.")
    widths = sorted({record.run.concurrency for record in records})
    if TASKS[name].streams and len(widths) > 1:
        told = ", ".join(map(str, widths))
        found.append(f"Times are under different loads: as many questions at once as {told}.")
    return found


def verdicts(records: Sequence[Record]) -> list[Verdict]:
    """For each run and task, oldest first, how it stands to the first run of the same label and model."""
    found: list[Verdict] = []
    firsts: dict[tuple[str, str, str], Record] = {}
    for record in sorted(records, key=lambda each: each.run.started):
        for name in record.run.tasks:
            tries = record.of(name)
            if not tries:
                continue
            task = TASKS[name]
            first = firsts.setdefault((record.run.label, record.run.model, name), record)
            between = None if record is first else difference(task.headline, tries, first.of(name))
            found.append(verdict(task, record.run, first.run, task.headline.figure(tries), between))
    return found


def verdict(task: Task, run: Run, first: Run, figure: Figure, between: Difference | None) -> Verdict:
    """figure: the run's headline; between: how much more it has of it than the first run, None of that one itself."""
    stands = f"{run.label} in {task.card.title.lower()} ({run.month}): {told(figure)}."
    if run is first:
        return Verdict(run, task.name, "baseline", None, f"{stands} It is the first run, and the baseline.")
    if between is None:
        return Verdict(run, task.name, "stable", None, f"{stands} There is nothing to compare it with.")
    better = (between.estimate < 0) == (task.headline.better == "lower")
    change: Change = "stable" if not between.sure else "improved" if better else "regressed"
    way = "over the same items" if between.paired else "over different items, so with care"
    unit, digits = ("points", 1) if figure.unit == "%" else (figure.unit, 2)
    by = f"{between.estimate:+.{digits}f} {unit} ({between.low:+.{digits}f} to {between.high:+.{digits}f}, "
    by += f"n = {between.n}, {way})"
    since = first.started[:10]
    words = {
        "improved": f"It has improved since {since}: {by}.",
        "regressed": f"It has become worse since {since}: {by}.",
        "stable": f"No change since {since} can be told from chance: {by}.",
    }[change]
    return Verdict(run, task.name, change, between, f"{stands} {words}")


def told(figure: Figure) -> str:
    """A figure in words, always with its n."""
    if figure.estimate is None:
        return f"{figure.title} not stated ({figure.withheld})"
    return f"{figure.title} {amount(figure)}{bounds(figure)}, {counted(figure)}"


def amount(figure: Figure) -> str:
    return "–" if figure.estimate is None else _number(figure.estimate, figure.unit)


def bounds(figure: Figure) -> str:
    """ " (low to high)", or nothing of too few."""
    if figure.low is None or figure.high is None:
        return ""
    digits = 1 if figure.unit in ("%", "points") else 2
    return f" ({figure.low:.{digits}f} to {figure.high:.{digits}f})"


def counted(figure: Figure) -> str:
    return f"n = {figure.n}" + (f", {figure.unscored} unscored" if figure.unscored else "")


def _number(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if unit in ("%", "points") else f"{value:.2f} {unit}"
