"""A real uvicorn server over scripted engines, and audio to send to it."""

from __future__ import annotations

import base64
import io
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from openai import OpenAI

from vivavoce.engines.admission import Admission
from vivavoce.ledger.ledger import Ledger
from vivavoce.listen.cached import HeardOnce
from vivavoce.server.app import create_app
from vivavoce.server.serve import bind
from vivavoce.server.service import Limits, Service
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker
from vivavoce.turn import Engines
from vivavoce.web.site import Site

ANSWER = "Two and two is four. It has been so for a long time, at least in our world."


@contextmanager
def running(
    service: Service, cors_origins: str = "local", names: frozenset[str] | None = None, site: Site | None = None
) -> Iterator[str]:
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        create_app(service, cors_origins=cors_origins, names=names, site=site),
        log_config=None,
        access_log=False,
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        listening.close()


class ScriptedServer:
    """A server and the engines behind it, so that a test can look at both sides."""

    def __init__(self, url: str, engines: Engines, service: Service) -> None:
        self.url = url
        self.engines = engines
        self.service = service

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20)

    @cached_property
    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=20)

    def close(self) -> None:
        for name in ("http", "client"):
            if name in vars(self):
                vars(self)[name].close()


MakeServer = Callable[..., ScriptedServer]


def scripted_server(
    stack: ExitStack,
    folder: Path,
    answer: str = ANSWER,
    limits: Limits | None = None,
    admission: Admission | None = None,
    site: Site | None = None,
    **parts: object,
) -> ScriptedServer:
    made = {"listener": ScriptedListener(), "thinker": ScriptedThinker(answer), "speaker": ScriptedSpeaker()}
    engines = Engines(**{**made, **parts})

    async def ready() -> Engines:
        return engines

    limits = limits or Limits()
    ledger = Ledger(folder)
    stack.callback(ledger.close)
    heard_once = HeardOnce(ledger.hearings, "scripted:listener", limits.reply_ttl_s)
    queue = admission.for_owner if admission is not None else None
    service = Service(engines=ready, ledger=ledger, admission=queue, heard_once=heard_once, limits=limits)
    scripted = ScriptedServer(stack.enter_context(running(service, site=site)), engines, service)
    stack.callback(scripted.close)
    return scripted


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """A server of a test's own."""
    with ExitStack() as stack:
        yield partial(scripted_server, stack, tmp_path)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    """One server for all tests that only look at their own request."""
    with ExitStack() as stack:
        yield scripted_server(stack, tmp_path_factory.mktemp("ledger"))


def eventually(true: Callable[[], Any], within_s: float = 10.0) -> Any:
    """What `true` finds, once it finds something: for what happens a moment after an answer."""
    deadline_s = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < deadline_s, "in vain"
        time.sleep(0.02)
    return found


def wav_bytes(seconds: float = 1.0, rate_hz: int = 16_000, channels: int = 1, level: float = 0.2) -> bytes:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = (level * 32767 * np.sin(2 * np.pi * 300 * times)).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(np.repeat(tone, channels).tobytes())
    return buffer.getvalue()


def audio_part(data: bytes | str, label: str = "wav") -> dict[str, object]:
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    return {"type": "input_audio", "input_audio": {"data": text, "format": label}}


def spoken(*parts: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": list(parts) or [audio_part(wav_bytes())]}]
