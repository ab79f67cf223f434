"""Threads that yield: what they start yields too, and nobody else does."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from vivavoce.threads import NICENESS, yielding

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads have a niceness of their own on Linux only")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def niceness_of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(niceness()))
    thread.start()
    thread.join()
    return found[0]


@linux
def test_threads_started_inside_yield_and_the_caller_does_not() -> None:
    before = niceness()
    assert yielding(niceness_of_a_new_thread) == min(19, before + NICENESS)
    assert niceness() == before
    assert niceness_of_a_new_thread() == before


def test_what_fails_inside_fails_outside() -> None:
    def fail() -> None:
        raise RuntimeError("no weights")

    with pytest.raises(RuntimeError, match="no weights"):
        yielding(fail)
