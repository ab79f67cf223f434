"""Asyncio tasks: running, filling a queue, ending one for good, finding why a group failed: one way everywhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar, cast

Item = TypeVar("Item")


def run(main: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` on the quicker loop of uvloop, which there is for all but Windows."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415

        uvloop.run(main)


async def fill(queue: asyncio.Queue[Item | None], work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, which puts items into `queue`, then put None: also when it fails, or the reader would wait for ever.

    The reader finds what went wrong by awaiting the task that runs this.
    """
    try:
        await work
    except asyncio.CancelledError:
        # The reader is gone, or about to go: never wait for room here.
        with suppress(asyncio.QueueFull):
            queue.put_nowait(None)
        raise
    except Exception:
        await queue.put(None)
        raise
    await queue.put(None)


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel `task` unless it is done, and wait until it has really ended. What it raised is dropped."""
    if not task.done():
        task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


def first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The task that failed first is the one to report; the others were only cancelled."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return first_cause(cast("BaseExceptionGroup[BaseException]", error))
        return error
    return group  # pragma: no cover - a group is never empty
