"""More than a thousand requests drawn from our own OpenAPI page, to every route, over scripted engines; fifty and more
over real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from api_cases import (
    COUNT,
    COUNTS,
    HEARD,
    NEGATIVE,
    OPERATIONS,
    POSITIVE,
    Kept,
    Tally,
    can_be_broken,
    cases_of,
    chat_cases,
    heard_cases,
    speech_cases,
)
from hypothesis import HealthCheck, given, settings
from real_servers import serving

SCALE = float(os.environ.get("VIVA_FUZZ", "1"))
"""Multiplies the numbers of cases; anything but 1 also draws new ones."""


def cases(count: int) -> settings:
    return settings(
        max_examples=max(1, round(count * SCALE)),
        derandomize=SCALE == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def scripted_url() -> Iterator[str]:
    engines = {"VIVA_LISTEN": "scripted:what is two", "VIVA_THINK": "scripted:Four.", "VIVA_SPEAK": "scripted:hum"}
    with serving(**engines) as server:
        yield server.url


@pytest.fixture(scope="module")
def real_url() -> Iterator[str]:
    with serving(VIVA_PROFILE="tiny", VIVA_CONTEXT_TOKENS="1024", VIVA_ANSWER_TOKENS="8") as server:
        yield server.url


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    tally = Tally()
    yield tally
    print(f"\n{tally.cases} cases: {dict(sorted(tally.statuses.items()))}, slowest {tally.slowest_s:.2f} s")


PLAN = [
    (label, mode, count)
    for label in OPERATIONS
    for mode, count in zip((POSITIVE, NEGATIVE), COUNTS.get(label, COUNT), strict=True)
    if count and (mode is POSITIVE or can_be_broken(label))
]


def test_a_thousand_are_drawn_and_no_route_is_left_out() -> None:
    assert sum(count for _, _, count in PLAN) >= 1000
    assert {label for label, _, _ in PLAN} == OPERATIONS.keys()


@pytest.mark.proves("GET /openapi.json", "POST /v1/chat/completions", "POST /v1/audio/speech")
@pytest.mark.parametrize(
    ("label", "mode", "count"),
    PLAN,
    ids=[f"{label} {'as described' if mode is POSITIVE else 'broken'}" for label, mode, _ in PLAN],
)
def test_no_request_is_our_fault(scripted_url: str, tally: Tally, label: str, mode: Any, count: int) -> None:
    kept, before = Kept(scripted_url), tally.cases

    @cases(count)
    @given(drawn=cases_of(label, mode))
    def send(drawn: tuple[Any, bool]) -> None:
        case, of_what_there_is = drawn
        if of_what_there_is:
            kept.put_into(case)
        tally.send(case, scripted_url)

    send()
    assert tally.cases - before >= round(count * SCALE), "fewer were drawn than planned"


@pytest.mark.real
@cases(50)
@given(case=chat_cases(POSITIVE, whole_answer=True))
def test_real_engines(real_url: str, tally: Tally, case: Any) -> None:
    tally.send(case, real_url)


@pytest.mark.real
@cases(15)
@given(case=speech_cases(POSITIVE, whole_answer=True))
def test_real_voices(real_url: str, tally: Tally, case: Any) -> None:
    tally.send(case, real_url)


@pytest.mark.real
@pytest.mark.proves("POST /v1/audio/transcriptions", "POST /v1/audio/translations")
@pytest.mark.parametrize("name", HEARD)
def test_real_listeners(real_url: str, tally: Tally, name: str) -> None:
    @cases(20)
    @given(case=heard_cases(name, POSITIVE, whole_answer=True))
    def send(case: Any) -> None:
        tally.send(case, real_url)

    send()
