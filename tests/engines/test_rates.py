"""Limits per minute in the queue: buckets that refill, debts, what is given back, and shares of the machine."""

from __future__ import annotations

import asyncio

import pytest

from vivavoce.engines.admission import Admission
from vivavoce.engines.rates import Rates
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import RequestTooLarge, TooBusy, TooManyRequests, TooManyTokens
from vivavoce.tickets import Quota, Rate

OWNER = b"anna"


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bucket_refills_steadily_and_never_over_its_brim() -> None:
    clock = Clock()
    rates, quota = Rates(clock), Quota(requests_per_minute=6)
    for _ in range(6):
        assert rates.refusal(OWNER, quota, 0) is None
        rates.start(OWNER, quota, 0)
    refused = rates.refusal(OWNER, quota, 0)
    assert isinstance(refused, TooManyRequests)
    assert refused.retry_after_s == pytest.approx(10)
    clock.now_s += 10
    assert rates.refusal(OWNER, quota, 0) is None
    clock.now_s += 3600
    assert rates.left(OWNER, quota) == (Rate(6, 6, 0.0), None)


def test_in_any_minute_no_more_than_twice_the_limit_starts_and_in_the_long_run_the_limit() -> None:
    """A bucket that was full, and what trickles in: the original's behave alike."""
    clock = Clock()
    rates, quota = Rates(clock), Quota(requests_per_minute=30)
    started: list[float] = []
    for _ in range(6000):
        clock.now_s += 0.1
        if rates.refusal(OWNER, quota, 0) is None:
            rates.start(OWNER, quota, 0)
            started.append(clock.now_s)
    assert len(started) == pytest.approx(30 + 600 / 60 * 30, abs=1)
    assert max(sum(start <= other < start + 60 for other in started) for start in started) <= 60


def test_what_is_held_back_is_put_right() -> None:
    rates, quota = Rates(Clock()), Quota(tokens_per_minute=100)
    rates.start(OWNER, quota, 80)
    refused = rates.refusal(OWNER, quota, 40)
    assert isinstance(refused, TooManyTokens)
    assert refused.retry_after_s == pytest.approx(12)
    rates.take(OWNER, quota, 30 - 80)
    assert rates.refusal(OWNER, quota, 70) is None
    rates.take(OWNER, quota, 200)
    assert rates.left(OWNER, quota) == (None, Rate(100, 0, 138.0)), "in debt: nothing is left, and for longer"
    assert isinstance(rates.refusal(OWNER, quota, 101), RequestTooLarge)


def test_a_limit_that_changes_starts_anew_and_one_that_goes_is_forgotten() -> None:
    rates = Rates(Clock())
    rates.start(OWNER, Quota(1, 10), 10)
    assert rates.refusal(OWNER, Quota(2, 20), 20) is None
    assert rates.refusal(OWNER, Quota(), 10**9) is None
    assert rates.refusal(OWNER, Quota(1, 10), 10) is None


async def test_who_is_not_served_after_all_gets_it_back() -> None:
    """It waited too long, or hung up: its key has not used anything."""
    admission = Admission(AdmissionLimits(turns=1, waiting=4, wait_s=0.05))
    quota = Quota(requests_per_minute=2, tokens_per_minute=100)
    busy = admission.for_owner(b"other")
    async with busy.ticket(spoken=False, background=False):
        late = admission.for_owner(OWNER, quota)
        late.expected_tokens = 60
        with pytest.raises(TooBusy):
            async with late.ticket(spoken=False, background=False):
                pass
        assert await late.settle(0) is None
        leaving = admission.for_owner(OWNER, quota)
        leaving.expected_tokens = 60
        waiting = asyncio.create_task(leaving.ticket(spoken=False, background=False).__aenter__())
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with admission.for_owner(OWNER, quota).ticket(spoken=False, background=False) as place:
        assert place.room is not None
        assert (place.room.requests, place.room.tokens) == (Rate(2, 1, pytest.approx(30, abs=1)), Rate(100, 100, 0.0))


async def test_background_work_has_no_minute() -> None:
    admission = Admission(AdmissionLimits())
    queue = admission.for_owner(OWNER, Quota(requests_per_minute=1))
    for _ in range(3):
        async with queue.ticket(spoken=False, background=True):
            pass
    assert await queue.settle(5) is not None


async def test_the_machine_is_shared_among_those_under_way() -> None:
    clock = Clock()
    admission = Admission(AdmissionLimits(turns=4), clock=clock)
    one, two = admission.for_owner(b"a"), admission.for_owner(b"b")
    async with one.ticket(spoken=False, background=False):
        clock.now_s += 10  # alone
        async with two.ticket(spoken=False, background=False):
            clock.now_s += 6  # each has a half
        clock.now_s += 1  # alone again
    clock.now_s += 100  # nobody's
    assert await one.settle(0) == pytest.approx(10 + 3 + 1)
    assert await two.settle(0) == pytest.approx(3)
    async with two.ticket(spoken=False, background=False):
        clock.now_s += 2
    assert await two.settle(0) == pytest.approx(2)
    assert await two.settle(0) is None
