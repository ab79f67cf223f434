"""A clock that a test moves, and targets that answer as a test says."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from scripted_app import eventually

from vivavoce.prices.book import load_book
from vivavoce.probe.allowance import Allowance, Caps, Rates
from vivavoce.probe.asking import Finding
from vivavoce.probe.diary import Diary, Series
from vivavoce.probe.grid import Grid
from vivavoce.probe.rows import Gap, Probe, Row, Watch
from vivavoce.probe.schedule import Keeper

START = 1_795_636_800
"""2026-11-25T20:00:00Z."""

__all__ = ["OK", "START", "URL", "FakeClock", "World", "eventually", "soon", "written"]

URL = "http://127.0.0.1:1/v1"
OK = Finding("ok", 1.0, 200, first_text_s=0.3, first_sound_s=0.5, sound_s=2.0, request_id="req_1", reached=True)


class FakeClock:
    """Time passes only in `run`, and jumps where a test says so."""

    def __init__(self, now: float = START) -> None:
        self._now = now
        self._steady = 0.0
        self._slept = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self._now

    def steady(self) -> float:
        return self._steady

    def slept(self) -> float:
        return self._slept

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._steady + seconds, next(self._count), future))
        await future

    async def run(self, seconds: float) -> None:
        """Let so much time pass, waking whoever sleeps until then in turn."""
        end = self._steady + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            self._pass(max(0.0, at - self._steady))
            if not future.done():
                future.set_result(None)
            await self._settle()
        self._pass(max(0.0, end - self._steady))

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: its clock goes on, and nothing else."""
        self._now += seconds
        self._slept += seconds

    def set_by(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self._now += seconds

    def freeze(self, seconds: float) -> None:
        """The process does not get to run, while all clocks go on."""
        self._pass(seconds)

    def _pass(self, seconds: float) -> None:
        self._now += seconds
        self._steady += seconds

    async def _settle(self) -> None:
        for _ in range(12):
            await asyncio.sleep(0)


Answer = Callable[[int], Awaitable[Finding]]


class World:
    """One target on the minute, and the rows that are noted of it. diary: rows go there too."""

    def __init__(self, every_s: int = 60, diary: Diary | None = None) -> None:
        self.clock = FakeClock()
        self.grid = Grid(every_s)
        self.rows: list[Row] = []
        self.asked: list[tuple[int, float]] = []
        self.diary = diary

    def note(self, row: Row) -> None:
        self.rows.append(row)
        if self.diary is not None:
            self.diary.add([row], self.clock.now())

    def watch(self) -> Watch:
        return Watch(int(self.clock.now()), "home", "m", URL, 60.0, "alloy", 2.0, "0", every_s=self.grid.every_s)

    def taking(self, seconds: float | Callable[[int], float], finding: Finding = OK) -> Answer:
        async def answer(due: int) -> Finding:
            self.asked.append((due, self.clock.now()))
            await self.clock.sleep(seconds(due) if callable(seconds) else seconds)
            return finding

        return answer

    def keeper(
        self,
        answer: Answer,
        *,
        caps: Caps | None = None,
        model: str = "m",
        about: str = "0",
        free: bool = True,
        online: bool = True,
        series: Series | None = None,
    ) -> Keeper:
        return Keeper(
            watch=self.watch(),
            ask=answer,
            note=self.note,
            clock=self.clock,
            allowance=Allowance(caps or Caps(), Decimal(about), series.probes if series else ()),
            rates=Rates(load_book(), model, free),
            about=Decimal(about),
            online=lambda: online,
        )

    @property
    def probes(self) -> list[Probe]:
        return [row for row in self.rows if isinstance(row, Probe)]

    @property
    def gaps(self) -> list[tuple[str, int, int]]:
        """Why, and minutes after the start of the first and the last due time."""
        return [
            (row.why, (row.first - START) // 60, (row.last - START) // 60) for row in self.rows if isinstance(row, Gap)
        ]

    def minutes(self) -> list[int]:
        """When the probes were due, in minutes after the start."""
        return sorted((probe.due - START) // 60 for probe in self.probes)


async def soon(true: Callable[[], object]) -> None:
    """Once `true` is."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.005)


def written(folder: Path) -> list[str]:
    """The lines of a diary."""
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
