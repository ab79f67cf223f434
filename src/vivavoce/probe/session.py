"""A sitting of probes: targets with their questions, keys, budgets and times, until it is stopped or its time is up."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from vivavoce import __version__
from vivavoce.errors import InvalidValue
from vivavoce.exam.budget import is_near
from vivavoce.exam.endpoint import Endpoint
from vivavoce.prices.book import PriceBook
from vivavoce.probe import machine, question, schedule
from vivavoce.probe.allowance import Allowance, Caps, Rates
from vivavoce.probe.asking import Asker, Finding
from vivavoce.probe.diary import Diary, Rows, Series
from vivavoce.probe.grid import Grid
from vivavoce.probe.question import Question
from vivavoce.probe.rows import Row, Watch, utc
from vivavoce.probe.schedule import Keeper
from vivavoce.probe.targets import Target
from vivavoce.probe.timetable import account
from vivavoce.probe.writing import Writer

REMEMBERED_S = 62 * 86_400
"""How far back the diary is looked at for due times that passed while nothing ran, and for what was spent."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A target that can be asked. about: what a question is taken to cost, in US dollars."""

    target: Target
    key: str = field(repr=False)
    question: Question
    caps: Caps
    rates: Rates
    about: Decimal

    def watch(self, at: float, grid: Grid | None) -> Watch:
        """How it is asked, from a moment on: the first second that is not before it."""
        return Watch(
            math.ceil(at),
            self.target.title,
            self.target.model,
            self.target.base_url,
            float(self.target.timeout),
            self.target.voice,
            round(self.question.duration_s, 3),
            __version__,
            every_s=grid.every_s if grid else None,
            offset_s=grid.offset_s if grid else 0,
        )


def prepare(target: Target, cache: Path, book: PriceBook, now: float) -> Prepared:
    """Makes its question's sound, once for all time. Raises our errors with what to do: no key, no voice, no budget."""
    key = target.key()
    rates = Rates.at(target.base_url, target.model, book)
    caps = Caps(target.budget_per_day, target.budget_per_month, target.unpriced)
    asked = _question(target, cache)
    about = rates.estimate(asked.duration_s, now)
    caps.check(target.title, about, target.every)
    return Prepared(target, key, asked, caps, rates, about or Decimal(0))


def _question(target: Target, cache: Path) -> Question:
    if target.sound:
        return question.played(target.sound, cache)
    if not target.speech_url:
        return question.spoken(target.ask, question.VOICE, cache)
    speaker = Endpoint(target.speech_url, target.speech_key(), target.model)
    try:
        return question.spoken(target.ask, "speech:alloy", cache, target.speech_url, speaker.speak)
    finally:
        speaker.close()


@dataclass(slots=True)
class Sitting:
    """tell: takes sentences for people; seen: each row as it is noted."""

    diary: Diary
    clock: machine.Clock
    tell: Tell
    seen: Callable[[Row], None]

    async def run(self, all_prepared: Sequence[Prepared], for_s: int | None) -> None:
        """Ask at all due times, for so long, or until SIGTERM or Ctrl-C. Raises `StorageFailed` where rows are lost."""
        async with self._open() as (stop, writer, left):
            for prepared in all_prepared:
                left.enter_context(self.diary.alone(prepared.target.title))
            started = self._started(all_prepared, writer, left)
            until = None if for_s is None else self.clock.now() + for_s
            loops = [keeper.keep(grid, first, until) for keeper, grid, first in started]
            await schedule.run([keeper for keeper, _, _ in started], loops, stop)

    def _started(
        self, all_prepared: Sequence[Prepared], writer: Writer, left: AsyncExitStack
    ) -> list[tuple[Keeper, Grid, int]]:
        """Each target with its times and the first of them; those that passed while nothing ran are noted."""
        rows, now = self._rows(), self.clock.now()
        started: list[tuple[Keeper, Grid, int]] = []
        for prepared in all_prepared:
            grid = prepared.target.grid()
            if grid is None:
                raise InvalidValue(f"How often is {prepared.target.title} to be asked? Say every.")
            series = rows.of(prepared.target.series)
            first, lost = schedule.taken_up(series, grid, now)
            keeper = self._keeper(prepared, prepared.watch(now, grid), series, writer, left)
            for gap in lost:
                keeper.note(gap)
            if first > now + grid.every_s:
                self.tell(f"{prepared.target.title} was asked until {utc(first)} already: this clock is behind.")
            started.append((keeper, grid, first))
        return started

    async def once(self, all_prepared: Sequence[Prepared]) -> None:
        """Ask each target now, in the place of its last due time, and come back. Raises as `run` does."""
        async with self._open() as (stop, writer, left):
            ours = [prepared for prepared in all_prepared if self._is_free(prepared.target.title, left)]
            rows = self._rows()
            keepers: list[Keeper] = []
            for prepared in all_prepared:
                grid = prepared.target.grid(of_cron=True)
                now = self.clock.now()
                due = int(now) if grid is None else grid.at_or_before(now)
                every_s = 1 if grid is None else grid.every_s
                series = rows.of(prepared.target.series)
                keeper = self._keeper(prepared, prepared.watch(due, grid), series, writer, left)
                keepers.append(keeper)
                if prepared not in ours:
                    keeper.gap(due, due, every_s, "overlap")
                    continue
                for gap in account(series, 0, due, float("inf")).lost:
                    keeper.note(gap)
                keeper.begin(due, now - due if grid is not None else 0.0, every_s)
            await schedule.run(keepers, [keeper.ended() for keeper in keepers], stop)

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[tuple[asyncio.Event, Writer, AsyncExitStack]]:
        """What says stop, what takes rows, and what is left last: locks and connections."""
        with _stopped() as stop:
            async with AsyncExitStack() as left, Writer(self.diary, self.clock, self.tell) as writer:
                yield stop, writer, left

    def _rows(self) -> Rows:
        """What is known so far. To be read under the locks: nobody else writes of these targets then.

        By a diary of its own, which is forgotten: what was read is not needed for as long as a service runs.
        """
        return Diary(self.diary.folder).read(self.clock.now() - REMEMBERED_S)

    def _is_free(self, title: str, left: AsyncExitStack) -> bool:
        """Nobody else asks it; and nobody will, until `left` is."""
        try:
            left.enter_context(self.diary.alone(title))
        except InvalidValue:
            return False
        return True

    def _keeper(self, prepared: Prepared, watch: Watch, series: Series, writer: Writer, left: AsyncExitStack) -> Keeper:
        target = prepared.target
        asker = Asker(
            target.base_url,
            prepared.key,
            target.model,
            voice=target.voice,
            timeout_s=float(target.timeout),
            system=question.SYSTEM,
            expect=target.expect,
        )
        left.push_async_callback(asker.close)
        writer.watch(watch, series.notices[-1] if series.notices else None)

        async def ask(due: int) -> Finding:
            return await asker.ask(prepared.question.wav(due))

        def note(row: Row) -> None:
            writer.note(row)
            self.seen(row)

        return Keeper(
            watch=watch,
            ask=ask,
            note=note,
            clock=self.clock,
            allowance=Allowance(prepared.caps, prepared.about, series.probes),
            rates=prepared.rates,
            about=prepared.about,
            online=lambda: is_near(target.base_url) or machine.has_route(),
        )


@contextmanager
def _stopped() -> Generator[asyncio.Event]:
    """Set at SIGTERM and at Ctrl-C."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
