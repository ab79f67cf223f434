"""Work that is broken off gives its memory back, without waiting for Python's own rare collections."""

from __future__ import annotations

import asyncio
import gc
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
