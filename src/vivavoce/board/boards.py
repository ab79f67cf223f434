"""Models side by side: for each exam a board with ranks in groups, and one table over all exams.

Each model stands by its latest run of an exam. Filters choose what is compared (exam, language) or only what is shown
(price, where it runs): the ranks stay those of the whole field.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from vivavoce.board.judged import Judged
from vivavoce.board.subjects import Subject
from vivavoce.exam.board import Standing, mixed, rank_groups
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.tasks import Task

Where = Literal["", "self", "remote"]

PRICE_STEPS = (Decimal(1), Decimal(5), Decimal(25))
"""US dollars for an hour of sound put in, that one can ask models to be under."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of the field is shown. language: an item's; at_most: dollars for an hour that is heard."""

    language: str = ""
    where: Where = ""
    at_most: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One model in one exam. rank None: nothing was scored. usd_per_hour: for an hour of sound that goes in, by the
    price book or by the time of one's own machine; None where that is not known."""

    subject: Subject
    run: Judged
    standing: Standing
    rank: int | None
    usd_per_hour: Decimal | None

    def shown(self, shown: Shown) -> bool:
        if shown.where and (shown.where == "self") != self.subject.near:
            return False
        if shown.at_most is None:
            return True
        return self.subject.near or (self.usd_per_hour is not None and self.usd_per_hour <= shown.at_most)


@dataclass(frozen=True, slots=True)
class Board:
    """One exam, the best first. languages: of its items, whichever are chosen. mixed: why runs are to be compared with
    care. average: of the headline, over models that are no preview; None of fewer than two."""

    task: Task
    rows: Sequence[Row]
    languages: Sequence[str]
    mixed: Sequence[str]
    average: float | None

    def of(self, subject: Subject) -> Row | None:
        return next((row for row in self.rows if row.subject.slug == subject.slug), None)


@dataclass(slots=True)
class Boards:
    """All boards over the same models, each worked out when it is first asked for. Safe from several threads."""

    subjects: Sequence[Subject]
    hourly: Mapping[str, Decimal | None] = field(default_factory=dict[str, Decimal | None])
    """Slug -> `Row.usd_per_hour`."""
    _known: dict[tuple[str, str], Board] = field(default_factory=dict[tuple[str, str], Board])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def examined(self) -> list[Subject]:
        return [subject for subject in self.subjects if subject.runs]

    @property
    def tasks(self) -> list[str]:
        """Exams in which anybody was asked anything."""
        return [name for name in TASKS if any(subject.latest(name) for subject in self.examined)]

    @property
    def languages(self) -> list[str]:
        return sorted({language for task in self.tasks for language in self.board(task).languages})

    def board(self, task: str, language: str = "") -> Board:
        with self._lock:
            known = self._known.get((task, language))
        if known is None:
            known = self._made(task, language)
            with self._lock:
                self._known[task, language] = known
        return known

    def _made(self, task: str, language: str) -> Board:
        entered = [(subject, run) for subject in self.examined if (run := subject.latest(task)) is not None]
        asked = [(subject, run) for subject, run in entered if run.of(task, language)]
        runs = {subject.slug: run for subject, run in asked}
        estimates = {name: run.figures(task, language)[0].estimate for name, run in runs.items()}
        ranks = rank_groups(
            {name: estimate for name, estimate in estimates.items() if estimate is not None},
            TASKS[task].headline.better,
            lambda one, other: runs[one].against(runs[other], task, language),
        )
        rows = [
            Row(subject, run, run.standing(task, language), ranks.get(subject.slug), self.hourly.get(subject.slug))
            for subject, run in asked
        ]
        sign = -1.0 if TASKS[task].headline.better == "higher" else 1.0
        rows.sort(key=lambda row: (row.rank is None, row.rank or 0, sign * (row.standing.headline.estimate or 0.0)))
        settled = [row.standing.headline.estimate for row in rows if not row.subject.preview]
        stated = [estimate for estimate in settled if estimate is not None]
        return Board(
            task=TASKS[task],
            rows=rows,
            languages=sorted({language for _, run in entered for language in run.languages(task)}),
            mixed=mixed([run.record for _, run in asked], task),
            average=sum(stated) / len(stated) if len(stated) > 1 else None,
        )
