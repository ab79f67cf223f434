"""Threads that let others go first: how engines of one process share its cores.

Speaking is what a listener waits for, and what runs dry, and it takes little: its threads keep the usual priority.
Listening and thinking yield to it, and share the rest as equals. Knows no engine.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

NICENESS = 10
"""Of threads that yield: a tenth of a core where others want all of it, so that nothing ever stands still."""

Started = TypeVar("Started")


def yielding(start: Callable[[], Started]) -> Started:
    """What `start` returns. Native threads that it starts inherit the niceness of the thread in which it runs here.

    Where threads have no niceness of their own (systems other than Linux), it just runs.
    """

    def step_back() -> None:
        if sys.platform == "linux":
            with suppress(OSError):
                thread = threading.get_native_id()
                os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICENESS)

    with ThreadPoolExecutor(1, thread_name_prefix="yielding", initializer=step_back) as starter:
        return starter.submit(start).result()
