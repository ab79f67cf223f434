"""Batches over scripted engines, by the official client: from a file of requests to files of answers and errors."""

from __future__ import annotations

import base64
import json
import time
from itertools import count, islice
from typing import Any

import pytest
from batch_files import CHAT, HEARD, MODEL, chat_line, ended, heard_line, jsonl, lines_of, run, started
from openai.types import Batch
from openai.types.chat import ChatCompletion
from scripted_app import MakeServer, ScriptedServer, eventually, wav_bytes

from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import EngineFailed, EngineLost, StorageFailed, TooBusy, VivaError
from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedListener, ScriptedThinker


def test_lines_are_answered_as_their_route_would(server: ScriptedServer) -> None:
    lines = [chat_line(f"line-{number}", temperature=0.5) for number in range(5)]
    batch = run(server.client, lines, metadata={"of": "mine"})
    assert (batch.status, batch.endpoint, batch.model) == ("completed", CHAT, MODEL)
    assert batch.metadata == {"of": "mine"}
    assert batch.errors is None
    assert batch.error_file_id is None
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 5, "completed": 5, "failed": 0}
    told = lines_of(server.client, batch.output_file_id)
    assert [line["custom_id"] for line in told] == [line["custom_id"] for line in lines], "in the order of the input"
    asked = server.client.chat.completions.create(**lines[0]["body"])
    for line in told:
        assert set(line) == {"id", "custom_id", "response", "error"}
        assert line["error"] is None
        assert line["response"]["status_code"] == 200
        body = ChatCompletion.model_validate(line["response"]["body"])
        assert body.choices == asked.choices
    assert len({line["id"] for line in told}) == len({line["response"]["request_id"] for line in told}) == 5
    assert batch.usage is not None
    assert asked.usage is not None
    # Numbers in the prompts differ, but not their count of tokens.
    assert batch.usage.input_tokens == 5 * asked.usage.prompt_tokens
    assert batch.usage.output_tokens == 5 * asked.usage.completion_tokens


def test_times_follow_each_other(server: ScriptedServer) -> None:
    batch = run(server.client, [chat_line("a")])
    assert batch.in_progress_at is not None
    assert batch.finalizing_at is not None
    assert batch.completed_at is not None
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    assert batch.expires_at == batch.created_at + 24 * 3600
    assert (batch.failed_at, batch.expired_at, batch.cancelling_at, batch.cancelled_at) == (None,) * 4


