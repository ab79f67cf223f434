"""All that the pages are made from, at one moment: runs, models, boards, prices, probes and sums of live traffic.

Worked out anew only where files have changed. Knows no page and no template.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from vivavoce.board.boards import Boards
from vivavoce.board.entries import Entries
from vivavoce.board.judged import Judged
from vivavoce.board.library import Library, Shelf
from vivavoce.board.money import OwnMachine, money_of
from vivavoce.board.subjects import Subject, subjects
from vivavoce.errors import NotFound
from vivavoce.exam.board import Verdict, verdict
from vivavoce.exam.catalogue import TASKS
from vivavoce.ledger.usage import OutcomeCount
from vivavoce.prices.book import PriceBook
from vivavoce.probe.diary import Diary


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The same files on the same day, the same snapshot: prices are of a day."""

    day: date
    shelf: Shelf
    subjects: Sequence[Subject]
    boards: Boards
    verdicts: Sequence[Verdict]

    def subject(self, slug: str) -> Subject:
        """Raises `NotFound`."""
        found = next((each for each in self.subjects if each.slug == slug), None)
        if found is None:
            raise NotFound("Nothing is known here of a model by this name.")
        return found

    def run(self, name: str) -> Judged:
        """Raises `NotFound`."""
        found = self.shelf.run(name)
        if found is None:
            raise NotFound("There is no run by this name in the folder of runs.")
        return found

    def subject_of(self, run: Judged) -> Subject:
        return next(each for each in self.subjects if run in each.runs)


@dataclass(slots=True)
class Observatory:
    """`cache`: where the sounds of spoken items lie. `own`: what this machine costs. `diary`: of probes; None: nothing
    was probed. `outcomes`: how requests to this server ended between two moments, in Unix seconds, or None where that
    is for admins alone; None: the pages are no server's. `recordings`: the folder that paths of other people's
    recordings begin at; None: their words and sounds are not shown. `now`: for tests. Safe from several threads."""

    library: Library
    book: PriceBook
    cache: Path | None = None
    own: Callable[[], OwnMachine] = OwnMachine
    diary: Diary | None = None
    outcomes: Callable[[int, int], Sequence[OutcomeCount] | None] | None = None
    recordings: Path | None = None
    now: Callable[[], datetime] = utc_now
    _snapshot: Snapshot | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def snapshot(self) -> Snapshot:
        shelf = self.library.shelf()
        with self._lock:
            if self._snapshot is None or self._snapshot.shelf is not shelf or self._snapshot.day != self.today:
                found = subjects(shelf.runs, self.book)
                own, today = self.own(), self.today
                hourly = {each.slug: money_of(each, self.book, own, today).hour_heard for each in found}
                self._snapshot = Snapshot(today, shelf, found, Boards(found, hourly), _verdicts(shelf.runs))
            return self._snapshot

    @property
    def today(self) -> date:
        """In UTC."""
        return self.now().astimezone(UTC).date()

    def entries(self, run: Judged) -> Entries:
        return Entries(run, self.cache, self.recordings)


def _verdicts(runs: Sequence[Judged]) -> list[Verdict]:
    """As `exam.board.verdicts`, by what each run has worked out already. runs: the oldest first."""
    found: list[Verdict] = []
    firsts: dict[tuple[str, str, str], Judged] = {}
    for run in runs:
        for task in run.tasks:
            first = firsts.setdefault((run.run.label, run.run.model, task), run)
            between = None if run is first else run.against(first, task)
            found.append(verdict(TASKS[task], run.run, first.run, run.figures(task)[0], between))
    return found
