"""Batches over scripted engines, by the official client: from a file of requests to files of answers and errors."""

from __future__ import annotations

import base64
import json
from itertools import count
from typing import Any

import pytest
from batch_files import CHAT, HEARD, MODEL, chat_line, heard_line, jsonl, lines_of, run
from openai.types.chat import ChatCompletion
from scripted_app import MakeServer, ScriptedServer, wav_bytes

from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedThinker


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
