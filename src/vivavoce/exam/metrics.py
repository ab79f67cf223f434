"""Metrics: what many judgements come to, each figure with its n and an interval; and whether two runs differ.

A metric reduces the values that a scorer found. What is unscored is counted beside it and never as 0. Intervals are
bootstraps over items (`bench.stats`), except for shares: Wilson's, which knows doubt at 0 and at 1 too. Pure numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from vivavoce.bench.stats import (
    LEAST_FOR_P95,
    Counts,
    Interval,
    paired_rate_increase,
    paired_ratio,
    rate_interval,
    resampled,
    share_interval,
)
from vivavoce.exam.items import Item, Mode, Origin
from vivavoce.exam.runs import Try

Better = Literal["lower", "higher"]
Tried = tuple[Item, Try]

LEAST_TYPED = 0.40
"""Share solved when typed below which nothing is said about what is lost by listening: too little is there to lose."""

LEAST_FOR_BOUNDS = 5
"""Items below which no bounds are stated: resampling so few would only look sure."""

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value, low and high its 95 % bounds, over n items. None where it is not stated; `withheld` says why.

    unscored: tries that could not be judged and are in no part of it.
    """

    metric: str
    title: str
    unit: str
    better: Better | None
    n: int
    unscored: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    withheld: str = ""


class Metric(Protocol):
    """name: in files; title: for people. better: None where neither more nor less is."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def better(self) -> Better | None: ...

    def figure(self, tries: Sequence[Tried]) -> Figure: ...


@dataclass(frozen=True, slots=True)
class Ratio:
    """The total of the value `above` over that of `below` (1 each, where it is empty), in per cent by `scale`.

    Tries without these values are no part of it: they may be of another kind. mode: only tries of this one; origin:
    only of items of this one.
    """

    name: str
    title: str
    above: str
    below: str = ""
    better: Better | None = None
    unit: str = "%"
    scale: float = 100.0
    mode: Mode | None = None
    origin: Origin | None = None

    def terms(self, tried: Tried) -> tuple[float, float] | None:
        """What one try adds above and below; None where it has no part."""
        item, made = tried
        if made.values is None or self.above not in made.values or (self.mode and made.mode != self.mode):
            return None
        if self.origin and item.origin != self.origin:
            return None
        if self.below and self.below not in made.values:
            return None
        return made.values[self.above], made.values[self.below] if self.below else 1.0

    def figure(self, tries: Sequence[Tried]) -> Figure:
        own = [each for each in tries if not self.origin or each[0].origin == self.origin]
        terms = [found for each in own if (found := self.terms(each)) is not None]
        unscored = _unscored(own, self.mode)
        above, below = [each[0] for each in terms], [each[1] for each in terms]
        if not terms or sum(below) <= 0:
            return _none(self, unscored, "nothing was scored")
        if not self.below and all(value in (0.0, 1.0) for value in above):
            share = share_interval([value == 1.0 for value in above])
            return _stated(self, _scaled(share, self.scale), unscored)
        scale = self.scale / 100.0
        return _stated(self, _scaled(rate_interval(above, below, resamples=RESAMPLES), scale), unscored)


@dataclass(frozen=True, slots=True)
class Drop:
    """How much of `value` is lost by listening: 1 − spoken/typed over items put both ways, in per cent. group: only
    items of this one."""

    name: str
    title: str
    value: str
    better: Better | None = "lower"
    unit: str = "%"
    group: str = ""

    def figure(self, tries: Sequence[Tried]) -> Figure:
        own = [each for each in tries if not self.group or each[0].group == self.group]
        pairs = _pairs(own, self.value)
        unscored = _unscored(own, None)
        if not pairs:
            return _none(self, unscored, "no item was scored both typed and spoken")
        typed, spoken = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if sum(typed) < LEAST_TYPED * len(pairs):
            share = 100 * sum(typed) / len(pairs)
            return _none(
                self, unscored, f"only {share:.0f} % are right when typed (n = {len(pairs)}), and 40 % are asked for"
            )
        kept = paired_ratio(spoken, typed, resamples=RESAMPLES)
        lost = Interval(1 - kept.estimate, 1 - kept.high, 1 - kept.low, 1 - kept.low, kept.clips, kept.resamples)
        return _stated(self, _scaled(lost, 100.0), unscored)


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more often `value` is there when spoken than when typed, over items put both ways, in points."""

    name: str
    title: str
    value: str
    better: Better | None = "higher"
    unit: str = "points"

    def figure(self, tries: Sequence[Tried]) -> Figure:
        pairs = _pairs(tries, self.value)
        unscored = _unscored(tries, None)
        if not pairs:
            return _none(self, unscored, "no item was scored both typed and spoken")
        typed, spoken = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return _stated(self, paired_rate_increase(spoken, typed, [1.0] * len(pairs), resamples=RESAMPLES), unscored)


