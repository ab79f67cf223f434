"""What the garbage collector is told, so that pauses are short and work that was broken off holds no memory.

A cancelled task and its exception refer to each other, and through their frames to recordings and spoken sound. Such
circles wait for a full collection, which Python makes seldom: hundreds of megabytes gathered after hundreds of
hang-ups. Knows nothing of what is cancelled.
"""

from __future__ import annotations

import asyncio
import gc

TIDY_AFTER_S = 0.5
"""How long circles may gather: one collection serves all that break off within it."""

_due: set[asyncio.AbstractEventLoop] = set()


def settle() -> None:
    """Leave all that is there now, modules above all, out of every later collection, which then takes a millisecond."""
    gc.collect()
    gc.freeze()


def tidy_soon() -> None:
    """Collect in a moment. Called where work was broken off, in its event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _due:
        _due.add(loop)
        loop.call_later(TIDY_AFTER_S, _tidy, loop)


def _tidy(loop: asyncio.AbstractEventLoop) -> None:
    _due.discard(loop)
    gc.collect()
