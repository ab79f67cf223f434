"""Every field of every route, as our own OpenAPI page has them: each is sent wrong in every way that the page rules
out, and in the ways of a table that it cannot tell; each time the error names it. A field without a case fails."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from page_cases import NONSENSE, Page
from scripted_app import MakeServer, ScriptedServer, wav_bytes

from vivavoce.server.app import create_app
from vivavoce.server.service import Service

CHAT, STORED, SPEECH = "POST /v1/chat/completions", "/v1/chat/completions/{completion_id}", "POST /v1/audio/speech"
HEARD, TRANSLATED = "POST /v1/audio/transcriptions", "POST /v1/audio/translations"
REPLY, LIST = "/v1/audio/replies/{reply_id}", "GET /v1/chat/completions"
KEPT, BATCH = "/v1/files/{file_id}", "/v1/batches/{batch_id}"
HI = {"model": "gpt-audio", "messages": [{"role": "user", "content": "hi"}]}
FILE = {"file": wav_bytes(0.2), "model": "whisper-1"}

BY_HAND: list[tuple[str, str, str, Any, int]] = [
    # route, field, how an error names it, body (or part of the path, or query), status
    (CHAT, "model", "model", HI | {"model": NONSENSE}, 404),
    (CHAT, "audio.voice", "audio.voice", HI | {"modalities": ["audio"], "audio": {"voice": "x", "format": "wav"}}, 400),
    (SPEECH, "model", "model", {"model": NONSENSE, "voice": "alloy", "input": "hi"}, 404),
    (SPEECH, "voice", "voice", {"model": "tts-1", "voice": NONSENSE, "input": "hi"}, 400),
    (SPEECH, "input", "input", {"model": "tts-1", "voice": "alloy", "input": "x" * 4097}, 400),
    (HEARD, "model", "model", FILE | {"model": NONSENSE}, 404),
    (HEARD, "file", "file", FILE | {"file": b"hello"}, 400),
    (HEARD, "language", "language", FILE | {"language": NONSENSE}, 400),
    (HEARD, "languages[]", "languages[0]", FILE | {"languages[]": [NONSENSE]}, 400),
    (HEARD, "known_speaker_names[]", "known_speaker_names", FILE | {"known_speaker_names[]": ["Ann"]}, 400),
    (
        HEARD,
        "known_speaker_references[]",
        "known_speaker_references",
        FILE | {"known_speaker_references[]": ["data:audio/wav;base64,AAAA"]},
        400,
    ),
    (TRANSLATED, "model", "model", FILE | {"model": NONSENSE}, 404),
    (TRANSLATED, "file", "file", FILE | {"file": b"hello"}, 400),
    ("POST /tokenize", "content", "content", {}, 400),
    ("GET /v1/models/{name}", "name", "model", NONSENSE, 404),
    (f"GET {REPLY}", "reply_id", "id", NONSENSE, 404),
    (f"DELETE {REPLY}", "reply_id", "id", NONSENSE, 404),
    ("GET /v1/usage", "since", "since", {"since": "yesterday"}, 400),
    ("GET /v1/usage", "until", "until", {"until": "2026-13-01"}, 400),
    ("GET /v1/usage", "by", "by", {"by": "weather"}, 400),
    (LIST, "after", "after", {"after": NONSENSE}, 400),
    (f"GET {STORED}", "completion_id", "completion_id", NONSENSE, 404),
    (f"POST {STORED}", "completion_id", "completion_id", (NONSENSE, {"metadata": {}}), 404),
    (f"DELETE {STORED}", "completion_id", "completion_id", NONSENSE, 404),
    (f"GET {STORED}/messages", "completion_id", "completion_id", NONSENSE, 404),
    ("GET /v1/files", "after", "after", {"after": NONSENSE}, 400),
    ("GET /v1/files", "limit", "limit", {"limit": "10001"}, 400),
    ("GET /v1/files", "order", "order", {"order": NONSENSE}, 400),
    ("GET /v1/batches", "after", "after", {"after": NONSENSE}, 400),
    ("GET /v1/batches", "limit", "limit", {"limit": "0"}, 400),
    *((f"{method} {KEPT}", "file_id", "id", NONSENSE, 404) for method in ("GET", "DELETE")),
    (f"GET {KEPT}/content", "file_id", "id", NONSENSE, 404),
    (f"GET {BATCH}", "batch_id", "id", NONSENSE, 404),
    (f"POST {BATCH}/cancel", "batch_id", "id", NONSENSE, 404),
]

ELSEWHERE = {
    (f"GET {REPLY}", "format"): "of an answer that there is: test_replies_endpoint.py",
    (f"GET {STORED}/messages", "after"): "of a completion that there is: test_stored_completions.py",
}

FREE = {
    (CHAT, "moderation"),
    (CHAT, "prediction"),
    (CHAT, "prompt_cache_options"),
    (CHAT, "web_search_options"),
    *(
        (CHAT, f"messages[]<{role}>.content[]{part}.prompt_cache_breakpoint")
        for role, part in (
            ("system|developer", ""),
            ("user", "<text>"),
            ("user", "<input_audio>"),
            ("assistant", "<text>"),
            ("tool", ""),
            ("function", ""),
        )
    ),
    (HEARD, "prompt"),
    (TRANSLATED, "prompt"),
    (LIST, "model"),
    ("GET /v1/files", "purpose"),
}
"""Fields in which nothing is wrong, whatever they hold."""

WHOLE = ("logit_bias", "tool_choice", "function_call", "chunking_strategy", "metadata")
"""Told as a whole where a part of them is wrong, or by a part where the whole is."""


def _never() -> Service:
    raise NotImplementedError


PAGE = Page(create_app(_never).openapi())
CASES = [case for case in PAGE.cases() if case.id != f"{HEARD} keywords[] too many"]  # that many are too many parts


def send(server: ScriptedServer, route: str, body: Any, kind: str) -> httpx.Response:
    method, _, path = route.partition(" ")
    part, body = body if isinstance(body, tuple) else (body, None) if isinstance(body, str) else (NONSENSE, body)
    for name in ("{name}", "{reply_id}", "{completion_id}", "{file_id}", "{batch_id}"):
        path = path.replace(name, quote(part))
    match kind:
        case "json":
            return server.http.request(method, path, json=body)
        case "form":
            return server.http.request(method, path, files=list(_parts(body)))
        case _:
            return server.http.request(method, path, params=dict(_members(body or {})))


def _parts(body: dict[str, Any]) -> Any:
    for name, value in _members(body):
        for each in value if isinstance(value, list) else [value]:
            yield name, ("a.wav", each) if isinstance(each, bytes) else (None, str(each))


def _members(body: dict[str, Any]) -> Any:
    """Objects by their members, as forms and queries have them."""
    for name, value in body.items():
        if isinstance(value, dict):
            yield from ((f"{name}[{member}]", each) for member, each in value.items())
        else:
            yield name, value


def check(answer: httpx.Response, status: int, path: str) -> None:
    error = answer.json()["error"]
    assert answer.status_code == status, error
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    named = error["param"]
    assert named == path or (path.startswith(WHOLE) and named.partition(".")[0] == path.partition(".")[0]), error


def test_nothing_is_wrong_without_an_error_that_names_it(make_server: MakeServer) -> None:
    """One test for all, so that a suite is not mostly this; what fails is told all at once."""
    server = make_server()
    failed: list[str] = []
    for case in CASES:
        answer = send(server, case.route, case.body, case.kind)
        try:
            check(answer, 400, case.path)
        except (AssertionError, KeyError) as error:
            failed.append(f"{case.id}: {answer.status_code} {error}")
    assert len(CASES) > 300
    assert not failed, "\n".join(failed)
    assert server.engines.thinker.asked == []
    assert server.engines.speaker.spoken == []
    assert server.engines.listener.heard == []


@pytest.mark.parametrize(
    ("route", "path", "body", "status"),
    [(route, path, body, status) for route, _, path, body, status in BY_HAND],
    ids=[f"{route} {field}" for route, field, *_ in BY_HAND],
)
def test_what_the_page_cannot_tell(server: ScriptedServer, route: str, path: str, body: Any, status: int) -> None:
    kind = "form" if route in (HEARD, TRANSLATED) else "json" if route.startswith("POST") else "query"
    check(send(server, route, body, kind), status, path)


def test_no_field_is_left_out() -> None:
    covered = {(case.route, case.field) for case in CASES} | {(route, field) for route, field, *_ in BY_HAND}
    covered |= ELSEWHERE.keys()
    assert PAGE.fields() - covered == FREE, "fields without a case: give them one here, or a limit in their model"
    assert {(route, field) for route, field, *_ in BY_HAND} | ELSEWHERE.keys() <= PAGE.fields(), "no such field"
