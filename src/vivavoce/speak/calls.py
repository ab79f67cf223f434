"""Blocking calls of an engine, off the event loop: a few at a time, each stopped from outside when it is cancelled.

Knows no engine and no sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Calls:
    """At most `at_once` calls run; the rest wait for their turn. For use from one event loop at a time."""

    def __init__(self, name: str, at_once: int) -> None:
        self._workers = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix=name)

    async def run(self, work: Callable[[], Result], stop: Callable[[], None]) -> Result:
        """What `work` returns. Cancelling the task calls `stop`, which must make `work` end soon, from any thread."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._workers, work)
        except asyncio.CancelledError:
            stop()
            raise

    async def close(self) -> None:
        """Give up what waits, and wait for what runs."""
        await asyncio.to_thread(self._workers.shutdown, cancel_futures=True)
