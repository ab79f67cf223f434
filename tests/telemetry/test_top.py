"""`viva top` over a real server."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from scripted_app import MakeServer, ScriptedServer, spoken

from vivavoce.errors import UpstreamFailed
from vivavoce.telemetry.telemetry import Telemetry
from vivavoce.telemetry.top import Watch, top

SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}


def ask(server: ScriptedServer, **extra: object) -> None:
    body = {"model": "gpt-audio", "messages": spoken()} | SPOKEN | extra
    server.http.post("/v1/chat/completions", json=body)


def shown(watch: Watch) -> str:
    console = Console(file=io.StringIO(), width=80)
    console.print(watch.frame())
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_one_frame_fits_a_terminal_and_tells_what_was_done(make_server: MakeServer) -> None:
    server = make_server()
    ask(server)
    ask(server, model="nobody")
    console = Console(file=io.StringIO(), width=80)
    top(f"{server.url}/v1", once=True, console=console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) == 80
    frame = "\n".join(lines)
    assert "ready" in lines[1]
    assert "since its start" in lines[-1]
    assert re.search(r"first sound +\d\.\d\d s +\d\.\d\d s", frame)
    for stage in ("listen", "speak"):
        assert re.search(rf"{stage} +\d\.\d\d s +\d\.\d\d s +\d\.\d\d", frame), frame
    assert re.search(r"answered +1\b", frame), "looking at it does not count"
    assert re.search(r"model_not_found +1\b", frame)


def test_figures_are_of_what_it_has_watched(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    server = make_server()
    for _ in range(3):
        ask(server)
    watch = Watch(server.url)
    start_s = time.time()
    monkeypatch.setattr("vivavoce.telemetry.top.time.time", lambda: start_s)
    watch.read()
    ask(server)
    monkeypatch.setattr("vivavoce.telemetry.top.time.time", lambda: start_s + 60)
    watch.read()
    frame = shown(watch)
    assert "last 1 min" in frame
    assert re.search(r"answered +1\b", frame), "three came before it looked"
    assert re.search(r"requests/s +0.02 +0.02", frame)
    server.service.telemetry = Telemetry()  # as a server that was started again
    ask(server)
    ask(server)
    watch.read()
    assert re.search(r"answered +2\b", shown(watch)), "what another server did is forgotten"
    watch.close()


def test_nothing_there_is_one_sentence() -> None:
    with pytest.raises(UpstreamFailed, match="start `viva serve`"):
        top("http://127.0.0.1:9", once=True)


def test_a_server_without_metrics_is_told(make_server: MakeServer) -> None:
    server = make_server()
    server.service.shows_metrics = False
    with pytest.raises(UpstreamFailed, match="VIVA_METRICS"):
        top(server.url, once=True)


def test_it_shows_a_key_where_one_is_asked_for(make_server: MakeServer) -> None:
    server = make_server()
    _, token = server.service.ledger.keys.create("root", admin=True)
    for key in (None, "sk-wrong"):
        with pytest.raises(UpstreamFailed, match="viva keys create --admin"):
            top(server.url, api_key=key, once=True)
    console = Console(file=io.StringIO(), width=80)
    top(server.url, api_key=token, once=True, console=console)
    assert "ready" in console.file.getvalue()  # type: ignore[attr-defined]