def test_a_spoken_answer_comes_with_its_sound_and_its_id_goes_on(server: ScriptedServer) -> None:
    batch = run(
        server.client, [chat_line("a", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"})]
    )
    (line,) = lines_of(server.client, batch.output_file_id)
    audio = line["response"]["body"]["choices"][0]["message"]["audio"]
    assert base64.b64decode(audio["data"])[:4] == b"RIFF"
    assert len(line["response"]["body"]["choices"][0]["message"]["audio"]["data"]) > 1 << 16, "kept beside the database"
    fetched = server.http.get(f"/v1/audio/replies/{audio['id']}", headers={"authorization": "Bearer none"})
    assert fetched.content == base64.b64decode(audio["data"])


def test_a_line_is_stored_where_it_asks_for_it(server: ScriptedServer) -> None:
    batch = run(server.client, [chat_line("a", store=True), chat_line("b")])
    stored, other = (line["response"]["body"] for line in lines_of(server.client, batch.output_file_id))
    found = server.client.chat.completions.retrieve(stored["id"])
    assert found.choices[0].message.content == stored["choices"][0]["message"]["content"]
    assert server.http.get(f"/v1/chat/completions/{other['id']}").status_code == 404


@pytest.mark.parametrize("how", ["base64", "data uri", "object", "file id"])
def test_recordings_come_in_the_line_or_by_a_file(server: ScriptedServer, how: str) -> None:
    data = base64.b64encode(wav_bytes()).decode()
    given: dict[str, Any] = {
        "base64": {"file": data},
        "data uri": {"file": f"data:audio/wav;base64,{data}"},
        "object": {"file": {"data": data, "format": "wav"}},
        "file id": {},
    }[how]
    if how == "file id":
        given = {"file_id": server.client.files.create(file=("a.wav", wav_bytes()), purpose="user_data").id}
    asked = {"language": "en", "keywords": ["two"], "timestamp_granularities": ["word"]}
    formats = ["json", "verbose_json", "text", "srt"]
    lines = [
        heard_line(fmt, response_format=fmt, **given, **(asked if fmt == "verbose_json" else {})) for fmt in formats
    ]
    batch = run(server.client, lines, HEARD)
    told = {line["custom_id"]: line["response"]["body"] for line in lines_of(server.client, batch.output_file_id)}
    assert told["json"]["text"] == told["verbose_json"]["text"] == "what is two plus two"
    assert told["json"]["usage"] == {"type": "duration", "seconds": 1}
    assert [word["word"] for word in told["verbose_json"]["words"]] == ["what", "is", "two", "plus", "two"]
    assert told["text"] == "what is two plus two\n"
    assert " --> " in told["srt"]


def test_what_a_route_refuses_is_in_the_error_file(server: ScriptedServer) -> None:
    lines = [
        chat_line("good"),
        chat_line("hot", temperature=3),
        chat_line("stream", stream=True),
        chat_line("unknown", wings=2),
        chat_line("voiceless", modalities=["text", "audio"]),
    ]
    batch = run(server.client, lines)
    assert batch.status == "completed"
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 5, "completed": 1, "failed": 4}
    assert [line["custom_id"] for line in lines_of(server.client, batch.output_file_id)] == ["good"]
    told = lines_of(server.client, batch.error_file_id)
    assert [line["custom_id"] for line in told] == ["hot", "stream", "unknown", "voiceless"]
    for line in told:
        assert line["error"] is None
        assert line["response"]["status_code"] == 400
        asked = next(each["body"] for each in lines if each["custom_id"] == line["custom_id"])
        if line["custom_id"] != "stream":
            error = server.http.post(CHAT, json=asked).json()
            assert line["response"]["body"] == error, "as the route tells it"
    assert told[1]["response"]["body"]["error"]["param"] == "stream"


GOOD = base64.b64encode(wav_bytes()).decode()
HEARD_CASES: list[tuple[str, dict[str, Any], str, str | None]] = [
    # what, body, code, param
    ("no recording", {"file": None}, "missing_required_parameter", "file"),
    ("two recordings", {"file": GOOD, "file_id": "file-1"}, "missing_required_parameter", "file"),
    ("not base64", {"file": "!!!"}, "invalid_value", "file"),
    ("no sound", {"file": "AAAA"}, "unsupported_format", "file"),
    ("a number", {"file": 5}, "invalid_type", "file"),
    ("an object without data", {"file": {"format": "wav"}}, "invalid_type", "file.data"),
    ("an unknown file", {"file_id": "file-unknown"}, "file_not_found", "file_id"),
    ("a file that is a number", {"file_id": 5}, "invalid_type", "file_id"),
    ("an unknown format", {"file": GOOD, "response_format": "doc"}, "invalid_value", "response_format"),
    ("speakers", {"file": GOOD, "response_format": "diarized_json"}, "unsupported_value", "response_format"),
    ("an unknown language", {"file": GOOD, "language": "klingonese"}, "invalid_value", "language"),
    ("languages as a text", {"file": GOOD, "languages": "en"}, "invalid_type", "languages"),
    ("prompt as a number", {"file": GOOD, "prompt": 5}, "invalid_type", "prompt"),
    ("too hot", {"file": GOOD, "temperature": 2}, "invalid_value", "temperature"),
    ("an unknown field", {"file": GOOD, "wings": 2}, "unknown_parameter", "wings"),
    ("a stream", {"file": GOOD, "stream": True}, "unsupported_value", "stream"),
]


def test_bad_transcription_lines_are_told_one_by_one(server: ScriptedServer) -> None:
    lines = [heard_line(what, **body) for what, body, _, _ in HEARD_CASES]
    batch = run(server.client, lines, HEARD)
    told = {line["custom_id"]: line["response"] for line in lines_of(server.client, batch.error_file_id)}
    for what, _, code, param in HEARD_CASES:
        error = told[what]["body"]["error"]
        assert (what, told[what]["status_code"], error["code"], error["param"]) == (what, 400, code, param)
    assert batch.output_file_id is None


IDS = map(str, count())


def changed(**changes: Any) -> dict[str, Any]:
    line = chat_line(next(IDS)) | changes
    return {name: value for name, value in line.items() if value is not None}


INPUT_CASES: list[tuple[str, object, str, str | None]] = [
    ("broken", b'{"custom_id": "a", ', "invalid_json_line", None),
    ("not utf-8", b'{"custom_id": "\xff"}', "invalid_json_line", None),
    ("a list", b"[1, 2]", "invalid_json_line", None),
    ("not a number", b'{"custom_id": NaN}', "invalid_json_line", None),
    ("nested without end", b"[" * 100_000, "invalid_json_line", None),
    ("no id", changed(custom_id=None), "missing_required_parameter", "custom_id"),
    ("an id that is a number", changed(custom_id=5), "invalid_type", "custom_id"),
    ("an empty id", changed(custom_id=""), "invalid_value", "custom_id"),
    ("a long id", changed(custom_id="x" * 513), "invalid_value", "custom_id"),
    ("an id again", chat_line("good"), "duplicate_custom_id", "custom_id"),
    ("no method", changed(method=None), "missing_required_parameter", "method"),
    ("another method", changed(method="GET"), "invalid_method", "method"),
    ("no url", changed(url=None), "missing_required_parameter", "url"),
    ("another url", changed(url=HEARD), "url_mismatch", "url"),
    ("a whole url", changed(url=f"https://api.example{CHAT}"), "url_mismatch", "url"),
    ("no body", changed(body=None), "missing_required_parameter", "body"),
    ("a body that is a list", changed(body=[]), "invalid_type", "body"),
    ("no model", changed(body={"messages": []}), "missing_required_parameter", "body.model"),
    ("a model of another route", changed(body={"model": "whisper-1"}), "model_not_found", "body.model"),
]


def test_every_bad_line_of_an_input_is_listed(server: ScriptedServer) -> None:
    lines = [chat_line("good"), b"", *(line for _, line, _, _ in INPUT_CASES)]
    batch = run(server.client, lines)
    assert batch.status == "failed"
    assert batch.failed_at is not None
    assert batch.errors is not None
    assert batch.errors.object == "list"
    told = [(issue.line, issue.code, issue.param) for issue in batch.errors.data or []]
    assert told == [(number, code, param) for number, (_, _, code, param) in enumerate(INPUT_CASES, start=3)]
    assert all(issue.message for issue in batch.errors.data or [])
    assert (batch.output_file_id, batch.error_file_id) == (None, None)
    assert server.client.batches.retrieve(batch.id).errors == batch.errors


@pytest.mark.parametrize(("content", "code"), [(b"", "empty_file"), (b"\n \r\n", "empty_file")])
def test_an_input_without_requests_fails(server: ScriptedServer, content: bytes, code: str) -> None:
    batch = run(server.client, [content])
    assert batch.status == "failed"
    assert batch.errors is not None
    assert [(issue.code, issue.line) for issue in batch.errors.data or []] == [(code, None)]


def test_too_many_lines_and_too_long_ones_fail(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.server.batch_lines.MOST_LINES", 3)
    server = make_server(limits=Limits(body_bytes=5_000))
    batch = run(server.client, [chat_line(str(number)) for number in range(4)])
    assert batch.errors is not None
    assert [(issue.code, issue.line) for issue in batch.errors.data or []] == [("too_many_tasks", None)]
    # The end of what is too long is cut off, which must not make a good line of it.
    long = json.dumps(chat_line("long")).encode() + b" " * 6_000 + b"broken"
    batch = run(server.client, [chat_line("short"), long])
    assert batch.errors is not None
    assert [(issue.code, issue.line) for issue in batch.errors.data or []] == [("line_too_long", 2)]


def test_a_mark_and_line_ends_of_other_systems_do_no_harm(server: ScriptedServer) -> None:
    content = "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + jsonl([chat_line("a"), chat_line("b")]).replace(b"\n", b"\r\n")
    batch = run(server.client, [content])
    assert [line["custom_id"] for line in lines_of(server.client, batch.output_file_id)] == ["a", "b"]


def test_no_answer_breaks_its_line(make_server: MakeServer) -> None:
    text = "one\x85two\u2028three\u2029four\nfive é"
    server = make_server(thinker=ScriptedThinker(text))
    batch = run(server.client, [chat_line(f"a{text}"), chat_line("b")])
    assert batch.output_file_id is not None
    told = server.client.files.content(batch.output_file_id).content.decode()
    assert len(told.splitlines()) == 2
    first = json.loads(told.splitlines()[0])
    assert first["custom_id"] == f"a{text}"
    assert first["response"]["body"]["choices"][0]["message"]["content"] == text


def test_lines_go_beyond_a_piece_of_the_sealed_file(server: ScriptedServer) -> None:
    long = "so " * 300_000
    lines = [chat_line(f"{number}", metadata={"n": str(number)}) for number in range(3)]
    for line in lines:
        line["body"]["user"] = long
    batch = run(server.client, lines)
    assert [line["custom_id"] for line in lines_of(server.client, batch.output_file_id)] == ["0", "1", "2"]


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
