"""Pages in a browser: who may call, and what their scripts may read."""

from __future__ import annotations

import httpx
import pytest
from scripted_app import MakeServer, ScriptedServer, running

from vivavoce.server.hosts import answered_names
from vivavoce.server.service import Service

PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-lang,x-stainless-retry-count",
}


def preflight(url: str, origin: str) -> httpx.Response:
    return httpx.options(f"{url}/v1/chat/completions", headers={"origin": origin, **PREFLIGHT})


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:5173", "https://[::1]:8443"])
def test_pages_of_this_machine_may_call(server: ScriptedServer, origin: str) -> None:
    answer = preflight(server.url, origin)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "x-stainless-lang" in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil:80"]
)
def test_other_pages_may_not_until_they_are_named(server: ScriptedServer, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(server.url, origin).headers


def test_named_pages_may(make_server: MakeServer) -> None:
    service: Service = make_server().service
    with running(service, cors_origins="https://app.example, local") as url:
        allowed = preflight(url, "https://app.example")
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-origin" in preflight(url, "http://localhost:1").headers
        assert "access-control-allow-origin" not in preflight(url, "https://other.example").headers


def test_errors_too_can_be_read_by_the_page(server: ScriptedServer) -> None:
    answer = server.http.post("/v1/chat/completions", json={}, headers={"origin": "http://localhost:3000"})
    assert answer.status_code == 400
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "x-request-id" in answer.headers["access-control-expose-headers"]


def test_unforeseen_faults_wear_ids_and_the_envelope(make_server: MakeServer) -> None:
    server = make_server()

    async def broken() -> None:
        raise RuntimeError("a secret that was said")

    server.service.engines = broken
    body = {"model": "viva-voce", "messages": [{"role": "user", "content": "Hello"}]}
    answer = server.http.post("/v1/chat/completions", json=body, headers={"origin": "http://localhost:3000"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-should-retry"] == "false"
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "secret" not in answer.text


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8080", "127.0.0.1.rebound.example", "", "[bad"])
def test_a_name_that_was_pointed_here_is_refused(make_server: MakeServer, host: str) -> None:
    with running(make_server().service, names=answered_names("local", "127.0.0.1")) as url:
        answer = httpx.get(f"{url}/v1/models", headers={"host": host})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "host_not_allowed"
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize("host", ["localhost:9", "LOCALHOST", "127.0.0.1", "[::1]:80", "mine.example"])
def test_names_of_this_machine_and_those_given_are_answered(make_server: MakeServer, host: str) -> None:
    with running(make_server().service, names=answered_names("local, mine.example", "127.0.0.1")) as url:
        assert httpx.get(f"{url}/v1/models", headers={"host": host}).status_code == 200


def test_a_server_for_others_answers_to_any_name() -> None:
    assert answered_names("local", "0.0.0.0") is None
    assert answered_names("*", "127.0.0.1") is None
    assert answered_names("mine.example", "0.0.0.0") == {"mine.example", "localhost", "127.0.0.1", "::1"}
