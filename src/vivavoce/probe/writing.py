"""Rows on their way to the diary: written by a thread, so that no due time waits for a disk. Knows no schedule."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from vivavoce.errors import StorageFailed
from vivavoce.probe.diary import Diary, month_of
from vivavoce.probe.machine import Clock
from vivavoce.probe.rows import End, Key, Row, Watch

AGAIN_S = 5.0
"""After which a diary that could not be written is tried again."""


class Writer:
    """An asynchronous context, which is left when all is written. tell: takes a sentence for people."""

    def __init__(self, diary: Diary, clock: Clock, tell: Callable[[str], None]) -> None:
        self._diary = diary
        self._clock = clock
        self._tell = tell
        self._rows: list[Row] = []
        self._watches: dict[Key, Watch] = {}
        self._told: set[tuple[Key, str]] = set()
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()

    def watch(self, watch: Watch, known: Watch | End | None) -> None:
        """From here on rows of `watch` may come. It is written once a month, and not again where the diary's last word,
        `known`, says the same. To be asked once more, on no fixed times, changes nothing of those that are known."""
        if isinstance(known, Watch) and known.every_s is not None and watch.every_s is None:
            watch = replace(known, at=watch.at)
        self._watches[watch.key] = watch
        same = isinstance(known, Watch) and replace(known, at=0) == replace(watch, at=0)
        if same and known is not None and month_of(known.at) == month_of(watch.at):
            self._told.add((watch.key, month_of(watch.at)))
        else:
            self.note(watch)

    def note(self, row: Row) -> None:
        self._rows.append(row)
        self._wake.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Writes what is left. Raises `StorageFailed`, and then it is lost."""
        self._closing.set()
        self._wake.set()
        await self._task
        await self._write()

    async def _run(self) -> None:
        """Write what is noted as it comes. What cannot be written is kept and tried again."""
        while not self._closing.is_set():
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._write()
            except StorageFailed as error:
                self._tell(error.message)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), AGAIN_S)
                self._wake.set()

    async def _write(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        at = self._clock.now()
        try:
            await asyncio.to_thread(self._diary.add, self._introduced(rows, at), at)
        except BaseException:
            self._rows = [*rows, *self._rows]
            raise
        self._told |= {(row.key, month_of(at)) for row in rows}

    def _introduced(self, rows: list[Row], at: float) -> list[Row]:
        """With how each target is asked, before its first row of a month: a month can be read by itself."""
        told = set(self._told)
        found: list[Row] = []
        for row in rows:
            place = row.key, month_of(at)
            if place not in told and not isinstance(row, Watch) and row.key in self._watches:
                found.append(replace(self._watches[row.key], at=int(at)))
            told.add(place)
            found.append(row)
        return found
