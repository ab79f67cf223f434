"""Asks a target at its due times, however long answers take: none is put off, made up for, or passed over in silence.

A due time is begun within `latest_s`, or it is noted why not. Knows no HTTP, file or terminal; the clock is handed in,
so that a test can let a day pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from vivavoce.probe.allowance import Allowance, Rates
from vivavoce.probe.asking import Finding
from vivavoce.probe.diary import Series
from vivavoce.probe.grid import Grid
from vivavoce.probe.machine import Clock
from vivavoce.probe.rows import End, Gap, Missed, Probe, Row, Skipped, Watch
from vivavoce.probe.timetable import account, latest_s

MOST_AT_ONCE = 2
"""Questions of one target under way at a time: a slow one does not hold up the next, and many do not pile up."""

LAP_S = 1.0
"""Longest sleep at a time: so soon it is noticed that the machine has slept, or that its clock was set."""

JUMP_S = 1.0
"""Clocks that have drifted apart by more within a lap did not do so by themselves."""

GRACE_S = 10.0
"""How long what is under way may take to end when the probes are stopped."""

Ask = Callable[[int], Awaitable[Finding]]
"""Puts the question of a due time. Raises nothing for what the endpoint does."""


def taken_up(series: Series, grid: Grid, now: float) -> tuple[int, list[Gap]]:
    """Where to go on: the first due time to ask at, and those that passed while nothing ran.

    A due time that has only just passed is still asked, if it was being watched for.
    """
    first = grid.at_or_after(now)
    known = max((*(probe.due for probe in series.probes), *(gap.last for gap in series.gaps)), default=0)
    if first <= known <= now + grid.every_s:
        first = grid.at_or_after(known + 1)  # measured already: the clock was set back, or this is a quick restart
    recent = grid.at_or_after(now - latest_s(grid.every_s))
    lost = account(series, 0, first, float("inf")).lost
    if lost and lost[-1].every_s == grid.every_s and recent in lost[-1].times(recent, first):
        first = recent
        lost = account(series, 0, first, float("inf")).lost
    return first, lost


@dataclass(slots=True)
class Keeper:
    """One target. note: takes each row, and does not block. online: this machine has a way to the target's network.

    about: what a question is taken to cost where the endpoint does not tell.
    """

    watch: Watch
    ask: Ask
    note: Callable[[Row], None]
    clock: Clock
    allowance: Allowance
    rates: Rates
    about: Decimal
    online: Callable[[], bool]
    _under_way: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _fault: BaseException | None = None

    async def keep(self, grid: Grid, first: int, until: float | None = None) -> None:
        """Ask at every due time from `first` on; only before `until`, if that is given. Ends when all is answered.

        Raises what a probe did, which is a fault of ours.
        """
        due = first
        while until is None or due < until:
            why = await self._wait(due)
            if self._fault is not None:
                raise self._fault
            now = self.clock.now()
            if now - due > latest_s(grid.every_s):
                due = self._missed(grid, due, min(now, until or now), why)
                continue
            self.begin(due, now - due, grid.every_s)
            due += grid.every_s
        await self.ended()
        self.note(End(due, self.watch.target, self.watch.model))

    def begin(self, due: int, late_s: float, every_s: int) -> None:
        """Put the question of `due`, or note why not."""
        if len(self._under_way) >= MOST_AT_ONCE:
            self.gap(due, due, every_s, "overlap")
        elif not self.allowance.hold(due):
            self.gap(due, due, every_s, "budget")
        else:
            task = asyncio.create_task(self._probe(due, max(0.0, late_s), every_s))
            self._under_way.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            self._fault = self._fault or task.exception()

    async def ended(self) -> None:
        """Wait for what is under way. Raises what one of them did, which is a fault of ours."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        if self._fault is not None:
            raise self._fault

    async def stop(self, within_s: float) -> None:
        """Give what is under way so long to end, and note the rest as stopped."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within_s)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _probe(self, due: int, late_s: float, every_s: int) -> None:
        slept_s = self.clock.slept()
        spent = Decimal(0)
        try:
            finding = await self.ask(due)
            usd = self.rates.of(finding.usage, due) if finding.reached or self.rates.free else Decimal(0)
            spent = self.about if usd is None else usd
            if self.clock.slept() - slept_s > JUMP_S:
                self.gap(due, due, every_s, "asleep")
            elif finding.outcome == "no_connection" and not self.online():
                self.gap(due, due, every_s, "offline")
            else:
                self.note(self._row(due, late_s, finding, usd))
        except asyncio.CancelledError:
            spent = self.about  # it may be billed all the same
            self.gap(due, due, every_s, "stopped")
            raise
        finally:
            self.allowance.pay(due, spent)

    def _row(self, due: int, late_s: float, finding: Finding, usd: Decimal | None) -> Probe:
        return Probe(
            self.watch.target,
            self.watch.model,
            due,
            round(late_s, 3),
            finding.outcome,
            finding.end_s,
            finding.status,
            finding.code,
            finding.first_text_s,
            finding.first_sound_s,
            finding.sound_s,
            finding.request_id,
            usd=None if usd is None else f"{usd:f}",
            usd_about=f"{self.about:f}" if usd is None and self.about else None,
        )

    async def _wait(self, due: int) -> Missed:
        """Until the clock has come to `due`. Returns why it would be late, if it is."""
        why: Missed = "held_up"
        while (left_s := due - self.clock.now()) > 0:
            now, steady_s, slept_s = self.clock.now(), self.clock.steady(), self.clock.slept()
            await self.clock.sleep(min(left_s, LAP_S))
            leapt_s = (self.clock.now() - now) - (self.clock.steady() - steady_s)
            why = "held_up"
            if self.clock.slept() - slept_s > JUMP_S:
                why = "asleep"
            elif abs(leapt_s) > JUMP_S:
                why = "clock"
        return why

    def _missed(self, grid: Grid, due: int, now: float, why: Missed) -> int:
        """Note the due times from `due` on that are too long ago. Returns the first one that is not."""
        following = max(due + grid.every_s, grid.at_or_after(now - latest_s(grid.every_s)))
        self.gap(due, following - grid.every_s, grid.every_s, why)
        return following

    def gap(self, first: int, last: int, every_s: int, why: Missed | Skipped) -> None:
        self.note(Gap(self.watch.target, self.watch.model, first, last, every_s, why))


async def run(keepers: Sequence[Keeper], loops: Iterable[Awaitable[None]], stop: asyncio.Event) -> None:
    """Until all `loops` have ended, or `stop` is set; then what is under way has `GRACE_S` to end. Raises what a loop
    does, which is a fault of ours."""
    tasks = {asyncio.ensure_future(loop) for loop in loops}
    stopping = asyncio.create_task(stop.wait())
    waiting = set(tasks)
    try:
        while waiting and not stop.is_set():
            every: set[asyncio.Future[Any]] = {*waiting, stopping}
            done, _ = await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
            waiting -= done
            for task in done & tasks:
                task.result()
    finally:
        left: list[asyncio.Future[Any]] = [*waiting, stopping]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.gather(*(keeper.stop(GRACE_S) for keeper in keepers))
