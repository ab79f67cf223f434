"""Ending an asyncio task for good: the one way that every part of the house does it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel `task` unless it is done, and wait until it has really ended. What it raised is dropped."""
    if not task.done():
        task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
