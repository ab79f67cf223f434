"""The queue of turns: its bounds, its fairness, what it promises to who is refused, and background work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from vivavoce.engines.admission import LONGEST_RETRY_S, Admission, Place
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import TooBusy


class Clock:
    """Time that a test turns by hand. Waiting has its deadline by the real clock."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class House:
    """An admission, and turns that a test starts and ends by hand; `order` is the order in which they were let in."""

    def __init__(self, *, streams: int = 100, **limits: float | None) -> None:
        self.clock = Clock()
        self.streams = streams
        self.admission = Admission(AdmissionLimits(**limits), lambda: self.streams, self.clock)  # type: ignore[arg-type]
        self.order: list[str] = []
        self._ends: dict[str, list[asyncio.Event]] = {}
        self._turns: list[asyncio.Task[None]] = []

    async def come(
        self, owner: str, *, spoken: bool = False, background: bool = False, long: bool = False
    ) -> asyncio.Task[None]:
        end = asyncio.Event()

        async def turn() -> None:
            kind = {"spoken": spoken, "background": background, "long": long}
            async with self.admission.ticket(owner.encode(), **kind) as place:
                self.order.append(owner)
                self._ends.setdefault(owner, []).append(end)
                while not end.is_set():
                    await end.wait()
                await place.clear()

        task = asyncio.create_task(turn())
        self._turns.append(task)
        await self.settle()
        return task

    async def end(self, owner: str) -> None:
        """End the turn of this owner that was let in first."""
        self._ends[owner].pop(0).set()
        await self.settle()

    @property
    def state(self) -> dict[str, float]:
        return self.admission.state()

    @staticmethod
    async def settle() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self._turns:
            task.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        left = {name: self.state[name] for name in ("turns", "waiting", "background", "background_waiting")}
        assert not any(left.values()), left


@asynccontextmanager
async def house(*, streams: int = 100, **limits: float | None) -> AsyncGenerator[House, None]:
    """Whatever a test has done, nobody is left in the house once all turns have ended."""
    opened = House(streams=streams, **limits)
    yield opened
    await opened.close()


async def test_so_many_turns_run_so_many_wait_and_the_rest_are_refused() -> None:
    async with house(turns=2, waiting=3) as opened:
        tasks = [await opened.come("a") for _ in range(5)]
        assert (opened.state["turns"], opened.state["waiting"]) == (2, 3)
        refused = await opened.come("a")
        with pytest.raises(TooBusy):
            await refused
        assert not any(task.done() for task in tasks)
        assert opened.state["refused_full_total"] == 1
        await opened.end("a")
        assert (opened.state["turns"], opened.state["waiting"]) == (2, 2)


async def test_owners_take_turns_however_many_one_of_them_sends() -> None:
    async with house(turns=1, waiting=10) as opened:
        for owner in "aaaaaabbc":
            await opened.come(owner)
        for _ in range(5):
            await opened.end(opened.order[-1])
        assert "".join(opened.order) == "aabcab"


async def test_a_full_queue_still_has_room_for_who_has_less_waiting() -> None:
    async with house(turns=1, waiting=4) as opened:
        greedy = [await opened.come("a") for _ in range(5)]
        modest = await opened.come("b")
        with pytest.raises(TooBusy):
            await greedy[-1]
        assert not modest.done()
        assert opened.state["waiting"] == 4
        assert opened.state["refused_displaced_total"] == 1
        await opened.end("a")
        await opened.end("a")
        assert opened.order == ["a", "a", "b"]


async def test_no_more_speak_than_the_machine_keeps_fed_and_written_answers_go_past_them() -> None:
    async with house(turns=3, streams=1, waiting=10) as opened:
        for _ in range(3):
            await opened.come("a", spoken=True)
        await opened.come("b")
        assert opened.order == ["a", "b"]
        assert opened.state["speaking"] == 1
        opened.streams = 2  # it has become faster
        await opened.end("b")
        assert (opened.state["speaking"], opened.state["waiting"]) == (2, 1)


async def test_a_machine_too_slow_for_one_stream_still_speaks() -> None:
    async with house(turns=3, streams=0) as opened:
        await opened.come("a", spoken=True)
        assert opened.order == ["a"]


async def timed(opened: House, seconds: float, *, spoken: bool = False) -> None:
    """Let one turn of that length go by."""
    await opened.come("warm", spoken=spoken)
    opened.clock.now_s += seconds
    await opened.end("warm")


