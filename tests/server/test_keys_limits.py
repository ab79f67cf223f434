"""Limits and budgets of a key, on a real server with the queue of the engine process in this one: what the original's
headers and refusals say, and that keys do not touch each other."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from openai import OpenAI, RateLimitError
from scripted_app import ANSWER, MakeServer, ScriptedServer, audio_part, eventually, spoken, wav_bytes

from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.ledger.keys import KeyLimits
from vivavoce.ledger.usage import UsageSum
from vivavoce.testing import ScriptedThinker

MODEL = "gpt-4o-mini-audio-preview"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Two plus two?"}]}
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}


class Limited:
    """A server, a key with limits, and a clock for both."""

    def __init__(self, make_server: MakeServer, limits: KeyLimits) -> None:
        self.now_s = 1000.0
        self.admission = Admission(AdmissionLimits(), clock=lambda: self.now_s)
        self.server: ScriptedServer = make_server(admission=self.admission)
        self.key, self.token = self.server.service.ledger.keys.create("anna", limits)

    def ask(self, token: str | None = None, **extra: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        return self.server.http.post("/v1/chat/completions", json=CHAT | extra, headers=headers)

    def used(self, requests: int) -> UsageSum:
        """What the key used, once so many requests are written down."""

        def written() -> UsageSum | None:
            (total,) = self.server.service.ledger.usage.sums(by=(), key_id=self.key.id) or [None]
            return total if total is not None and total.requests == requests else None

        return eventually(written)


def limits_told(answer: httpx.Response, kind: str) -> tuple[str, str, str]:
    return tuple(answer.headers[f"x-ratelimit-{what}-{kind}"] for what in ("limit", "remaining", "reset"))  # type: ignore[return-value]


@pytest.mark.proves("limits per minute")
def test_requests_per_minute(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(requests_per_minute=3))
    answers = [limited.ask() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [limits_told(answer, "requests") for answer in answers] == [
        ("3", "2", "20s"),
        ("3", "1", "40s"),
        ("3", "0", "1m0s"),
        ("3", "0", "1m0s"),
    ]
    assert "x-ratelimit-limit-tokens" not in answers[0].headers
    refused = answers[3]
    assert refused.json()["error"] == {
        "message": "Rate limit reached for this key on requests per min (RPM): Limit 3, Used 3, Requested 1. "
        "Please try again in 20s.",
        "type": "requests",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert (refused.headers["retry-after"], refused.headers["retry-after-ms"]) == ("20", "20000")
    assert refused.headers["x-should-retry"] == "true"
    limited.now_s += 20
    assert limited.ask().status_code == 200
    assert limited.ask().status_code == 429
    assert limited.admission.counts["refused_quota"] == 2


def test_streams_and_speech_count_and_tell_as_well(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(requests_per_minute=2))
    streamed = limited.ask(stream=True)
    assert limits_told(streamed, "requests")[:2] == ("2", "1")
    speech = {"model": "tts-1", "input": "Hello.", "voice": "alloy"}
    headers = {"authorization": f"Bearer {limited.token}"}
    answers = [limited.server.http.post("/v1/audio/speech", json=speech, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert limited.ask(stream=True).status_code == 429, "before any byte of a stream"


def test_only_what_makes_engines_work_is_limited(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(requests_per_minute=1))
    headers = {"authorization": f"Bearer {limited.token}"}
    for _ in range(3):
        assert limited.server.http.get("/v1/models", headers=headers).status_code == 200
        assert limited.ask(temperature=9).status_code == 400
    assert limited.ask().status_code == 200


@pytest.mark.proves("limits per minute")
def test_tokens_per_minute(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(tokens_per_minute=600))
    answer = limited.ask(**SPOKEN)
    took = answer.json()["usage"]["total_tokens"]
    assert took > 60
    assert limits_told(answer, "tokens")[0] == "600"
    limited.used(1)
    after = limited.ask(**SPOKEN, max_completion_tokens=1)
    expected = 600 - took - 4 - 1  # 13 characters and a cap of one, held back while it is under way
    assert limits_told(after, "tokens")[1] == str(expected)
    limited.used(2)
    for served in itertools.count(3):
        if (answer := limited.ask(**SPOKEN)).status_code != 200:
            break
        limited.used(served)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (429, "tokens", "rate_limit_exceeded")
    assert "on tokens per min (TPM): Limit 600" in error["message"]
    wait_s = float(answer.headers["retry-after-ms"]) / 1000
    assert 0 < wait_s <= 60
    limited.now_s += wait_s
    assert limited.ask().status_code == 200


def test_a_request_that_never_fits_is_told_so(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(tokens_per_minute=50))
    tool = {"type": "function", "function": {"name": "f", "description": "x" * 200}}
    for extra in (
        {"messages": spoken(audio_part(wav_bytes(6.0)))},
        {"max_completion_tokens": 100},
        {"tools": [tool]},
    ):
        refused = limited.ask(**extra)
        error = refused.json()["error"]
        assert (refused.status_code, error["type"], error["code"]) == (429, "tokens", "rate_limit_exceeded")
        assert "Request too large on tokens per min (TPM): Limit 50, Requested" in error["message"]
        assert refused.headers["x-should-retry"] == "false"
    assert limited.ask().status_code == 200


def test_keys_have_limits_of_their_own(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(requests_per_minute=1))
    _, other = limited.server.service.ledger.keys.create("bert", KeyLimits(requests_per_minute=1))
    _, free = limited.server.service.ledger.keys.create("cleo")
    assert [limited.ask().status_code for _ in range(2)] == [200, 429]
    assert [limited.ask(other).status_code for _ in range(2)] == [200, 429]
    assert [limited.ask(free).status_code for _ in range(3)] == [200] * 3


def test_the_official_client_raises_and_says_when(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(requests_per_minute=1))
    with OpenAI(base_url=f"{limited.server.url}/v1", api_key=limited.token, max_retries=0) as client:
        client.chat.completions.create(**CHAT)
        with pytest.raises(RateLimitError) as refused:
            client.chat.completions.create(**CHAT)
    assert (refused.value.code, refused.value.type) == ("rate_limit_exceeded", "requests")
    assert refused.value.response.headers["retry-after"] == "60"


# Months


def next_month_s() -> float:
    now = datetime.now(UTC)
    start = now.replace(year=now.year + now.month // 12, month=now.month % 12 + 1, day=1, hour=0, minute=0, second=0)
    return (start - now).total_seconds()


@pytest.mark.proves("monthly budgets")
@pytest.mark.parametrize(
    "limits", [KeyLimits(monthly_tokens=150), KeyLimits(monthly_usd=Decimal("0.002"))], ids=["tokens", "money"]
)
def test_a_month_is_used_up(make_server: MakeServer, limits: KeyLimits) -> None:
    limited = Limited(make_server, limits)
    for served in itertools.count():
        if (answer := limited.ask(**SPOKEN)).status_code != 200:
            break
        limited.used(served + 1)
    assert served >= 2
    assert answer.status_code == 429
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert error["message"].startswith("You exceeded your current quota, please check your plan and billing details.")
    assert answer.headers["x-should-retry"] == "false"
    assert int(answer.headers["retry-after"]) == pytest.approx(next_month_s(), abs=5)
    total = limited.used(served)
    if limits.monthly_tokens is not None:
        assert total.usage.total_tokens >= 150 > total.usage.total_tokens * (served - 1) / served
    else:
        assert total.price_usd is not None
        assert total.price_usd >= Decimal("0.002") > total.price_usd * (served - 1) / served
    with OpenAI(base_url=f"{limited.server.url}/v1", api_key=limited.token) as client, pytest.raises(RateLimitError):
        client.chat.completions.create(**CHAT)
    headers = {"authorization": f"Bearer {limited.token}"}
    assert limited.server.http.get("/v1/usage", headers=headers).status_code == 200


def test_a_budget_survives_the_worker(make_server: MakeServer) -> None:
    """Another worker, or the same after a restart, knows it from the ledger alone."""
    limited = Limited(make_server, KeyLimits(monthly_tokens=5))
    assert limited.ask().status_code == 200
    limited.used(1)
    other = make_server(admission=limited.admission)
    headers = {"authorization": f"Bearer {limited.token}"}
    refused = other.http.post("/v1/chat/completions", json=CHAT, headers=headers)
    assert refused.json()["error"]["code"] == "insufficient_quota"


def test_a_budget_in_money_takes_no_model_without_a_price(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(monthly_usd=Decimal(1)))
    refused = limited.ask(model="viva-voce")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "model_without_price")
    assert "VIVA_PRICES_DIR" in refused.json()["error"]["message"]
    assert limited.ask().status_code == 200


def test_an_answer_that_is_hung_up_on_is_counted_as_far_as_it_went(make_server: MakeServer) -> None:
    limited = Limited(make_server, KeyLimits(tokens_per_minute=10_000))
    slow = make_server(admission=limited.admission, thinker=ScriptedThinker(ANSWER, delay_s=0.05))
    headers = {"authorization": f"Bearer {limited.token}"}
    body = CHAT | {"stream": True, "messages": spoken()}
    with httpx.stream("POST", f"{slow.url}/v1/chat/completions", json=body, headers=headers, timeout=20) as answer:
        texts = 0
        for line in answer.iter_lines():
            if line.startswith("data: {") and json.loads(line[6:])["choices"][0]["delta"].get("content"):
                texts += 1
            if texts == 3:
                break
    total = limited.used(1)
    assert total.usage.input_audio_tokens == 10
    assert 3 <= total.usage.output_text_tokens < len(ANSWER.split())
    after = limited.ask()
    assert limits_told(after, "tokens")[1] == str(10_000 - total.usage.total_tokens - 4), "and the rest is given back"
