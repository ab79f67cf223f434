"""Keys at the door of a real server: who is let in, what the refusals say, and that no key is ever written down."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, OpenAI
from scripted_app import MakeServer, ScriptedServer, eventually, spoken
from starlette.datastructures import Headers

from vivavoce.server import keyring
from vivavoce.server.callers import token_of
from vivavoce.server.door import Door

CHAT = {"model": "gpt-4o-mini-audio-preview", "messages": [{"role": "user", "content": "Two plus two?"}]}
SPEECH = {"model": "tts-1", "input": "Hello there.", "voice": "alloy"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def closed(make_server: MakeServer) -> tuple[ScriptedServer, str]:
    """A server with a key, and the key."""
    server = make_server()
    _, token = server.service.ledger.keys.create("anna")
    return server, token


def test_without_any_key_the_door_is_open(make_server: MakeServer) -> None:
    server = make_server()
    for headers in ({}, bearer("anything")):
        assert server.http.post("/v1/chat/completions", json=CHAT, headers=headers).status_code == 200
    assert server.http.get("/metrics").status_code == 200


EVERYTHING = [
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/chat/completions"),
    ("GET", "/v1/chat/completions/chatcmpl-1"),
    ("POST", "/v1/chat/completions/chatcmpl-1"),
    ("DELETE", "/v1/chat/completions/chatcmpl-1"),
    ("GET", "/v1/chat/completions/chatcmpl-1/messages"),
    ("POST", "/v1/audio/speech"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/gpt-audio"),
    ("GET", "/v1/usage"),
    ("GET", "/v1/audio/voices"),
    ("GET", "/v1/audio/replies/audio_1"),
    ("DELETE", "/v1/audio/replies/audio_1"),
    ("GET", "/v1/no/such/path"),
    ("PUT", "/v1/chat/completions"),
    ("POST", "/tokenize"),
    ("GET", "/metrics"),
]


@pytest.mark.proves("API keys")
@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_every_path_asks_for_a_key(closed: tuple[ScriptedServer, str], method: str, path: str) -> None:
    server, token = closed
    answers = [
        server.http.request(method, path),
        server.http.request(method, path, headers=bearer("sk-wrong-but-long-enough")),
        server.http.request(method, path, headers={"authorization": token}),
        server.http.request(method, path, headers={"authorization": f"Basic {token}"}),
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert [answer.json()["error"]["code"] for answer in answers] == [None, "invalid_api_key", None, None]
    for answer in answers:
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "You didn't provide an API key." in answers[0].json()["error"]["message"]
    assert "Incorrect API key provided: sk-********ough." in answers[1].json()["error"]["message"]
    assert server.http.request(method, path, headers=bearer(token)).status_code not in (401, 500)


def test_health_and_the_description_are_open(closed: tuple[ScriptedServer, str]) -> None:
    server, _ = closed
    for path in ("/health", "/openapi.json"):
        assert server.http.get(path).status_code == 200
        assert server.http.get(path, headers=bearer("sk-wrong-but-long-enough")).status_code == 200


def test_the_official_client_is_told(closed: tuple[ScriptedServer, str]) -> None:
    server, token = closed
    with pytest.raises(AuthenticationError) as refused:
        server.client.chat.completions.create(**CHAT)
    assert refused.value.code == "invalid_api_key"
    assert refused.value.request_id
    with OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0) as client:
        assert client.chat.completions.create(**CHAT).choices[0].message.content
        assert client.models.list().data


def test_a_browser_may_read_the_refusal(closed: tuple[ScriptedServer, str]) -> None:
    server, _ = closed
    origin = {"origin": "http://localhost:3000"}
    preflight = server.http.options("/v1/chat/completions", headers=origin | {"access-control-request-method": "POST"})
    assert preflight.status_code == 200
    refused = server.http.post("/v1/chat/completions", json=CHAT, headers=origin)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, origin["origin"])


def test_a_key_that_is_made_while_the_server_runs_closes_the_door(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "FRESH_S", 0.05)
    server = make_server()
    assert server.http.get("/v1/models").status_code == 200
    _, token = server.service.ledger.keys.create("anna")
    eventually(lambda: server.http.get("/v1/models").status_code == 401)
    assert server.http.get("/v1/models", headers=bearer(token)).status_code == 200


def test_a_revoked_key_is_refused_and_the_door_stays_closed(
    closed: tuple[ScriptedServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "FRESH_S", 0.05)
    server, token = closed
    assert server.http.get("/v1/models", headers=bearer(token)).status_code == 200
    server.service.ledger.keys.revoke("anna")
    eventually(lambda: server.http.get("/v1/models", headers=bearer(token)).status_code == 401)
    assert server.http.get("/v1/models").status_code == 401


def test_replies_belong_to_the_key(closed: tuple[ScriptedServer, str]) -> None:
    server, token = closed
    _, other = server.service.ledger.keys.create("bert")
    body = CHAT | {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    answer = server.http.post("/v1/chat/completions", json=body, headers=bearer(token)).json()
    path = f"/v1/audio/replies/{answer['choices'][0]['message']['audio']['id']}"
    assert server.http.get(path, headers=bearer(other)).status_code == 404
    assert server.http.get(path, headers=bearer(token)).status_code == 200


def test_metrics_are_for_admins(closed: tuple[ScriptedServer, str]) -> None:
    server, token = closed
    _, admin = server.service.ledger.keys.create("prometheus", admin=True)
    refused = server.http.get("/metrics", headers=bearer(token))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_permissions")
    assert "viva_requests_total" in server.http.get("/metrics", headers=bearer(admin)).text


def test_logs_hold_no_key(closed: tuple[ScriptedServer, str], caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    server, token = closed
    wrong = "sk-some-key-of-another-service-0123456789"
    for key in (token, wrong):
        server.http.post("/v1/chat/completions", json=CHAT | {"messages": spoken()}, headers=bearer(key))
        server.http.post("/v1/audio/speech", json=SPEECH, headers=bearer(key))
        server.http.get(f"/v1/audio/replies/{key}", headers=bearer(key))
        server.http.get("/v1/usage?since=x", headers=bearer(key))
    # Clients of this process log what they send; ours are the records of the server.
    ours = [record for record in caplog.records if record.name.startswith("vivavoce")]
    told = "".join(record.getMessage() + repr(vars(record)) for record in ours)
    assert "POST /v1/chat/completions" in told
    for key in (token, wrong):
        assert key[8:20] not in told
    held = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert token[8:20].encode() not in held
    assert wrong[8:20].encode() not in held


# For WebSockets, whose route comes later.


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"authorization": "Bearer sk-a"}, "sk-a"),
        ({"authorization": "bearer  sk-a "}, "sk-a"),
        ({"sec-websocket-protocol": "realtime, openai-insecure-api-key.sk-a"}, "sk-a"),
        ({"sec-websocket-protocol": "openai-insecure-api-key.sk-a,realtime,openai-beta.realtime-v1"}, "sk-a"),
        ({"authorization": "Bearer sk-b", "sec-websocket-protocol": "openai-insecure-api-key.sk-a"}, "sk-b"),
        ({"sec-websocket-protocol": "realtime"}, ""),
        ({}, ""),
    ],
)
def test_where_a_key_is_looked_for(headers: dict[str, str], token: str) -> None:
    assert token_of(Headers(headers)) == token


@pytest.mark.parametrize("can_answer", [True, False])
async def test_a_websocket_without_a_key_is_refused_before_it_opens(
    closed: tuple[ScriptedServer, str], can_answer: bool
) -> None:
    server, token = closed
    app = type("App", (), {"state": type("State", (), {"service": server.service})})
    sent: list[Any] = []

    async def inner(*_: Any) -> None:
        sent.append("let in")

    async def send(message: Any) -> None:
        sent.append(message)

    def scope(protocols: str) -> dict[str, Any]:
        extensions = {"websocket.http.response": {}} if can_answer else {}
        headers = [(b"sec-websocket-protocol", protocols.encode())]
        return {"type": "websocket", "path": "/v1/realtime", "headers": headers, "app": app, "extensions": extensions}

    await Door(inner)(scope("realtime"), None, send)  # type: ignore[arg-type]
    if can_answer:
        assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 401)
    else:
        assert (sent[0]["type"], sent[0]["code"]) == ("websocket.close", 1008)
    sent.clear()
    await Door(inner)(scope(f"realtime, openai-insecure-api-key.{token}"), None, send)  # type: ignore[arg-type]
    assert sent == ["let in"]


def test_the_door_answers_when_the_ledger_cannot(
    closed: tuple[ScriptedServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vivavoce.errors import StorageFailed

    server, token = closed

    def broken(_: str) -> None:
        raise StorageFailed("The ledger cannot be read: it is gone.")

    monkeypatch.setattr(server.service.ledger.keys, "find", broken)
    answer = httpx.get(f"{server.url}/v1/models", headers=bearer(token))
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "storage_failed")
