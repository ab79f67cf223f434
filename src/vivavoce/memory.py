"""What the garbage collector and the C library are told, so that pauses are short and memory stays where it was.

A cancelled task and its exception refer to each other, and through their frames to recordings and spoken sound. Such
circles wait for a full collection, which Python makes seldom: hundreds of megabytes gathered after hundreds of
hang-ups. The C library has up to eight pools of memory for each core, and each pool keeps what any burst of work once
took from it: the engine process grew by a gigabyte in half an hour. Knows nothing of what is cancelled.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys

TIDY_AFTER_S = 0.5
"""How long circles may gather: one collection serves all that break off within it."""

_due: set[asyncio.AbstractEventLoop] = set()


_MOST_POOLS = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""

_POOLS = 2
"""Threads that allocate at the same moment: about as many as there are cores at the least."""


def share_pools() -> None:
    """Have all threads share two pools of memory. Called before there are threads; without glibc it does nothing."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_MOST_POOLS, _POOLS)


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
