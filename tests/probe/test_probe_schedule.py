"""Due times are kept, whatever happens: slow answers, restarts, sleep, clocks that are set, a held-up process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_world import OK, START, URL, World

from vivavoce.audio import Audio
from vivavoce.errors import InvalidValue
from vivavoce.prices.book import load_book
from vivavoce.probe.allowance import Allowance, Caps, Rates
from vivavoce.probe.asking import Finding
from vivavoce.probe.diary import Diary, Series
from vivavoce.probe.grid import Grid, spread
from vivavoce.probe.question import Question
from vivavoce.probe.rows import End, Probe
from vivavoce.probe.schedule import run, taken_up
from vivavoce.probe.session import Prepared
from vivavoce.probe.targets import target
from vivavoce.probe.timetable import account
from vivavoce.usage import Usage


@asynccontextmanager
async def under_way(loop: Coroutine[object, object, None]):
    task = asyncio.create_task(loop)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@given(st.integers(1, 700_000), st.integers(0, 10**7), st.floats(0, 4e9))
def test_times_are_whole_multiples_from_an_offset(every_s: int, offset_s: int, at: float) -> None:
    grid = Grid(every_s, offset_s % every_s)
    after, before = grid.at_or_after(at), grid.at_or_before(at)
    assert before <= at <= after
    assert after - before in (0, every_s)
    assert (after - grid.offset_s) % every_s == 0
    assert list(grid.times(after, after + 1)) == [after]


def test_targets_of_one_file_are_spread() -> None:
    offsets = {spread(f"target {number}", 300) for number in range(20)}
    assert len(offsets) > 15
    assert offsets == {spread(f"target {number}", 300) for number in range(20)}


async def test_no_time_drifts_however_long_answers_take() -> None:
    world = World()
    keeper = world.keeper(world.taking(lambda due: due // 60 % 7 * 8.3))
    async with under_way(keeper.keep(world.grid, START)):
        await world.clock.run(3 * 3600)
    assert [due for due, _ in world.asked] == list(range(START, START + 3 * 3600 + 1, 60))
    assert all(begun == due for due, begun in world.asked)
    assert world.gaps == []
    assert {probe.late_s for probe in world.probes} == {0.0}


async def test_a_slow_answer_puts_off_no_other_and_too_many_are_noted() -> None:
    world = World()
    keeper = world.keeper(world.taking(150.0))
    async with under_way(keeper.keep(world.grid, START)):
        await world.clock.run(10 * 60 + 30)
    assert [(due - START) // 60 for due, _ in world.asked] == [0, 1, 3, 4, 6, 7, 9, 10]
    assert all(begun == due for due, begun in world.asked)
    assert world.gaps == [("overlap", 2, 2), ("overlap", 5, 5), ("overlap", 8, 8)]


async def test_after_a_restart_the_grid_is_the_same_and_what_passed_is_not_measured(tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    world = World(diary=diary)
    world.note(world.watch())
    async with under_way(world.keeper(world.taking(2.0)).keep(world.grid, START)):
        await world.clock.run(5 * 60 + 10)
    world.clock.freeze(10 * 60 + 7)  # nothing ran
    series = diary.read(0).of(("home", "m"))
    first, lost = taken_up(series, world.grid, world.clock.now())
    for gap in lost:
        world.note(gap)
    async with under_way(world.keeper(world.taking(2.0)).keep(world.grid, first)):
        await world.clock.run(5 * 60)
    assert world.minutes() == [0, 1, 2, 3, 4, 5, 15, 16, 17, 18, 19, 20]
    assert world.gaps == [("down", 6, 14)], "minute 15 had only just passed, and was asked 17 s late"
    assert max(probe.late_s for probe in world.probes) == pytest.approx(17)
    found = account(diary.read(0).of(("home", "m")), START, START + 21 * 60, world.clock.now() + 3600)
    assert (found.due, len(found.probes), found.missed(), found.lost) == (21, 12, {"down": 9}, [])


async def test_a_kill_in_the_middle_of_an_answer_loses_one_time_and_says_so(tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    world = World(diary=diary)
    world.note(world.watch())
    answer = world.taking(lambda due: 100.0 if due == START + 120 else 1.0)
    async with under_way(world.keeper(answer).keep(world.grid, START)):
        await world.clock.run(3 * 60 + 10)
        diary.add = lambda *_: None  # type: ignore[method-assign]  # killed: nothing is written any more
    world.clock.freeze(70)
    series = Diary(tmp_path).read(0).of(("home", "m"))
    assert [(probe.due - START) // 60 for probe in series.probes] == [0, 1, 3]
    first, lost = taken_up(series, world.grid, world.clock.now())
    assert [((gap.first - START) // 60, (gap.last - START) // 60, gap.why) for gap in lost] == [(2, 2, "down")]
    assert (first - START) // 60 == 4, "the time that passed 20 s ago is still asked"


@pytest.mark.parametrize(
    ("happen", "why"),
    [("suspend", "asleep"), ("set_by", "clock"), ("freeze", "held_up")],
)
async def test_times_that_pass_unseen_are_never_outages(happen: str, why: str) -> None:
    world = World()
    async with under_way(world.keeper(world.taking(2.0)).keep(world.grid, START)):
        await world.clock.run(2 * 60 + 20)
        getattr(world.clock, happen)(3600.0)
        await world.clock.run(3 * 60)
    assert world.gaps == [(why, 3, 61)], "minute 62 was 20 s ago, and was asked"
    assert world.minutes() == [0, 1, 2, 62, 63, 64, 65]
    assert all(probe.ok for probe in world.probes)
    late = {(probe.due - START) // 60: probe.late_s for probe in world.probes}
    assert late[62] == pytest.approx(21, abs=1.1)
    assert late[63] == late[64] == 0


async def test_an_answer_that_the_machine_slept_through_says_nothing_of_the_endpoint() -> None:
    world = World()
    failed = Finding("no_connection", 3.0, code="connection_reset")
    async with under_way(world.keeper(world.taking(5.0, failed)).keep(world.grid, START)):
        await world.clock.run(2.0)
        world.clock.suspend(20.0)
        await world.clock.run(10.0)
    assert world.gaps == [("asleep", 0, 0)]
    assert world.probes == []


async def test_no_time_is_asked_twice_when_the_clock_is_set_back() -> None:
    world = World()
    async with under_way(world.keeper(world.taking(2.0)).keep(world.grid, START)):
        await world.clock.run(5 * 60 + 10)
        world.clock.set_by(-180)
        await world.clock.run(5 * 60)
    assert world.minutes() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert world.gaps == []


def test_a_restart_with_a_clock_that_is_behind_asks_nothing_again() -> None:
    probes = [Probe("home", "m", START + minute * 60, 0.0, "ok", 1.0) for minute in (0, 1)]
    series = Series(probes=probes, notices=[World().watch()])
    assert taken_up(series, Grid(60), START + 59) == (START + 120, [])
    far = Series(probes=[Probe("home", "m", START + 10**8, 0.0, "ok", 1.0)])
    assert taken_up(far, Grid(60), START + 59)[0] == START + 60, "one row of a mad clock does not end it all"


async def test_without_a_network_here_nothing_is_said_of_there() -> None:
    world = World()
    failed = Finding("no_connection", 0.1, code="name_lookup_failed")
    async with under_way(world.keeper(world.taking(0.1, failed), online=False).keep(world.grid, START)):
        await world.clock.run(70)
    assert world.gaps == [("offline", 0, 0), ("offline", 1, 1)]
    online = World()
    async with under_way(online.keeper(online.taking(0.1, failed)).keep(online.grid, START)):
        await online.clock.run(70)
    assert [probe.what for probe in online.probes] == ["no_connection name_lookup_failed"] * 2


async def test_the_end_of_its_time_is_noted_and_what_is_under_way_is_waited_for() -> None:
    world = World()
    keeper = world.keeper(world.taking(40.0))
    task = asyncio.create_task(keeper.keep(world.grid, START, START + 3 * 60))
    await world.clock.run(2 * 60 + 39)
    assert not task.done()
    await world.clock.run(2)
    assert task.done()
    assert world.minutes() == [0, 1, 2]
    assert world.rows[-1] == End(START + 180, "home", "m")


async def test_a_stop_waits_a_moment_and_notes_what_it_cut_off() -> None:
    world = World()
    quick, stop = asyncio.Event(), asyncio.Event()

    async def answer(due: int) -> Finding:
        await (quick.wait() if due == START else asyncio.sleep(60))
        return OK

    keeper = world.keeper(answer)
    task = asyncio.create_task(run([keeper], [keeper.keep(world.grid, START)], stop))
    await world.clock.run(61)
    stop.set()
    await asyncio.sleep(0.05)
    quick.set()
    await asyncio.sleep(0.05)
    assert world.minutes() == [0], "what ends in time is measured"
    await keeper.stop(0)
    await task
    assert world.gaps == [("stopped", 1, 1)]


async def test_a_stop_while_the_last_answers_are_waited_for_gives_them_their_moment() -> None:
    world, quick, stop = World(), asyncio.Event(), asyncio.Event()

    async def answer(due: int) -> Finding:
        await quick.wait()
        return OK

    keeper = world.keeper(answer)
    task = asyncio.create_task(run([keeper], [keeper.keep(world.grid, START, START + 60)], stop))
    await world.clock.run(61)
    stop.set()
    await asyncio.sleep(0.05)
    quick.set()
    await task
    assert world.minutes() == [0]
    assert world.gaps == []


def test_what_was_due_before_the_first_moment_was_not_due() -> None:
    asked = target({"base_url": URL, "every": "1m", "name": "home", "model": "m", "offset": "0s"})
    rates = Rates(load_book(), "m", free=True)
    prepared = Prepared(
        asked, "sk-secret", Question(Audio(np.zeros(16_000, np.float32), 16_000)), Caps(), rates, Decimal(0)
    )
    watch = prepared.watch(START + 0.4, asked.grid())
    assert account(Series(notices=[watch]), START - 60, START + 61, START + 600).missed() == {"down": 1}
    assert "secret" not in repr(prepared)


async def test_a_fault_of_ours_is_not_passed_over() -> None:
    async def broken(due: int) -> Finding:
        raise ZeroDivisionError

    world = World()
    async with under_way(world.keeper(broken).keep(world.grid, START)) as task:
        await world.clock.run(61)
        with pytest.raises(ZeroDivisionError):
            task.result()


PRICED = "gpt-4o-mini-audio-preview"
USED = replace(OK, usage=Usage(100, 20, 0, 30, 60))


async def test_a_budget_stops_it_until_the_day_is_over_and_the_month_counts_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vivavoce.probe.schedule.LAP_S", 600.0)  # three days of seconds take long to let pass
    world = World(every_s=3600)
    world.clock = type(world.clock)(START - 20 * 3600)  # midnight
    caps = Caps(per_day=Decimal("0.0100"), per_month=Decimal("0.0170"))
    price = world.keeper(world.taking(1.0), model=PRICED, free=False).rates.of(USED.usage, START)
    assert price is not None
    assert Decimal("0.001") < price < Decimal("0.003")
    keeper = world.keeper(world.taking(1.0, USED), caps=caps, model=PRICED, about="0.0030", free=False)
    async with under_way(keeper.keep(world.grid, START - 20 * 3600)):
        await world.clock.run(3 * 86_400 - 60)
    by_day = [sum(probe.due < START - 20 * 3600 + day * 86_400 for probe in world.probes) for day in (1, 2, 3)]
    spent = sum(Decimal(probe.usd or 0) for probe in world.probes)
    assert spent == price * len(world.probes)
    assert by_day[0] == int((Decimal("0.0100") - Decimal("0.0030")) / price) + 1
    assert by_day[1] > by_day[0], "the next day it goes on"
    assert by_day[2] == by_day[1], "the month is used up"
    assert spent <= Decimal("0.0170")
    assert {why for why, _, _ in world.gaps} == {"budget"}
    assert len(world.probes) + len(world.gaps) == 72
    # After a restart, the diary's rows are what was spent.
    series = Series(probes=world.probes)
    again = Allowance(caps, Decimal("0.0030"), series.probes)
    assert not again.hold(START + 2 * 86_400)


def test_what_the_month_refuses_is_not_held_against_the_day() -> None:
    allowance = Allowance(Caps(Decimal("0.0090"), Decimal("0.0088")), Decimal("0.0030"))
    assert [allowance.hold(START) for _ in range(3)] == [True, True, False]
    for _ in range(2):
        allowance.pay(START, Decimal("0.0001"))
    assert [allowance.hold(START) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("finding", "usd", "about"),
    [
        (USED, "0.0", None),
        (replace(OK, usage=None), None, "0.0030"),
        (Finding("refused", 0.1, 429, "rate_limit_exceeded"), "0", None),
        (Finding("timeout", 60.0, 200, "no_end", reached=True), None, "0.0030"),
    ],
)
async def test_what_is_not_told_is_counted_at_its_estimate(finding: Finding, usd: str | None, about: str) -> None:
    world = World()
    keeper = world.keeper(world.taking(1.0, finding), model=PRICED, about="0.0030", free=False)
    async with under_way(keeper.keep(world.grid, START)):
        await world.clock.run(5)
    [probe] = world.probes
    assert (probe.usd or "")[: len(usd or "")] == (usd or "")
    assert (probe.usd is None) == (usd is None)
    assert probe.usd_about == about


def test_a_paid_endpoint_needs_a_budget_and_a_price() -> None:
    with pytest.raises(InvalidValue, match=r"about \$0.0030, and \$25.92 a month.*budget_per_day"):
        Caps().check("there", Decimal("0.0030"), 300)
    with pytest.raises(InvalidValue, match="no price"):
        Caps(per_day=Decimal(1)).check("there", None, 300)
    Caps(unpriced=True).check("there", None, 300)
    Caps(per_month=Decimal(1)).check("there", Decimal("0.0030"), None)
    Caps().check("here", Decimal(0), 300)
