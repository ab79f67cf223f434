"""Calls from many tasks, run by a few threads: alike ones together, urgent ones first.

A thread that gets free takes what waits, so nobody waits for company but long work, and that for milliseconds. Knows no
model and no sound: a call is a function from a list of items to as many results.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

GATHER_S = 0.005
"""How long work that is not urgent waits for more of its kind, when a call could take more."""
HOLD_S = 0.03
"""After an urgent call one thread is kept this long for the next: urgent work queues once and not at each step."""
PATIENCE_S = 5.0
"""A batch that has not filled up in this time goes as it is, before full ones that came later."""
URGENT_IN_A_ROW = 8
"""After so many urgent calls one that is not urgent gets its turn."""


@dataclass(slots=True)
class _Job:
    """One item and who waits for it. Jobs of equal key may share a call of up to `most` items."""

    key: Hashable
    work: Callable[[Sequence[Any]], Sequence[Any]]
    item: Any
    most: int
    urgent: bool
    since_s: float = field(default_factory=time.monotonic)
    future: Future[Any] = field(default_factory=Future[Any])


class Batcher:
    """`workers` threads that run everything. Safe to use from any task, thread and event loop.

    Urgent work is taken first; while there is some, other work leaves one thread free (if there are two or more).
    """

    def __init__(self, workers: int, name: str) -> None:
        self.call_s: deque[float] = deque(maxlen=10_000)
        """How long each of the last calls took that were not urgent, in seconds: what urgent work may have to wait."""
        self._workers = workers
        self._waiting: list[_Job] = []
        self._news = threading.Condition()
        self._closed = False
        self._patient = 0
        self._urgent = 0
        self._urgent_in_a_row = 0
        self._held_until_s = 0.0
        self._threads = [
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    async def call(self, work: Callable[[], Result], *, urgent: bool) -> Result:
        """Run `work` on its own."""

        def alone(_: Sequence[None]) -> Sequence[Result]:
            return [work()]

        return await self.batched(alone, None, key=object(), most=1, urgent=urgent)

    async def batched(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        item: Item,
        *,
        key: Hashable,
        most: int,
        urgent: bool,
    ) -> Result:
        """`work` on a list of at most `most` items of the same key, this one among them; this one's result.

        Where a call for several items fails, each is tried alone. Raises what `work` raises, and `RuntimeError` after
        `close`. A task that is cancelled takes its item back unless the call has begun.
        """
        job = _Job(key, work, item, most, urgent)
        with self._news:
            if self._closed:
                raise RuntimeError("the engine is closed")
            self._waiting.append(job)
            self._news.notify()
        return await asyncio.wrap_future(job.future)

    def close(self) -> None:
        """Give up what waits, and block until the calls in flight are done."""
        with self._news:
            self._closed = True
            for job in self._waiting:
                job.future.cancel()
            self._waiting.clear()
            self._news.notify_all()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while jobs := self._take():
            began_s = time.monotonic()
            _run(jobs)
            self._finish(jobs, began_s)
            del jobs  # or an idle thread would keep the last recording alive

    def _take(self) -> list[_Job]:
        """Wait for work and claim it; nothing when closed."""
        with self._news:
            while not self._closed:
                self._waiting = [job for job in self._waiting if not job.future.cancelled()]
                jobs, wait_s = self._choose(time.monotonic())
                claimed = [job for job in jobs if job.future.set_running_or_notify_cancel()]
                self._waiting = [job for job in self._waiting if not any(job is taken for taken in jobs)]
                if claimed:
                    self._urgent += claimed[0].urgent
                    self._patient += not claimed[0].urgent
                    self._urgent_in_a_row = self._urgent_in_a_row + 1 if claimed[0].urgent else 0
                    if self._waiting:
                        self._news.notify()
                    return claimed
                if not jobs:
                    self._news.wait(wait_s)
        return []

    def _finish(self, jobs: Sequence[_Job], began_s: float) -> None:
        with self._news:
            now_s = time.monotonic()
            if jobs[0].urgent:
                self._urgent -= 1
                self._held_until_s = now_s + HOLD_S
            else:
                self._patient -= 1
                self.call_s.append(now_s - began_s)
            self._news.notify_all()

    def _choose(self, now_s: float) -> tuple[list[_Job], float | None]:
        """What to run now; or nothing, and for how long to wait (None: until there is news)."""
        urgent = [job for job in self._waiting if job.urgent]
        patient = [job for job in self._waiting if not job.urgent]
        if urgent and not (patient and self._urgent_in_a_row >= URGENT_IN_A_ROW):
            return [job for job in urgent if job.key == urgent[0].key][: urgent[0].most], None
        if not patient:
            return [], None
        turn = self._urgent_in_a_row >= URGENT_IN_A_ROW
        pressed = self._urgent > 0 or now_s < self._held_until_s
        if pressed and not turn and self._workers > 1 and self._patient >= self._workers - 1:
            return [], max(0.001, self._held_until_s - now_s) if not self._urgent else None
        groups: dict[Hashable, list[_Job]] = {}
        for job in patient:
            groups.setdefault(job.key, []).append(job)
        for group in groups.values():
            if len(group) >= group[0].most or now_s - group[0].since_s >= PATIENCE_S:
                return group[: group[0].most], None
        oldest = next(iter(groups.values()))
        rest_s = GATHER_S - (now_s - oldest[0].since_s)
        return (oldest, None) if rest_s <= 0 else ([], rest_s)


def _run(jobs: Sequence[_Job]) -> None:
    """One call for all of them; alone where the call for all fails."""
    try:
        results = jobs[0].work([job.item for job in jobs])
    except BaseException as fault:
        if len(jobs) == 1:
            jobs[0].future.set_exception(fault)
        else:
            for job in jobs:
                _run([job])
        return
    for job, result in zip(jobs, results, strict=True):
        job.future.set_result(result)
