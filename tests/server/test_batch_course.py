"""The course of a batch: cancelled, expired, tried again, taken over, and stepping aside for people."""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import Any

import pytest
from batch_files import CHAT, HEARD, MODEL, chat_line, ended, heard_line, lines_of, run, started
from openai.types import Batch
from scripted_app import MakeServer, ScriptedServer, eventually

from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import EngineFailed, EngineLost, StorageFailed, TooBusy, VivaError
from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedListener, ScriptedThinker


def in_progress(server: ScriptedServer, batch: Batch, done: int = 1) -> Batch:
    def begun() -> Batch | None:
        seen = server.client.batches.retrieve(batch.id)
        counts = seen.request_counts
        return seen if seen.status == "in_progress" and counts is not None and counts.completed >= done else None

    return eventually(begun)


def slow_server(make_server: MakeServer, **more: Any) -> ScriptedServer:
    return make_server(thinker=ScriptedThinker("one two three", delay_s=0.1), **more)


def test_a_cancelled_batch_keeps_what_was_answered(make_server: MakeServer) -> None:
    server = slow_server(make_server)
    lines = [chat_line(str(number)) for number in range(40)]
    batch = in_progress(server, started(server.client, lines), done=3)
    seen = server.client.batches.cancel(batch.id)
    assert seen.status in ("cancelling", "cancelled")
    assert seen.cancelling_at is not None
    batch = ended(server.client, batch)
    assert batch.status == "cancelled"
    assert batch.cancelled_at is not None
    done = lines_of(server.client, batch.output_file_id)
    left = lines_of(server.client, batch.error_file_id)
    assert len(done) >= 3
    assert sorted(int(line["custom_id"]) for line in [*done, *left]) == list(range(40)), "none lost, none doubled"
    assert {line["error"]["code"] for line in left} == {"batch_cancelled"}
    assert {line["response"] is None for line in left} == {True}
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 40, "completed": len(done), "failed": 0}
    assert server.engines.thinker.busy == 0, "what was under way was given up"
    again = server.client.batches.cancel(batch.id)
    assert again.status == "cancelled"