@dataclass(frozen=True, slots=True)
class Middle:
    """The median of a value, or of the seconds that answers took (`value` empty); or another percentile.

    least: values below which it is not stated.
    """

    name: str
    title: str
    value: str = ""
    unit: str = "s"
    better: Better | None = None
    mode: Mode | None = None
    per_cent: float = 50.0
    least: int = 1

    def figure(self, tries: Sequence[Tried]) -> Figure:
        found: list[float] = []
        for _, made in tries:
            if self.mode and made.mode != self.mode:
                continue
            value = (made.values or {}).get(self.value) if self.value else made.seconds
            if value is not None:
                found.append(value)
        unscored = _unscored(tries, self.mode)
        if not found:
            return _none(self, unscored, "nothing was measured")
        if len(found) < self.least:
            return _none(self, unscored, f"n = {len(found)}, and {self.least} are asked for")
        values = np.asarray(found, np.float64)
        picks = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
        drawn = np.percentile(values[picks], self.per_cent, axis=1)
        low, high, upper = np.quantile(drawn, (0.025, 0.975, 0.95))
        estimate = float(np.percentile(values, self.per_cent))
        middle = Interval(estimate, float(low), float(high), float(upper), len(values), RESAMPLES)
        return _stated(self, middle, unscored)


def late(name: str, title: str, value: str) -> Middle:
    """A 95th percentile, stated of 60 values or more: of fewer it is hardly more than the worst one."""
    return Middle(name, title, value, better="lower", per_cent=95.0, least=LEAST_FOR_P95)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one run has of a metric than another. paired: over the very same items and sounds."""

    estimate: float
    low: float
    high: float
    n: int
    paired: bool

    @property
    def sure(self) -> bool:
        """The interval leaves out 0."""
        return self.low > 0 or self.high < 0


def difference(metric: Ratio, later: Sequence[Tried], earlier: Sequence[Tried]) -> Difference | None:
    """`later` minus `earlier`, by a bootstrap over the items that both have; over each's own where they share too few.

    None where either has nothing scored.
    """
    ours, theirs = _terms(metric, later), _terms(metric, earlier)
    both = [place for place in ours if place in theirs]
    if not ours or not theirs:
        return None
    paired = len(both) >= LEAST_FOR_BOUNDS and len(both) >= 0.8 * max(len(ours), len(theirs))
    left = np.asarray([ours[place] for place in both] if paired else list(ours.values()), np.float64)
    right = np.asarray([theirs[place] for place in both] if paired else list(theirs.values()), np.float64)
    drawn = metric.scale * (
        _rates(resampled(left, RESAMPLES, 0)) - _rates(resampled(right, RESAMPLES, 0 if paired else 1))
    )
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    estimate = metric.scale * (_rate(left) - _rate(right))
    return Difference(estimate, float(low), float(high), min(len(left), len(right)), paired)


def _rates(totals: Counts) -> Counts:
    """Totals above over totals below; totals: shape (resamples, 2)."""
    return totals[:, 0] / np.where(totals[:, 1] > 0, totals[:, 1], np.nan)


def _rate(terms: Counts) -> float:
    return float(_rates(terms.sum(axis=0)[None])[0])


def _terms(metric: Ratio, tries: Sequence[Tried]) -> dict[tuple[str, ...], tuple[float, float]]:
    """By item, mode, words and sound: the same words in another voice are another question, and so are other words
    under an old id."""
    found = {(made.item, made.mode, item.ask, made.question_sha256): metric.terms((item, made)) for item, made in tries}
    return {place: terms for place, terms in found.items() if terms is not None}


def _pairs(tries: Iterable[Tried], value: str) -> list[tuple[float, float]]:
    """(typed, spoken) of each item that has both."""
    by_item: dict[str, dict[str, float]] = {}
    for item, made in tries:
        if made.values is not None and value in made.values:
            by_item.setdefault(item.id, {})[made.mode] = made.values[value]
    return [(ways["typed"], ways["spoken"]) for ways in by_item.values() if len(ways) == 2]


def _unscored(tries: Iterable[Tried], mode: Mode | None) -> int:
    return sum(made.values is None for _, made in tries if mode is None or made.mode == mode)


def _scaled(interval: Interval, scale: float) -> Interval:
    return Interval(
        interval.estimate * scale,
        interval.low * scale,
        interval.high * scale,
        interval.upper * scale,
        interval.clips,
        interval.resamples,
    )


def _stated(metric: Metric, interval: Interval, unscored: int) -> Figure:
    bounded = interval.clips >= LEAST_FOR_BOUNDS
    return Figure(
        metric.name,
        metric.title,
        metric.unit,
        metric.better,
        interval.clips,
        unscored,
        interval.estimate,
        interval.low if bounded else None,
        interval.high if bounded else None,
    )


def _none(metric: Metric, unscored: int, why: str) -> Figure:
    return Figure(metric.name, metric.title, metric.unit, metric.better, 0, unscored, withheld=why)
