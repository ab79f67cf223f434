"""`GET /v1/usage`, and the way of figures into the ledger: every route, off the path of the answer, nothing lost."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripted_app import ANSWER, MakeServer, ScriptedServer, eventually, spoken

from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import StorageFailed
from vivavoce.ledger.ledger import Ledger
from vivavoce.prices.book import load_book
from vivavoce.server import accounts as accounts_module
from vivavoce.server.accounts import Accounts
from vivavoce.server.callers import Caller
from vivavoce.server.keyring import KeyRing
from vivavoce.telemetry.telemetry import RequestFacts
from vivavoce.usage import Usage

MODEL = "gpt-4o-mini-audio-preview"
CHAT = {"model": MODEL, "messages": spoken()}
AUDIO_OUT = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}


def rows(server: ScriptedServer, count: int, **asked: str) -> list[dict[str, Any]]:
    """The answer's rows, once they tell of so many requests."""

    def told() -> list[dict[str, Any]] | None:
        answer = server.http.get("/v1/usage", params=asked)
        assert answer.status_code == 200, answer.text
        data = answer.json()["data"]
        return data if sum(each["requests"] for each in data) == count else None

    return eventually(told)


@pytest.mark.proves("GET /v1/usage")
def test_every_kind_of_request_is_summed(make_server: MakeServer) -> None:
    server = make_server(admission=Admission(AdmissionLimits()))
    server.service.accounts._cost_per_hour = Decimal("3.60")
    whole = server.http.post("/v1/chat/completions", json=CHAT | AUDIO_OUT).json()["usage"]
    server.http.post("/v1/chat/completions", json=CHAT | AUDIO_OUT | {"stream": True})
    server.http.post("/v1/audio/speech", json={"model": "tts-1", "input": "Hello there.", "voice": "alloy"})
    server.http.post("/v1/chat/completions", json=CHAT | {"model": "viva-voce"})
    server.http.post("/v1/chat/completions", json=CHAT | {"temperature": 9})
    server.http.get("/v1/models")
    chat, speech, own = sorted(rows(server, 4), key=lambda row: row["model"])
    today = time.strftime("%Y-%m-%d", time.gmtime())
    assert (chat["day"], chat["key"], chat["model"], chat["requests"]) == (today, None, MODEL, 2)
    details = whole["completion_tokens_details"] | {"in": whole["prompt_tokens_details"]}
    assert chat["input_tokens"] == 2 * whole["prompt_tokens"]
    assert chat["input_audio_tokens"] == 2 * details["in"]["audio_tokens"] == 20
    assert chat["output_text_tokens"] == 2 * details["text_tokens"]
    assert chat["output_audio_tokens"] == 2 * details["audio_tokens"]
    by_hand = Decimal(chat["input_text_tokens"]) * Decimal("0.15") + chat["input_audio_tokens"] * 10
    by_hand += chat["output_text_tokens"] * Decimal("0.60") + chat["output_audio_tokens"] * 20
    assert Decimal(chat["price_usd"]) == by_hand / 1_000_000
    assert (chat["heard_s"], chat["unpriced_requests"], chat["uncosted_requests"]) == (2.0, 0, 0)
    assert chat["spoken_s"] == pytest.approx(chat["output_audio_tokens"] / 20, abs=0.2)
    assert Decimal(chat["cost_usd"]) == pytest.approx(Decimal(chat["machine_s"]) / 1000, abs=Decimal("2e-6"))
    assert (speech["model"], speech["input_characters"], speech["price_usd"]) == ("tts-1", 12, "0.00018")
    assert (own["model"], own["price_usd"], own["unpriced_requests"]) == ("viva-voce", None, 1)


def test_a_key_sees_its_own_and_an_admin_all(make_server: MakeServer) -> None:
    server = make_server()
    keys = {name: server.service.ledger.keys.create(name, admin=name == "root") for name in ("anna", "bert", "root")}
    bearer = {name: {"authorization": f"Bearer {token}"} for name, (_, token) in keys.items()}
    for name in ("anna", "anna", "bert"):
        assert server.http.post("/v1/chat/completions", json=CHAT, headers=bearer[name]).status_code == 200
    for name, expected in (("anna", {"anna": 2}), ("bert", {"bert": 1}), ("root", {"anna": 2, "bert": 1})):

        def told(name: str = name) -> dict[str, int]:
            data = server.http.get("/v1/usage", headers=bearer[name]).json()["data"]
            return {row["key"]["name"]: row["requests"] for row in data}

        eventually(lambda told=told, expected=expected: told() == expected)


