"""What the probes of a window say: availability with its doubt, delays, failures, incidents, and how times were kept.

Pure, over the diary's rows: pages and commands are made of it. A figure has its n; what was not measured is in none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from vivavoce.bench.stats import percentile, share_interval, stated_p95
from vivavoce.probe.diary import Rows, Series
from vivavoce.probe.rows import SKIPPED, Key, Probe
from vivavoce.probe.timetable import account

WINDOWS = {"24h": 86_400, "7d": 7 * 86_400, "90d": 90 * 86_400}
"""The usual windows, in seconds back from now."""

SILENT_TIMES = 3
"""Failures that lie further apart than so many intervals are two incidents: nobody knows what was between them."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `n`, with its 95 % interval by Wilson's score; all in [0, 1], None where n is 0."""

    count: int
    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, count: int, n: int) -> Share:
        if not n:
            return cls(0, 0)
        found = share_interval([True] * count + [False] * (n - count))
        return cls(count, n, found.estimate, max(0.0, found.low), min(1.0, found.high))


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds over n values: the median, the 95th percentile (None for n under 60: it would be hardly more than the
    worst one) and the longest. None where n is 0."""

    n: int
    p50_s: float | None = None
    p95_s: float | None = None
    most_s: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> Delay:
        if not values:
            return cls(0)
        return cls(len(values), percentile(values, 50), stated_p95(values), max(values))


@dataclass(frozen=True, slots=True)
class Incident:
    """Failures in a row, over what was measured: from the due time of the first to that of the last.

    over: when it was next found well; None where it is not known to be over. what: each kind of failure (`Probe.what`)
    and how often, the most frequent first.
    """

    first: int
    last: int
    over: int | None
    failures: int
    what: dict[str, int]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How times were kept. due = measured + missed + skipped; under_way: due, but still within its time.

    late: of the probes that were made, from when they were due to when they began.
    """

    due: int
    measured: int
    missed: dict[str, int]
    skipped: dict[str, int]
    under_way: int
    late: Delay


@dataclass(frozen=True, slots=True)
class Summary:
    """One target and model from `since` to `until` (Unix seconds). every_s None: asked now and then, on no fixed times.

    Delays are those of good answers, from the request, connection and all. usd: what probes are known to have cost;
    uncosted: of so many it is not known.
    """

    target: str
    model: str
    base_url: str
    every_s: int | None
    since: int
    until: int
    schedule: Schedule
    available: Share
    first_text: Delay
    first_sound: Delay
    whole: Delay
    failures: dict[str, int]
    incidents: tuple[Incident, ...]
    usd: Decimal
    uncosted: int

    @property
    def any(self) -> bool:
        """Something was measured."""
        return self.available.n > 0


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a window, for strips of colour: ok of measured; missed and skipped due times."""

    since: int
    until: int
    measured: int
    ok: int
    missed: int
    skipped: int


def summarise(rows: Rows, since: float, now: float) -> list[Summary]:
    """Every target and model that was watched, measured or not, in the order of their names."""
    return [summary(key, series, since, now) for key, series in sorted(rows.series.items())]


def summary(key: Key, series: Series, since: float, now: float) -> Summary:
    """What the rows of `key` say of the time from `since` to `now`."""
    found = account(series, since, now, now)
    probes = list(found.probes.values())
    good = [probe for probe in probes if probe.ok]
    watch = series.watch
    costs = [Decimal(probe.usd) for probe in probes if probe.usd is not None]
    return Summary(
        target=key[0],
        model=key[1],
        base_url=watch.base_url if watch else "",
        every_s=watch.every_s if watch else None,
        since=int(since),
        until=int(now),
        schedule=Schedule(
            due=found.due,
            measured=len(probes),
            missed=found.missed(),
            skipped=found.skipped(),
            under_way=found.under_way,
            late=Delay.of([probe.late_s for probe in probes]),
        ),
        available=Share.of(len(good), len(probes)),
        first_text=Delay.of([probe.first_text_s for probe in good if probe.first_text_s is not None]),
        first_sound=Delay.of([probe.first_sound_s for probe in good if probe.first_sound_s is not None]),
        whole=Delay.of([probe.end_s for probe in good]),
        failures=dict(Counter(probe.what for probe in probes if not probe.ok).most_common()),
        incidents=tuple(incidents(probes, watch.every_s if watch else None)),
        usd=sum(costs, Decimal(0)),
        uncosted=len(probes) - len(costs),
    )


def incidents(probes: Iterable[Probe], every_s: int | None) -> list[Incident]:
    """Runs of failures, of `probes` by due time. every_s None: no silence between two is too long."""
    found: list[Incident] = []
    run: list[Probe] = []
    for probe in probes:
        if run and every_s is not None and probe.due - run[-1].due > SILENT_TIMES * every_s:
            found.append(_incident(run, None))
            run = []
        if not probe.ok:
            run.append(probe)
        elif run:
            found.append(_incident(run, probe.due))
            run = []
    return [*found, _incident(run, None)] if run else found


def _incident(run: Sequence[Probe], over: int | None) -> Incident:
    what = dict(Counter(probe.what for probe in run).most_common())
    return Incident(run[0].due, run[-1].due, over, len(run), what)


def slices(series: Series, since: float, now: float, parts: int) -> list[Slice]:
    """The time from `since` to `now` in `parts` equal parts, each with what was measured in it."""
    found = account(series, since, now, now)
    width_s = (now - since) / parts
    counts = [Counter[str]() for _ in range(parts)]

    def part(time: float) -> Counter[str]:
        return counts[min(parts - 1, int((time - since) / width_s))]

    for due, probe in found.probes.items():
        part(due).update(measured=1, ok=int(probe.ok))
    for due, why in found.unmeasured.items():
        part(due)["skipped" if why in SKIPPED else "missed"] += 1
    for gap in found.lost:
        for due in gap.times(since, now):
            part(due)["missed"] += 1
    return [
        Slice(
            int(since + index * width_s),
            int(since + (index + 1) * width_s),
            *(each[name] for name in ("measured", "ok", "missed", "skipped")),
        )
        for index, each in enumerate(counts)
    ]
