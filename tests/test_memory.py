"""Work that is broken off gives its memory back, without waiting for Python's own rare collections."""

from __future__ import annotations

import asyncio
import gc
import platform
import subprocess
import sys
import weakref

import pytest

from vivavoce import memory


class Sound:
    """Something large that a task was holding."""


async def _held_in_a_circle() -> weakref.ref[Sound]:
    sound = Sound()

    async def work(held: Sound) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            circle = error  # the exception knows the frame, and the frame the exception
            raise circle from None

    task = asyncio.create_task(work(sound))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return weakref.ref(sound)


async def test_what_was_broken_off_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "TIDY_AFTER_S", 0.01)
    gc.disable()
    try:
        left = await _held_in_a_circle()
        assert left() is not None, "else there is nothing to give back"
        memory.tidy_soon()
        memory.tidy_soon()
        assert left() is not None, "not at once: the next may break off too"
        await asyncio.sleep(0.1)
        assert left() is None
    finally:
        gc.enable()


async def test_it_can_be_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "TIDY_AFTER_S", 0.0)
    gc.disable()
    try:
        for _ in range(2):
            left = await _held_in_a_circle()
            memory.tidy_soon()
            await asyncio.sleep(0.05)
            assert left() is None
    finally:
        gc.enable()


def test_what_has_settled_is_left_out_of_collections() -> None:
    gc.unfreeze()
    before = gc.get_freeze_count()
    memory.settle()
    try:
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()


# All together take less than the 64 MB of one piece of a pool.
_BURSTS = """
import re, sys, threading
from vivavoce import memory
if sys.argv[1] == "shared":
    memory.share_pools()
barrier = threading.Barrier(8)
def burst():
    barrier.wait()
    kept = [bytearray(20_000) for _ in range(200)]
    barrier.wait()
threads = [threading.Thread(target=burst) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
starts = re.findall("^([0-9a-f]+)-.*rw-p 00000000 00:00 0 $", open("/proc/self/maps").read(), re.M)
print(sum(int(start, 16) % (64 << 20) == 0 for start in starts))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc" or sys.platform != "linux", reason="pools of glibc on Linux")
def test_threads_share_pools_of_memory() -> None:
    def pools(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", _BURSTS, how], check=True, capture_output=True).stdout)

    assert pools("each its own") > 3
    assert pools("shared") <= 2
