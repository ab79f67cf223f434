"""What a model cost from day to day, as steps: one series for each unit, every step with its source. Pure.

For drawings and pages: `histories(book, model)` has all of it, `step_on` what is in force, `sources` what it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vivavoce.prices.book import UNITS, PriceBook, PriceRow


@dataclass(frozen=True, slots=True)
class Step:
    """`usd_per_million` from the day `since` on, up to but without the day `until` (None: it holds on).

    seen_on: the day on which `source` had it; one before `since` is an announcement.
    """

    usd_per_million: Decimal
    since: date
    until: date | None
    seen_on: date
    source: str

    def holds(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)


@dataclass(frozen=True, slots=True)
class History:
    """The price of one unit (see `book.UNITS`) of a model: at least one step, the oldest first, without gaps."""

    model: str
    unit: str
    steps: tuple[Step, ...]

    def step_on(self, on: date) -> Step | None:
        """The step in force on a day; None before the first, of which we know nothing."""
        return next((step for step in self.steps if step.holds(on)), None)


@dataclass(frozen=True, slots=True)
class Source:
    """Where prices were seen: `name` is an address, or a package with its version; the first day and the last."""

    name: str
    first_seen_on: date
    last_seen_on: date


def histories(book: PriceBook, model: str) -> list[History]:
    """One for each unit that `model` has a price for, in the order of `UNITS`; empty where the book has none.

    A dated name that has no rows of its own has those of its undated name, as everywhere in the book.
    """
    rows = book.history(model)
    by_unit = {unit: [row for row in rows if row.unit == unit] for unit in UNITS}
    return [History(model, unit, _steps(found)) for unit, found in by_unit.items() if found]


def _steps(rows: Sequence[PriceRow]) -> tuple[Step, ...]:
    """rows: of one model and unit, as the book orders them: of two of the same day the later one holds."""
    last_of_day = {row.valid_from: row for row in rows}
    days = [*last_of_day, None]
    return tuple(
        Step(row.usd_per_million, row.valid_from, until, row.seen_on, row.source)
        for row, until in zip(last_of_day.values(), days[1:], strict=True)
    )


def sources(of: Iterable[History]) -> list[Source]:
    """Each source once, in the order in which its first price came into force."""
    seen: dict[str, list[date]] = {}
    for step in sorted((step for history in of for step in history.steps), key=lambda step: step.since):
        seen.setdefault(step.source, []).append(step.seen_on)
    return [Source(name, min(days), max(days)) for name, days in seen.items()]
