"""A thousand requests drawn from our own OpenAPI page, over scripted engines; fifty over real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from api_cases import HEARD, NEGATIVE, OTHERS, POSITIVE, Tally, chat_cases, heard_cases
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


@pytest.mark.proves("GET /openapi.json", "POST /v1/chat/completions")
@cases(650)
@given(case=chat_cases(POSITIVE))
def test_requests_as_the_page_describes_them(scripted_url: str, tally: Tally, case: Any) -> None:
    tally.send(case, scripted_url)


@cases(320)
@given(case=chat_cases(NEGATIVE))
def test_requests_that_break_the_page(scripted_url: str, tally: Tally, case: Any) -> None:
    tally.send(case, scripted_url)


@pytest.mark.proves("POST /v1/audio/transcriptions", "POST /v1/audio/translations")
@pytest.mark.parametrize("name", HEARD)
@pytest.mark.parametrize(("mode", "count"), [(POSITIVE, 100), (NEGATIVE, 50)], ids=["positive", "negative"])
def test_forms_with_files(scripted_url: str, tally: Tally, name: str, mode: Any, count: int) -> None:
    @cases(count)
    @given(case=heard_cases(name, mode))
    def send(case: Any) -> None:
        tally.send(case, scripted_url)

    send()


@pytest.mark.parametrize("operation", OTHERS, ids=lambda operation: operation.label)
def test_other_routes(scripted_url: str, tally: Tally, operation: Any) -> None:
    @cases(200 // len(OTHERS))
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        tally.send(case, scripted_url)

    send()


@pytest.mark.real
@cases(50)
@given(case=chat_cases(POSITIVE, whole_answer=True))
def test_real_engines(real_url: str, tally: Tally, case: Any) -> None:
    tally.send(case, real_url)


@pytest.mark.real
@pytest.mark.parametrize("name", HEARD)
def test_real_listeners(real_url: str, tally: Tally, name: str) -> None:
    @cases(20)
    @given(case=heard_cases(name, POSITIVE, whole_answer=True))
    def send(case: Any) -> None:
        tally.send(case, real_url)

    send()
