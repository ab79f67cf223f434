"""The official Python client where a key is asked for: let in, turned away, told to wait, and accounted for."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AuthenticationError, OpenAI, RateLimitError
from real_servers import VIVA, RealServer, serving

pytestmark = pytest.mark.real

CHAT: dict[str, Any] = {
    "model": "gpt-4o-mini-audio-preview",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_completion_tokens": 8,
}


def make_key(folder: Path, *words: str) -> str:
    environment = os.environ | {"VIVA_DATA_DIR": str(folder)}
    done = subprocess.run(
        [*VIVA, "keys", "create", *words], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealServer, Path]]:
    folder = tmp_path_factory.mktemp("keys")
    make_key(folder, "somebody")
    with serving(VIVA_PROFILE="tiny", VIVA_DATA_DIR=str(folder), VIVA_COST_PER_HOUR="0.12") as server:
        yield server, folder


@pytest.mark.proves("API keys")
def test_a_wrong_key_is_an_authentication_error(guarded: tuple[RealServer, Path]) -> None:
    server, _ = guarded
    with OpenAI(base_url=f"{server.url}/v1", api_key="sk-of-another-service-entirely", max_retries=0) as client:
        for call in (lambda: client.chat.completions.create(**CHAT), client.models.list):
            with pytest.raises(AuthenticationError) as refused:
                call()
            assert (refused.value.status_code, refused.value.code) == (401, "invalid_api_key")
            assert "sk-of-another-service-entirely" not in str(refused.value)


@pytest.mark.proves("limits per minute")
def test_limits_raise_and_the_next_minute_is_told(guarded: tuple[RealServer, Path]) -> None:
    server, folder = guarded
    token = make_key(folder, "limited", "--rpm", "2", "--tpm", "1000")
    with OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0, timeout=120) as client:
        raw = client.chat.completions.with_raw_response.create(**CHAT)
        assert raw.headers["x-ratelimit-limit-requests"] == "2"
        assert raw.headers["x-ratelimit-limit-tokens"] == "1000"
        assert raw.parse().choices[0].message.content
        client.chat.completions.create(**CHAT)
        with pytest.raises(RateLimitError) as refused:
            client.chat.completions.create(**CHAT)
        assert (refused.value.status_code, refused.value.code) == (429, "rate_limit_exceeded")
        assert 0 < int(refused.value.response.headers["retry-after"]) <= 30


@pytest.mark.proves("monthly budgets", "GET /v1/usage")
def test_a_budget_raises_and_usage_says_what_for(guarded: tuple[RealServer, Path]) -> None:
    server, folder = guarded
    token = make_key(folder, "poor", "--monthly-tokens", "5")
    with OpenAI(base_url=f"{server.url}/v1", api_key=token, timeout=120) as client:
        usage = client.chat.completions.create(**CHAT).usage
        assert usage is not None
        (row,) = eventually_used(client)
        # Retries are on: the client must not try again what waiting does not help.
        started_s = time.monotonic()
        with pytest.raises(RateLimitError) as refused:
            client.chat.completions.create(**CHAT)
        assert time.monotonic() - started_s < 1
        assert (refused.value.code, refused.value.type) == ("insufficient_quota", "insufficient_quota")
    assert (row["key"]["name"], row["requests"]) == ("poor", 1)
    assert (row["input_tokens"], row["output_tokens"]) == (usage.prompt_tokens, usage.completion_tokens)
    assert float(row["price_usd"]) == pytest.approx(
        (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.60) / 1e6, rel=1e-9
    )
    assert 0 < float(row["cost_usd"]) == pytest.approx(row["machine_s"] * 0.12 / 3600, abs=1e-6)


def eventually_used(client: OpenAI) -> list[dict[str, Any]]:
    deadline_s = time.monotonic() + 10
    while not (data := client.get("/usage", cast_to=dict[str, Any])["data"]):
        assert time.monotonic() < deadline_s, "it was not written down"
    return data
