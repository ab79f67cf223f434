"""A run with its figures, each worked out once: bootstraps take too long to be drawn anew for every page.

What is worked out lives as long as the run is held, and goes with it. Pure but for that memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlsplit

from vivavoce.board.delays import Delays, delays
from vivavoce.exam.board import Standing, figures, groups, standing
from vivavoce.exam.budget import is_near
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import Difference, Figure, Tried, difference
from vivavoce.exam.runner import FAILED
from vivavoce.exam.runs import Record, Run

Found = TypeVar("Found")
_serials = count()


class Judged:
    """Safe from several threads; two may work out the same once each."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.serial = next(_serials)
        self.near = is_near(record.run.base_url)
        self.host = urlsplit(record.run.base_url).hostname or record.run.base_url
        self._known: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.Lock()

    @property
    def run(self) -> Run:
        return self.record.run

    @cached_property
    def started(self) -> datetime:
        return datetime.fromisoformat(self.run.started).astimezone(UTC)

    @cached_property
    def _by_task(self) -> Mapping[str, Sequence[Tried]]:
        parts: dict[str, list[Tried]] = {}
        for made in self.record.tries:
            parts.setdefault(made.task, []).append((self.record.items[made.item], made))
        return parts

    @property
    def tasks(self) -> list[str]:
        """Those in which something was asked, in the order of the catalogue."""
        return [name for name in TASKS if name in self._by_task]

    def of(self, task: str, language: str = "") -> Sequence[Tried]:
        """The tries of a task, in one language where that is asked for."""
        every = self._by_task.get(task, ())
        return [pair for pair in every if pair[0].language == language] if language else every

    def languages(self, task: str) -> list[str]:
        return self._once(("languages", task), lambda: sorted({item.language for item, _ in self.of(task)}))

    def figures(self, task: str, language: str = "") -> Sequence[Figure]:
        """The headline first."""
        return self._once(("figures", task, language), lambda: figures(TASKS[task], self.of(task, language)))

    def groups(self, task: str) -> Mapping[str, Mapping[str, Figure]]:
        return self._once(("groups", task), lambda: groups(TASKS[task], self.of(task)))

    def standing(self, task: str, language: str = "") -> Standing:
        """Without a rank, and without groups."""
        made = self.figures(task, language)
        return self._once(
            ("standing", task, language), lambda: standing(TASKS[task], self.run, self.of(task, language), made)
        )

    def against(self, other: Judged, task: str, language: str = "") -> Difference | None:
        """How much more this run has of the headline than `other`, see `metrics.difference`."""
        key = ("against", other.serial, task, language)  # not the other itself: it would be held for good
        headline = TASKS[task].headline
        return self._once(key, lambda: difference(headline, self.of(task, language), other.of(task, language)))

    @cached_property
    def delays(self) -> Delays:
        return delays([pair for task in self.tasks for pair in self.of(task)])

    @cached_property
    def unanswered(self) -> Mapping[str, int]:
        """Why questions got no answer -> how many; the commonest first."""
        why: dict[str, int] = {}
        for made in self.record.tries:
            if made.finish in (FAILED, "refused"):
                reason = made.unscored or "no reason was told"
                why[reason] = why.get(reason, 0) + 1
        return dict(sorted(why.items(), key=lambda pair: (-pair[1], pair[0])))

    def _once(self, key: tuple[Any, ...], find: Callable[[], Found]) -> Found:
        with self._lock:
            if key in self._known:
                return self._known[key]
        found = find()
        with self._lock:
            return self._known.setdefault(key, found)
