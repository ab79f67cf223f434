"""Ending an asyncio task for good, and finding why a group of them failed: one way for every part of the house."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast


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