def test_what_has_ended_cannot_be_cancelled(server: ScriptedServer) -> None:
    batch = run(server.client, [chat_line("a")])
    refused = server.http.post(f"/v1/batches/{batch.id}/cancel", headers={"authorization": "Bearer none"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "batch_has_ended"


@pytest.mark.slow
def test_a_batch_that_is_not_done_in_its_time_expires(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.server.batches.WINDOW_S", 2)
    server = slow_server(make_server)
    batch = run(server.client, [chat_line(str(number)) for number in range(100)])
    assert batch.status == "expired"
    assert batch.expired_at is not None
    assert batch.expires_at == batch.created_at + 2
    done = lines_of(server.client, batch.output_file_id)
    left = lines_of(server.client, batch.error_file_id)
    assert done
    assert sorted(int(line["custom_id"]) for line in [*done, *left]) == list(range(100))
    assert {line["error"]["code"] for line in left} == {"batch_expired"}


def test_lists_go_page_by_page_the_newest_first(make_server: MakeServer) -> None:
    server = make_server()
    made = [started(server.client, [chat_line("a")]).id for _ in range(5)]
    assert [batch.id for batch in server.client.batches.list(limit=2)] == made[::-1]
    page = server.http.get("/v1/batches?limit=2", headers={"authorization": "Bearer none"}).json()
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[4], made[3], True)
    page = server.http.get(f"/v1/batches?after={made[1]}", headers={"authorization": "Bearer none"}).json()
    assert [batch["id"] for batch in page["data"]] == made[:1]
    assert page["has_more"] is False


class FailingThinker(ScriptedThinker):
    """Fails as often as it is told to, then answers."""

    def __init__(self, error: VivaError, times: int) -> None:
        super().__init__()
        self.error = error
        self.times = times

    async def think(self, conversation: Any, sampling: Any = None) -> Any:
        if self.times:
            self.times -= 1
            raise self.error
        async for thought in super().think(conversation, sampling):
            yield thought


@pytest.mark.parametrize(
    ("error", "times", "status"),
    [
        (EngineLost("gone"), 2, 200),
        (EngineLost("gone"), 3, 503),
        (EngineFailed("broken"), 1, 500),
    ],
)
def test_a_failure_of_the_moment_is_tried_again(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch, error: VivaError, times: int, status: int
) -> None:
    monkeypatch.setattr("vivavoce.server.batch_work.RETRY_S", 0.01)
    server = make_server(thinker=FailingThinker(error, times))
    batch = run(server.client, [chat_line("a")])
    assert batch.status == "completed"
    file_id = batch.output_file_id if status == 200 else batch.error_file_id
    (line,) = lines_of(server.client, file_id)
    assert line["response"]["status_code"] == status
    if status != 200:
        assert line["response"]["body"]["error"]["code"] == error.code


def test_a_full_disk_is_waited_for(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.server.batch_runner.BEAT_S", 0.05)
    server = make_server()
    runs, failures = server.service.ledger.batch_runs, iter(range(5))
    record = runs.record

    def fails_at_first(*args: Any, **more: Any) -> None:
        if next(failures, None) is not None:
            raise StorageFailed("the disk is full")
        record(*args, **more)

    monkeypatch.setattr(runs, "record", fails_at_first)
    batch = run(server.client, [chat_line(str(number)) for number in range(4)])
    told = lines_of(server.client, batch.output_file_id)
    assert [line["custom_id"] for line in told] == ["0", "1", "2", "3"]
    assert len(server.engines.thinker.asked) == 4, "what was answered is not thought about again"
    (total,) = server.service.ledger.usage.sums(by=())
    assert total.requests == 4


def test_a_batch_that_is_taken_away_is_let_go_and_taken_up_again(make_server: MakeServer) -> None:
    server = slow_server(make_server)
    batch = in_progress(server, started(server.client, [chat_line(str(number)) for number in range(16)]), done=2)
    with server.service.ledger.usage._engine.begin() as connection:  # as if another runner had found its lease over
        until_ms = round((time.time() + 2) * 1000)
        connection.exec_driver_sql(f"UPDATE batches SET runner = 'another', lease_until_ms = {until_ms}")
    eventually(lambda: server.engines.thinker.busy == 0, 5)
    before = server.client.batches.retrieve(batch.id).request_counts
    time.sleep(0.5)
    assert server.client.batches.retrieve(batch.id).request_counts == before, "nothing is written by who lost it"
    batch = ended(server.client, batch)
    assert batch.status == "completed"
    told = lines_of(server.client, batch.output_file_id)
    assert [line["custom_id"] for line in told] == [str(number) for number in range(16)]
    (total,) = server.service.ledger.usage.sums(by=())
    assert total.requests == 16


def test_lines_wait_for_engines_that_start(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.server.batch_runner.BEAT_S", 0.05)
    server = make_server()
    server.service.ready = lambda: (False, "loading")
    batch = started(server.client, [chat_line("a")])
    eventually(lambda: server.client.batches.retrieve(batch.id).status == "in_progress")
    time.sleep(0.3)
    assert server.engines.thinker.asked == []
    server.service.ready = lambda: (True, "ready")
    assert ended(server.client, batch).status == "completed"


class RaisingListener(ScriptedListener):
    async def listen(self, audio: Any, options: Any = None) -> Any:
        raise ValueError("the very secret words")
        yield


def test_an_unforeseen_fault_is_an_answer_too(make_server: MakeServer) -> None:
    server = make_server(listener=RaisingListener())
    batch = run(server.client, [heard_line("a")], HEARD)
    (line,) = lines_of(server.client, batch.error_file_id)
    assert line["response"]["status_code"] == 500
    assert "secret" not in json.dumps(line)


@pytest.mark.slow
@pytest.mark.proves("batches: interactive first")
def test_interactive_requests_go_first(make_server: MakeServer) -> None:
    server = slow_server(make_server, admission=Admission(AdmissionLimits(turns=2)), limits=Limits(batch_lines=1))
    batch = started(server.client, [chat_line(str(number)) for number in range(60)])
    in_progress(server, batch)
    begun = server.client.batches.retrieve(batch.id)
    asked = [f"Of people {number}?" for number in range(6)]
    for question in asked:
        started_s = time.monotonic()
        server.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": question}])
        assert time.monotonic() - started_s < 1.0, "nobody waits for a line of a batch"
    seen = server.client.batches.retrieve(batch.id)
    assert seen.status == "in_progress", "many lines are still to come"
    assert seen.request_counts is not None
    assert begun.request_counts is not None
    # Between two requests of one client the house is empty for a moment, so a line may begin there; no more than one.
    assert seen.request_counts.completed - begun.request_counts.completed <= len(asked) + 1
    server.client.batches.cancel(batch.id)
    assert ended(server.client, batch).status == "cancelled"


@pytest.mark.proves("batches: interactive first")
@pytest.mark.parametrize("endpoint", [CHAT, HEARD])
def test_no_line_begins_while_somebody_is_answered(make_server: MakeServer, endpoint: str) -> None:
    """A long answer of a person, and a batch beside it: all its lines come after it."""
    server = make_server(
        thinker=ScriptedThinker("word " * 20, delay_s=0.1), admission=Admission(AdmissionLimits(turns=4))
    )
    lines = [chat_line("a", max_tokens=1), chat_line("b", max_tokens=1)] if endpoint == CHAT else [heard_line("a")]
    with server.client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Somebody?"}], stream=True
    ) as stream:
        words = (chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        next(words)
        batch = started(server.client, lines, endpoint)
        eventually(lambda: server.client.batches.retrieve(batch.id).status == "in_progress")
        list(islice(words, 12))
        assert len(server.engines.thinker.asked) == 1, "no line was thought about meanwhile"
        assert server.engines.listener.heard == []
    assert ended(server.client, batch).status == "completed"
    assert len(server.engines.thinker.asked) + len(server.engines.listener.heard) == 1 + len(lines)


def test_who_asks_to_wait_is_waited_for(make_server: MakeServer) -> None:
    """A remote thinker that asks to wait is waited for, as often as it takes."""
    server = make_server(thinker=FailingThinker(TooBusy("wait", retry_after_s=0.01), 10))
    batch = run(server.client, [chat_line("a"), chat_line("b")])
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 2, "completed": 2, "failed": 0}


def test_figures_of_waits_are_of_people_alone(make_server: MakeServer) -> None:
    server = make_server(admission=Admission(AdmissionLimits()))
    run(server.client, [chat_line("a"), chat_line("b")])
    told = server.http.get("/metrics").text
    samples = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in told.splitlines() if line[0] != "#"}
    route = 'route="/v1/batches/v1/chat/completions"'
    assert [value for name, value in samples.items() if "viva_requests_total" in name and route in name] == [2]
    assert samples[f'viva_turns_total{{model="{MODEL}",spoken="no",streamed="no"}}'] == 2
    assert samples.get("viva_first_text_seconds_count", 0) == samples.get("viva_queue_wait_seconds_count", 0) == 0
