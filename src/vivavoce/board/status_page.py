"""What the status page shows: probes of the last day, week and quarter, incidents, and sums of live traffic.

What was not measured is said to be so. Live traffic is this server's own, and is told as sums alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vivavoce.board.observatory import Observatory
from vivavoce.board.subjects import Subject
from vivavoce.errors import StorageFailed
from vivavoce.exam.budget import is_near
from vivavoce.probe.diary import Rows, Series
from vivavoce.probe.rows import Key
from vivavoce.probe.summary import WINDOWS, Incident, Slice, Summary, slices, summary
from vivavoce.probe.traffic import Traffic, summarise_traffic

TITLES = {"24h": "24 hours", "7d": "7 days", "90d": "90 days"}
STRIP_PARTS = 90
"""At most: a strip has no more parts than there are due times."""
MOST_INCIDENTS = 20


@dataclass(frozen=True, slots=True)
class Span:
    """A window with what probes say of it. strip: the window in equal parts."""

    name: str
    title: str
    summary: Summary
    strip: Sequence[Slice]


@dataclass(frozen=True, slots=True)
class Target:
    """A target and model that is probed, or was. incidents: of the longest window, the latest first."""

    name: str
    model: str
    base_url: str
    spans: Sequence[Span]
    incidents: Sequence[Incident]

    @property
    def state(self) -> str:
        """`down`: the last incident is not known to be over; `up`; or empty where nothing was measured in a day."""
        if not self.spans[0].summary.any:
            return ""
        latest = self.spans[0].summary.incidents
        return "down" if latest and latest[-1].over is None else "up"


@dataclass(frozen=True, slots=True)
class Live:
    """Live traffic of a window, by model."""

    name: str
    title: str
    traffic: Sequence[Traffic]


@dataclass(frozen=True, slots=True)
class StatusView:
    """damaged, newer: lines of the diary that could not be read. live None: these pages are no server's, or it tells
    admins alone. problem: why something could not be read at all."""

    at: datetime
    targets: Sequence[Target]
    live: Sequence[Live] | None
    damaged: int = 0
    newer: int = 0
    problem: str = ""


class Watch:
    """Probes and live traffic of an observatory. What probes come to is worked out once a minute, and anew when there
    are more rows: of a quarter by the minute it takes its time. Safe from several threads."""

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        self._known: dict[Key, tuple[tuple[float, ...], Target]] = {}

    def view(self) -> StatusView:
        now = self._now()
        rows, problem = self._rows(now)
        live, broken = self._live(int(now.timestamp()) + 1)
        targets = [self._target(key, rows, now.timestamp()) for key in sorted(rows.series)]
        return StatusView(now, targets, live, rows.damaged, rows.newer, problem or broken)

    def targets_of(self, subject: Subject) -> list[Target]:
        """Probes of one model: a server of one's own is known by the target's name, others by the model's."""
        now = self._now()
        rows, _ = self._rows(now)
        aliases = subject.facts.aliases if subject.facts is not None and not subject.near else ()
        names = (subject.name,) if subject.near else (subject.model, *aliases)
        keys = [key for key in sorted(rows.series) if key[0 if subject.near else 1] in names]
        found = [self._target(key, rows, now.timestamp()) for key in keys]
        return [each for each in found if is_near(each.base_url) == subject.near]

    def _now(self) -> datetime:
        return self._observatory.now().astimezone(UTC)

    def _rows(self, now: datetime) -> tuple[Rows, str]:
        """With why there are none where they cannot be read."""
        if self._observatory.diary is None:
            return Rows(), ""
        try:
            return self._observatory.diary.read(now.timestamp() - WINDOWS["90d"]), ""
        except StorageFailed as error:
            return Rows(), error.message

    def _target(self, key: Key, rows: Rows, now: float) -> Target:
        series = rows.series[key]
        state = (now // 60, len(series.probes), len(series.gaps), len(series.notices))
        known = self._known.get(key)
        if known is None or known[0] != state:
            known = self._known[key] = (state, _target(key, series, now))
        return known[1]

    def _live(self, now: int) -> tuple[list[Live] | None, str]:
        if self._observatory.outcomes is None:
            return None, ""
        found: list[Live] = []
        try:
            for name, width_s in WINDOWS.items():
                counts = self._observatory.outcomes(now - width_s, now)
                if counts is None:
                    return None, ""
                found.append(Live(name, TITLES[name], summarise_traffic(counts)))
        except StorageFailed as error:
            return [], error.message
        return found, ""


def _target(key: Key, series: Series, now: float) -> Target:
    every_s = series.watch.every_s if series.watch is not None else None
    spans: list[Span] = []
    for name, width_s in WINDOWS.items():
        since = now - width_s
        parts = STRIP_PARTS if every_s is None else max(1, min(STRIP_PARTS, int(width_s // every_s)))
        strip = slices(series, since, now, parts)
        spans.append(Span(name, TITLES[name], summary(key, series, since, now), strip))
    longest = spans[-1].summary
    return Target(key[0], key[1], longest.base_url, spans, longest.incidents[::-1][:MOST_INCIDENTS])
