"""Who shares a call, who goes first, who is left alone: calls that only count, in real threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from vivavoce.listen.batching import URGENT_IN_A_ROW, Batcher


class Calls:
    """Doubles its items and remembers every call. While `gate` is shut, calls block."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.first = threading.Event()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def __call__(self, items: Sequence[int]) -> list[int]:
        with self._lock:
            self.seen.append(list(items))
            self.first.set()
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            assert self.gate.wait(10)
            if 13 in items:
                raise ValueError("thirteen")
            return [2 * item for item in items]
        finally:
            with self._lock:
                self.at_once -= 1

    async def begun(self) -> None:
        assert await asyncio.to_thread(self.first.wait, 10)


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest_asyncio.fixture
async def one(calls: Calls) -> AsyncIterator[Batcher]:
    batcher = Batcher(1, "test")
    yield batcher
    calls.gate.set()
    await asyncio.to_thread(batcher.close)


@pytest_asyncio.fixture
async def two(calls: Calls) -> AsyncIterator[Batcher]:
    batcher = Batcher(2, "test")
    yield batcher
    calls.gate.set()
    await asyncio.to_thread(batcher.close)


def ask(batcher: Batcher, calls: Calls, item: int, key: str = "k", *, urgent: bool = False) -> asyncio.Task[int]:
    return asyncio.create_task(batcher.batched(calls, item, key=key, most=4, urgent=urgent))


async def busy(batcher: Batcher, calls: Calls, urgent: bool = True) -> asyncio.Task[int]:
    """A call in flight that lasts until the gate opens."""
    calls.gate.clear()
    task = ask(batcher, calls, 0, "busy", urgent=urgent)
    await calls.begun()
    return task


async def test_what_waits_and_is_alike_shares_a_call(one: Batcher, calls: Calls) -> None:
    blocker = await busy(one, calls)
    tasks = [ask(one, calls, item, "even" if item % 2 == 0 else "odd") for item in range(1, 11)]
    await asyncio.sleep(0.02)
    calls.gate.set()
    assert await asyncio.gather(*tasks) == [2 * item for item in range(1, 11)]
    await blocker
    assert calls.seen[1:3] == [[1, 3, 5, 7], [2, 4, 6, 8]], "full calls go first, the oldest of them before"
    assert sorted(calls.seen[3:]) == [[9], [10]]


async def test_urgent_work_goes_first_and_shares_with_no_other(one: Batcher, calls: Calls) -> None:
    blocker = await busy(one, calls)
    patient = [ask(one, calls, item) for item in (1, 2)]
    await asyncio.sleep(0.02)
    urgent = [ask(one, calls, item, urgent=True) for item in (3, 4)]
    await asyncio.sleep(0.02)
    calls.gate.set()
    await asyncio.gather(blocker, *patient, *urgent)
    assert calls.seen[1:] == [[3, 4], [1, 2]]


async def test_one_thread_stays_free_while_urgent_work_is_about(two: Batcher, calls: Calls) -> None:
    blocker = await busy(two, calls)
    patient = [ask(two, calls, item, key=f"k{item}") for item in range(1, 6)]
    await asyncio.sleep(0.05)
    assert len(calls.seen) == 2, "the urgent call and one other"
    urgent = ask(two, calls, 9, urgent=True)
    await asyncio.sleep(0.05)
    calls.gate.set()
    await asyncio.gather(blocker, urgent, *patient)
    assert calls.seen[2] == [9]


async def test_work_that_is_not_urgent_gets_its_turn_among_endless_urgent_work(one: Batcher, calls: Calls) -> None:
    blocker = await busy(one, calls)
    patient = ask(one, calls, 1)
    urgent = [ask(one, calls, item, key=f"u{item}", urgent=True) for item in range(20, 50)]
    await asyncio.sleep(0.02)
    calls.gate.set()
    await asyncio.gather(blocker, patient, *urgent)
    assert calls.seen.index([1]) == URGENT_IN_A_ROW


async def test_where_a_shared_call_fails_only_the_guilty_item_fails(one: Batcher, calls: Calls) -> None:
    blocker = await busy(one, calls)
    tasks = [ask(one, calls, item) for item in (12, 13, 14)]
    await asyncio.sleep(0.02)
    calls.gate.set()
    await blocker
    assert await tasks[0] == 24
    with pytest.raises(ValueError, match="thirteen"):
        await tasks[1]
    assert await tasks[2] == 28


async def test_what_is_cancelled_before_its_call_is_never_run(one: Batcher, calls: Calls) -> None:
    blocker = await busy(one, calls)
    given_up, other = ask(one, calls, 1), ask(one, calls, 2)
    await asyncio.sleep(0.02)
    given_up.cancel()
    await asyncio.sleep(0)
    calls.gate.set()
    await asyncio.gather(blocker, other)
    assert [1] not in calls.seen and [2] in calls.seen


async def test_closing_gives_up_what_waits_and_refuses_what_comes(one: Batcher, calls: Calls) -> None:
    blocker = await busy(one, calls)
    waiting = ask(one, calls, 1)
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(asyncio.to_thread(one.close))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    calls.gate.set()
    await closing
    assert await blocker == 0
    with pytest.raises(RuntimeError, match="closed"):
        await ask(one, calls, 2)
    assert calls.seen == [[0]]


async def test_only_calls_that_are_not_urgent_are_timed(one: Batcher, calls: Calls) -> None:
    await ask(one, calls, 1, urgent=True)
    assert not one.call_s
    await ask(one, calls, 2)
    assert await one.call(lambda: "done", urgent=False) == "done"
    await asyncio.to_thread(one.close)
    assert len(one.call_s) == 2
