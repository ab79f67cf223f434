"""Batches where keys are asked for: each line accounted for once, budgets kept, a revoked key's work stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from batch_files import MODEL, chat_line, ended, lines_of, run, started
from openai import OpenAI
from openai.types import Batch
from scripted_app import MakeServer, ScriptedServer, eventually

from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.ledger.keys import Key, KeyLimits
from vivavoce.ledger.usage import UsageSum
from vivavoce.testing import ScriptedThinker


@contextmanager
def customer(server: ScriptedServer, limits: KeyLimits | None = None) -> Iterator[tuple[Key, OpenAI]]:
    key, token = server.service.ledger.keys.create("anna", limits or KeyLimits())
    with OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0, timeout=20) as client:
        yield key, client


def used(server: ScriptedServer, key: Key) -> UsageSum:
    (row,) = server.service.ledger.usage.sums(by=("key",), key_id=key.id)
    return row


def test_every_line_is_in_the_ledger_once(make_server: MakeServer) -> None:
    server = make_server(admission=Admission(AdmissionLimits()))
    with customer(server) as (key, client):
        batch = run(client, [chat_line(str(number)) for number in range(7)])
    assert batch.usage is not None
    row = used(server, key)
    assert row.requests == 7
    assert row.unpriced == 0
    assert row.price_usd
    assert (row.usage.input_tokens, row.usage.output_tokens) == (batch.usage.input_tokens, batch.usage.output_tokens)
    assert row.machine_s > 0, "a share of the machine's time too"
    with server.service.ledger.usage._engine.connect() as connection:
        routes = connection.exec_driver_sql("SELECT DISTINCT route FROM usage").scalars().all()
    assert routes == ["/v1/batches/v1/chat/completions"]


def test_a_refused_line_costs_nothing(make_server: MakeServer) -> None:
    server = make_server()
    with customer(server) as (key, client):
        batch = run(client, [chat_line("good"), chat_line("hot", temperature=9)])
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
    assert used(server, key).requests == 1


def test_minutes_do_not_limit_a_batch_and_months_do(make_server: MakeServer) -> None:
    server = make_server(admission=Admission(AdmissionLimits()))
    with customer(server, KeyLimits(requests_per_minute=2, monthly_tokens=120)) as (key, client):
        batch = run(client, [chat_line(str(number)) for number in range(20)])
        done, left = lines_of(client, batch.output_file_id), lines_of(client, batch.error_file_id)
    assert len(done) > 2, "more than the requests of a minute"
    assert len(done) + len(left) == 20
    assert left
    for line in left:
        assert line["response"]["status_code"] == 429
        assert line["response"]["body"]["error"]["code"] == "insufficient_quota"
    tokens = used(server, key).usage.total_tokens
    each = tokens / len(done)
    assert 120 <= tokens <= 120 + 3 * each, "what was under way when it was used up is all there is above it"


def test_a_budget_in_money_wants_a_name_with_a_price(make_server: MakeServer) -> None:
    server = make_server()
    with customer(server, KeyLimits(monthly_usd=Decimal(1))) as (_, client):
        batch = run(client, [chat_line("a"), chat_line("b", model="viva-voce")])
        (line,) = lines_of(client, batch.error_file_id)
    assert line["custom_id"] == "b"
    assert line["response"]["body"]["error"]["code"] == "model_without_price"
    assert batch.model is None, "there were two"


def test_the_batch_of_a_revoked_key_stops(make_server: MakeServer) -> None:
    server = make_server(thinker=ScriptedThinker("one two three", delay_s=0.1))
    ledger = server.service.ledger
    with customer(server) as (key, client):
        batch = started(client, [chat_line(str(number)) for number in range(200)])

        def begun() -> bool:
            counts = client.batches.retrieve(batch.id).request_counts
            return counts is not None and counts.completed > 0

        eventually(begun)
        owner = ledger.owner(client.api_key)
        ledger.keys.revoke("anna")
    seen = eventually(lambda: (found := ledger.batches.find(owner, batch.id)) and found.status == "cancelled" and found)
    assert [issue.code for issue in seen.outcome.issues] == ["invalid_api_key"]
    assert 0 < seen.counts["completed"] < 200
    answered = used(server, key).requests
    assert answered == seen.counts["completed"], "what was answered is accounted for"
    content = b"".join(ledger.files.read(owner, seen.outcome.error_file_id or ""))
    assert content.count(b"the key of the batch was revoked") == 200 - answered


def test_keys_do_not_see_each_others(make_server: MakeServer) -> None:
    server = make_server()
    with customer(server) as (_, anna):
        batch: Batch = run(anna, [chat_line("a")])
        _, token = server.service.ledger.keys.create("bert")
        with OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0, timeout=20) as bert:
            assert bert.batches.list().data == []
            assert bert.files.list().data == []
            assert bert.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
        assert [each.id for each in anna.batches.list()] == [batch.id]
        assert ended(anna, batch).status == "completed"
