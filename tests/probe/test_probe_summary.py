"""What is said of probes, against figures worked out by hand; and of live traffic, against each request by itself."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from probe_world import START, URL

from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import UsageRow
from vivavoce.probe.diary import Diary, Rows, Series
from vivavoce.probe.rows import End, Gap, Probe, Row, Watch
from vivavoce.probe.summary import Delay, Incident, Share, Summary, slices, summarise
from vivavoce.probe.traffic import summarise_traffic
from vivavoce.usage import Usage

KEY = ("home", "m")
WATCH = Watch(START, "home", "m", URL, 30.0, "alloy", 2.0, "0.1.0", every_s=60)


def at(minute: float) -> int:
    return START + round(minute * 60)


def ok(minute: int, first_sound_s: float = 0.5, **more: object) -> Probe:
    fields = {"status": 200, "first_text_s": 0.2, "first_sound_s": first_sound_s, "usd": "0.001"} | more
    return Probe("home", "m", at(minute), 0.01, "ok", 2.0, **fields)


def bad(minute: int, outcome: str = "timeout", code: str | None = "no_answer", status: int | None = None) -> Probe:
    return Probe("home", "m", at(minute), 0.01, outcome, 30.0, status, code)


def summed(rows: Iterable[Row], minutes: float, since: float = 0) -> Summary:
    series = Series()
    for row in rows:
        series.add(row)
    [found] = summarise(Rows({KEY: series}), at(since), at(minutes))
    return found


def test_availability_has_its_n_and_its_doubt() -> None:
    found = summed([WATCH, *(ok(minute) for minute in range(9)), bad(9)], 10)
    assert found.available == Share(9, 10, 0.9, pytest.approx(0.5958, abs=1e-4), pytest.approx(0.9821, abs=1e-4))
    assert found.schedule.due == found.schedule.measured == 10
    assert found.failures == {"timeout no_answer": 1}
    assert found.usd == Decimal("0.009")
    assert found.uncosted == 1


@pytest.mark.parametrize(("n", "p95_s"), [(59, None), (60, pytest.approx(0.557, abs=1e-3))])
def test_no_95th_percentile_of_fewer_than_sixty(n: int, p95_s: float | None) -> None:
    found = summed([WATCH, *(ok(minute, 0.5 + minute / 1000) for minute in range(n))], n)
    assert found.first_sound == Delay(
        n, pytest.approx(0.5 + (n - 1) / 2000), p95_s, pytest.approx(0.5 + (n - 1) / 1000)
    )


def test_delays_are_of_good_answers_alone() -> None:
    cut_off = replace(bad(1, "timeout", "no_end", 200), first_text_s=9.0, first_sound_s=9.0)
    found = summed([WATCH, ok(0), cut_off], 2)
    assert found.first_text == Delay(1, 0.2, None, 0.2)
    assert found.first_sound == Delay(1, 0.5, None, 0.5)
    assert found.whole == Delay(1, 2.0, None, 2.0)


def test_nothing_measured_is_no_figure_at_all() -> None:
    found = summed([WATCH, Gap("home", "m", at(0), at(9), 60, "asleep")], 10)
    assert not found.any
    assert found.available == Share(0, 0)
    assert found.first_sound == Delay(0)
    assert found.schedule.missed == {"asleep": 10}
    assert found.incidents == ()
    assert summarise(Rows(), START, START + 60) == []


def test_every_due_time_is_measured_missed_skipped_or_under_way() -> None:
    rows: list[Row] = [
        WATCH,
        ok(0),
        ok(1),
        Gap("home", "m", at(2), at(4), 60, "asleep"),
        Gap("home", "m", at(5), at(5), 60, "overlap"),
        ok(6),
        # of 7 nothing is known, and from 10 on nothing was running
        ok(8),
        bad(9),
    ]
    schedule = summed(rows, 20.5).schedule
    # At 20:20:30 only that of 20:20 may still be waiting: 30 s late, 30 s of patience, 5 s to write.
    assert (schedule.due, schedule.measured, schedule.under_way) == (20, 5, 1)
    assert schedule.missed == {"asleep": 3, "down": 1 + 10}
    assert schedule.skipped == {"overlap": 1}
    assert schedule.due == schedule.measured + sum(schedule.missed.values()) + sum(schedule.skipped.values())


def test_a_probe_that_died_is_seen_though_it_wrote_nothing() -> None:
    found = summed([WATCH, ok(0)], 24 * 60, since=60)
    assert not found.any
    assert found.schedule.missed == {"down": 23 * 60 - 1}
    assert found.schedule.under_way == 1


def test_nothing_is_due_after_its_time_is_over_nor_before_it_began() -> None:
    found = summed([WATCH, ok(0), ok(1), End(at(2), "home", "m")], 600, since=-600)
    assert (found.schedule.due, found.schedule.missed) == (2, {})
    again = replace(WATCH, at=at(500), every_s=300)
    found = summed([WATCH, ok(0), ok(1), End(at(2), "home", "m"), again, ok(500)], 520)
    assert (found.schedule.due, found.schedule.measured) == (2 + 4, 3)


def test_another_grid_counts_from_when_it_began() -> None:
    often = replace(WATCH, at=at(10), every_s=30)
    found = summed([WATCH, ok(0), often], 11)
    assert found.schedule.missed == {"down": 9 + 1}, "minutes 1 to 9, and 10"
    assert found.schedule.under_way == 1, "that of half past"


def test_without_fixed_times_what_was_asked_was_due() -> None:
    loose = replace(WATCH, every_s=None)
    found = summed([loose, ok(0), ok(37), bad(400)], 1000)
    assert (found.schedule.due, found.schedule.missed, found.every_s) == (3, {}, None)
    assert len(found.incidents) == 1


def test_the_same_time_twice_counts_once() -> None:
    found = summed([WATCH, ok(0), ok(0), ok(1)], 2)
    assert (found.schedule.due, found.available.n) == (2, 2)


def test_incidents_are_runs_of_failures_over_what_was_measured() -> None:
    rows: list[Row] = [
        *(WATCH, ok(0), bad(1), Gap("home", "m", at(2), at(2), 60, "overlap"), bad(3), ok(4), ok(5)),
        *(bad(6, "error", "server_error", 503), ok(7), bad(8, "refused", None, 429)),
        Gap("home", "m", at(9), at(30), 60, "down"),
        *(bad(31), bad(32, "error", "server_error", 503), bad(33)),
    ]
    assert summed(rows, 34).incidents == (
        Incident(at(1), at(3), at(4), 2, {"timeout no_answer": 2}),
        Incident(at(6), at(6), at(7), 1, {"error 503 server_error": 1}),
        Incident(at(8), at(8), None, 1, {"refused 429": 1}),
        Incident(at(31), at(33), None, 3, {"timeout no_answer": 2, "error 503 server_error": 1}),
    )


def test_slices_hold_all_of_a_window() -> None:
    series = Series()
    for row in (WATCH, *(ok(minute) for minute in range(10)), bad(10), Gap("home", "m", at(11), at(13), 60, "budget")):
        series.add(row)
    parts = slices(series, at(0), at(20), 4)
    assert [(each.measured, each.ok, each.missed, each.skipped) for each in parts] == [
        *((5, 5, 0, 0), (5, 5, 0, 0), (1, 0, 1, 3), (0, 0, 4, 0))
    ]
    assert (parts[0].since, parts[-1].until) == (at(0), at(20))


@pytest.mark.slow
def test_ninety_days_at_one_a_minute_are_read_soon(tmp_path: Path) -> None:
    """130,000 rows: in 0.7 s on two cores, and a thousandth of it the second time."""
    days, minutes = 90, 90 * 1440
    start = START - days * 86_400
    diary = Diary(tmp_path)
    diary.add([replace(WATCH, at=start)], start)
    for day in range(days):
        rows = [ok(minute - minutes) for minute in range(day * 1440, (day + 1) * 1440)]
        diary.add(rows, start + day * 86_400)
    begun_s = time.process_time()
    rows = diary.read(start)
    [found] = summarise(rows, start, START)
    took_s = time.process_time() - begun_s
    assert found.schedule.due == found.available.n == minutes
    assert took_s < 6, "ten times what it takes"
    begun_s = time.process_time()
    diary.read(start)
    assert time.process_time() - begun_s < took_s / 4


def request(number: int, status: int, code: str | None, first_sound_ms: int | None, model: str = "m") -> UsageRow:
    return UsageRow(
        f"req_{number}",
        START + number,
        None,
        "/v1/chat/completions",
        model,
        status,
        code,
        Usage(1),
        total_ms=5,
        first_sound_ms=first_sound_ms,
    )


def test_live_traffic_tells_our_failures_from_those_of_clients(tmp_path: Path) -> None:
    sounds = [int(value) for value in np.random.default_rng(1).gamma(2, 400, 80)]
    requests = [
        *(request(number, 200, None, sounds[number]) for number in range(80)),
        request(80, 200, None, None),  # an answer without sound
        request(81, 500, "server_error", None),
        request(82, 200, "engine_timeout", 12_345),  # it failed while it spoke
        request(83, 504, "engine_timeout", None),
        request(84, 400, "context_length_exceeded", None),
        request(85, 200, "cancelled", 54_321),
        request(86, 0, "cancelled", None),
        request(87, 200, None, 100, "other"),
        replace(request(88, 500, "server_error", None), at=START - 1),
        replace(request(89, 500, "server_error", None), at=START + 1000),
    ]
    ledger = Ledger(tmp_path)
    ledger.usage.add(requests)
    found, other = summarise_traffic(ledger.usage.outcomes(START, START + 1000))
    ledger.close()
    assert (found.model, found.n, found.ours.count, found.theirs.count) == ("m", 87, 3, 3)
    assert found.first_sound == Delay(
        80,
        pytest.approx(np.median(sounds) / 1000),
        pytest.approx(np.percentile(sounds, 95) / 1000),
        pytest.approx(max(sounds) / 1000),
    )
    assert found.failures == {
        "500 server_error": 1,
        "200 engine_timeout": 1,
        "504 engine_timeout": 1,
        "400 context_length_exceeded": 1,
        "200 cancelled": 1,
        "no answer cancelled": 1,
    }
    assert (other.model, other.n, other.ours.count) == ("other", 1, 0)