async def test_who_would_wait_too_long_is_refused_at_once_and_told_how_long() -> None:
    async with house(turns=2, waiting=100, wait_s=10.0) as opened:
        await timed(opened, 4.0)
        waiting = [await opened.come("a") for _ in range(2 + 5)]  # the last waits for 5 turns of 4 s, two at a time
        assert not any(task.done() for task in waiting)
        refused = await opened.come("a")
        with pytest.raises(TooBusy) as told:
            await refused
        assert told.value.retry_after_s == pytest.approx(12.0)
        assert told.value.limit == 102
        newcomer = await opened.come("b")
        assert not newcomer.done(), "its turn comes after one of the other's"


async def test_what_is_told_never_lies_beyond_what_clients_heed() -> None:
    async with house(turns=1, wait_s=1.0) as opened:
        await timed(opened, 500.0)
        await opened.come("a")
        with pytest.raises(TooBusy) as told:
            await (await opened.come("a"))
        assert told.value.retry_after_s == LONGEST_RETRY_S


async def test_nobody_waits_longer_than_was_promised() -> None:
    async with house(turns=1, wait_s=0.05) as opened:
        await opened.come("a")
        with pytest.raises(TooBusy):
            await asyncio.wait_for(await opened.come("a"), 5)
        assert opened.state["expired_total"] == 1
        assert opened.state["waiting"] == 0


async def test_who_hangs_up_leaves_the_queue() -> None:
    async with house(turns=1) as opened:
        await opened.come("a")
        gone = await opened.come("b")
        await opened.come("c")
        gone.cancel()
        await opened.settle()
        assert (opened.state["waiting"], opened.state["left_total"]) == (1, 1)
        await opened.end("a")
        assert opened.order == ["a", "c"]


async def test_a_turn_that_fails_makes_room() -> None:
    async with house(turns=1) as opened:
        with pytest.raises(ZeroDivisionError):
            async with opened.admission.ticket(b"a", spoken=False):
                raise ZeroDivisionError
        await opened.come("b")
        assert opened.order == ["b"]


async def test_background_work_runs_only_while_nobody_is_about() -> None:
    async with house(turns=2) as opened:
        await opened.come("person")
        await opened.come("batch", background=True)
        assert opened.order == ["person"]
        await opened.end("person")
        assert opened.order == ["person", "batch"]


async def test_background_work_pauses_for_a_person_and_takes_no_place_from_one() -> None:
    async with house(turns=1) as opened:
        paused = await opened.come("batch", background=True)
        await opened.come("person")
        assert opened.order == ["batch", "person"]
        await opened.end("batch")  # it has come to its next stage
        assert not paused.done()
        await opened.end("person")
        assert paused.done()


async def test_background_work_waits_as_long_as_it_takes_and_fills_no_queue() -> None:
    async with house(turns=1, waiting=1, wait_s=0.01) as opened:
        await opened.come("person")
        batch = [await opened.come("batch", background=True) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in batch)
        assert opened.state["background_waiting"] == 5


async def test_the_room_that_is_told_is_what_is_left() -> None:
    rooms: list[Place] = []
    admission = Admission(AdmissionLimits(turns=2, waiting=3))
    async with admission.ticket(b"a", spoken=False) as one, admission.ticket(b"a", spoken=False) as two:
        rooms += [one, two]
    assert [(place.room.limit, place.room.remaining) for place in rooms if place.room] == [(5, 4), (5, 3)]


async def test_long_turns_leave_half_of_the_places_to_the_others() -> None:
    async with house(turns=4, waiting=10) as opened:
        for _ in range(3):
            await opened.come("l", long=True)
        assert (opened.state["turns"], opened.state["waiting"]) == (2, 1)
        for _ in range(2):
            await opened.come("s")
        assert opened.order == ["l", "l", "s", "s"]
        await opened.end("s")
        assert opened.order == ["l", "l", "s", "s"], "a long one does not take the place of a short one"
        await opened.end("l")
        assert opened.order == ["l", "l", "s", "s", "l"]


async def test_nobody_is_refused_for_the_time_that_long_turns_take() -> None:
    async with house(turns=2, waiting=10, wait_s=10.0) as opened:
        await opened.come("l", long=True)
        opened.clock.now_s += 300.0
        await opened.end("l")
        await opened.come("l", long=True)
        await opened.come("s")
        assert not (await opened.come("s")).done(), "waits for the short one, of which nothing bad is known"
        with pytest.raises(TooBusy) as refused:
            await (await opened.come("l", long=True))
        assert refused.value.retry_after_s == 60.0