def test_days_and_what_is_told_apart(make_server: MakeServer) -> None:
    server = make_server()
    server.http.post("/v1/chat/completions", json=CHAT)
    (row,) = rows(server, 1, by="model")
    assert (row["day"], row["key"], row["model"]) == (None, None, MODEL)
    assert server.http.get("/v1/usage?since=2019-01-01&until=2020-01-01").json()["data"] == []
    assert len(rows(server, 1, since="2019-01-01", by="")) == 1


@pytest.mark.parametrize(
    ("asked", "param"),
    [({"since": "yesterday"}, "since"), ({"until": "2026-13-01"}, "until"), ({"by": "day,colour"}, "by")],
)
def test_wrong_questions_are_refused(server: ScriptedServer, asked: dict[str, str], param: str) -> None:
    answer = server.http.get("/v1/usage", params=asked)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


# The way into the ledger


def facts() -> RequestFacts:
    return RequestFacts(model=MODEL, usage=Usage(1, 2, 0, 3, 4), queue_s=0.0)


def accounts_over(ledger: Ledger) -> Accounts:
    return Accounts(ledger, load_book(), KeyRing(ledger))


def written(ledger: Ledger) -> int:
    return sum(each.requests for each in ledger.usage.sums())


async def test_a_clean_stop_writes_what_was_noted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    accounts = accounts_over(ledger)
    for number in range(500):
        accounts.note(f"req_{number}", Caller(), facts(), "/v1/chat/completions", 200)
    await accounts.close()
    assert written(ledger) == 500
    ledger.close()


async def test_noting_waits_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path)
    accounts = accounts_over(ledger)
    add = ledger.usage.add
    monkeypatch.setattr(ledger.usage, "add", lambda rows: (time.sleep(0.5), add(rows)))
    started_s = time.perf_counter()
    for number in range(100):
        accounts.note(f"req_{number}", Caller(), facts(), "/v1/chat/completions", 200)
        await asyncio.sleep(0)
    assert time.perf_counter() - started_s < 0.4
    await accounts.close()
    assert written(ledger) == 100
    ledger.close()


async def test_rows_outlast_a_ledger_that_cannot_be_written_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts_module, "GATHER_S", 0.01)
    monkeypatch.setattr(accounts_module, "RETRY_S", 0.02)
    ledger = Ledger(tmp_path)
    accounts = accounts_over(ledger)
    add, failures = ledger.usage.add, iter([True, True])

    def broken(rows: Any) -> None:
        if next(failures, False):
            raise StorageFailed("The ledger cannot be written: the disk is full.")
        add(rows)

    monkeypatch.setattr(ledger.usage, "add", broken)
    for number in range(3):
        accounts.note(f"req_{number}", Caller(), facts(), "/v1/chat/completions", 200)
    for _ in range(500):
        await asyncio.sleep(0.02)
        if written(ledger):
            break
    assert written(ledger) == 3
    ledger.close()


async def test_what_did_no_work_is_not_written_down(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    accounts = accounts_over(ledger)
    accounts.note("req_1", Caller(), RequestFacts(), "/v1/models", 200)
    accounts.note("req_2", Caller(), RequestFacts(model=MODEL, code="rate_limit_exceeded"), "/v1/chat/completions", 429)
    accounts.note("req_3", Caller(), RequestFacts(model=MODEL, queue_s=0.1, code="engine_lost"), "/v1/x", 503)
    await accounts.close()
    (failed,) = ledger.usage.sums()
    assert (failed.requests, failed.usage, failed.price_usd) == (1, Usage(), 0)
    ledger.close()


def test_usage_never_holds_what_was_said(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server()
    asked = {"role": "user", "content": "Of wombats and aardvarks?"}
    server.http.post("/v1/chat/completions", json=CHAT | {"messages": [asked]} | AUDIO_OUT)
    server.http.post("/v1/audio/speech", json={"model": "tts-1", "input": "A wombat.", "voice": "alloy"})
    rows(server, 2)
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for words in ("wombat", "aardvark", *ANSWER.split(".")[:1]):
        assert words.encode() not in held


def test_it_is_there_for_whoever_asks_right_after(server: ScriptedServer) -> None:
    """Rows wait up to a moment to be written together; asking writes them at once."""
    before = sum(row["requests"] for row in server.http.get("/v1/usage").json()["data"])
    with httpx.Client(base_url=server.url) as client:
        client.post("/v1/chat/completions", json=CHAT)
    started_s = time.monotonic()
    rows(server, before + 1)
    assert time.monotonic() - started_s < 5
