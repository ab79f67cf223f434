"""What became of each due time: measured, not measured and why, or nothing known of it. Pure, over the diary's rows.

A due time counts as such while its target was being watched: from a `Watch` on, over stops, crashes and sleep, until an
`End`. So a probe that died and never came back is seen here, though it wrote nothing of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from vivavoce.probe.diary import Series
from vivavoce.probe.grid import Grid
from vivavoce.probe.rows import SKIPPED, Gap, Missed, Probe, Skipped, Watch

LATEST_S = 30.0
"""No probe is begun later than so long after it was due, nor later than half of the time to the next."""

WRITING_S = 5.0
"""Within which the row of a probe is on the disk, once it has ended."""


def latest_s(every_s: float) -> float:
    """How late a probe may still begin: later ones measure another time than the one that they stand for."""
    return min(LATEST_S, every_s / 2)


@dataclass(frozen=True, slots=True)
class Account:
    """The due times of a window. probes: by due time, the oldest first. unmeasured: why there is none.

    lost: due times of which nothing is written, because nothing ran. under_way: of which nothing can be written yet.
    """

    probes: dict[int, Probe]
    unmeasured: dict[int, Missed | Skipped]
    lost: list[Gap]
    under_way: int

    @property
    def due(self) -> int:
        return len(self.probes) + len(self.unmeasured) + sum(len(each.times(0, each.last + 1)) for each in self.lost)

    def missed(self) -> dict[str, int]:
        """Reason -> due times that could not be measured."""
        found = Counter[str](why for why in self.unmeasured.values() if why not in SKIPPED)
        for each in self.lost:
            found[each.why] += len(each.times(0, each.last + 1))
        return dict(found)

    def skipped(self) -> dict[str, int]:
        """Reason -> due times that were left out on purpose."""
        return dict(Counter[str](why for why in self.unmeasured.values() if why in SKIPPED))


def account(series: Series, since: float, until: float, now: float) -> Account:
    """What became of the due times from `since` on that are before `until`, as it is known `now`."""
    probes = {probe.due: probe for probe in sorted(series.probes, key=_due) if since <= probe.due < until}
    unmeasured: dict[int, Missed | Skipped] = {}
    for gap in series.gaps:
        for time in gap.times(since, until):
            if time not in probes:
                unmeasured[time] = gap.why
    lost: list[Gap] = []
    under_way = 0
    for watch, grid, start, end in _watched(series, until):
        patience_s = latest_s(grid.every_s) + watch.timeout_s + WRITING_S
        for time in grid.times(max(start, since), min(end, until)):
            if time in probes or time in unmeasured:
                continue
            if time + patience_s > now:
                under_way += 1
            elif lost and (lost[-1].every_s, lost[-1].last) == (grid.every_s, time - grid.every_s):
                lost[-1] = Gap(watch.target, watch.model, lost[-1].first, time, grid.every_s, "down")
            else:
                lost.append(Gap(watch.target, watch.model, time, time, grid.every_s, "down"))
    return Account(probes, unmeasured, lost, under_way)


def _watched(series: Series, until: float) -> Iterator[tuple[Watch, Grid, float, float]]:
    """Each span of time under one grid: how it was asked, when from and until when."""
    notices = sorted(series.notices, key=lambda each: each.at)
    ends = [*(float(each.at) for each in notices[1:]), until]
    for notice, end in zip(notices, ends, strict=False):
        if isinstance(notice, Watch) and notice.grid is not None:
            yield notice, notice.grid, notice.at, end


def _due(probe: Probe) -> int:
    return probe.due
