"""`viva transcribe --base-url`: our own server, scripted, listens in place of the command's process."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_app import MakeServer, ScriptedServer

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import UpstreamFailed
from vivavoce.listen.base import Heard, ListenOptions
from vivavoce.settings import load_settings
from vivavoce.testing import ScriptedListener
from vivavoce.transcribe import console, remote
from vivavoce.transcribe.remote import HttpListener
from vivavoce.turn import hear_all

TEXT = "where is the harbour it is over there"


def hum(seconds: float) -> Audio:
    return Audio(np.full(round(seconds * LISTEN_RATE_HZ), 0.1, np.float32), LISTEN_RATE_HZ)


async def heard(url: str, audio: Audio, **options: Any) -> Heard:
    listener = HttpListener(f"{url}/v1/", "none", "whisper-1")
    try:
        return await hear_all(listener, audio, ListenOptions(**options))
    finally:
        await listener.close()


async def test_a_listener_elsewhere_hears_what_one_here_would(make_server: MakeServer) -> None:
    listener = ScriptedListener(TEXT)
    server = make_server(listener=listener)
    found = await heard(server.url, hum(4.0), language="en", keywords=("harbour",), prompt="Ships.")
    here = await hear_all(ScriptedListener(TEXT), hum(4.0), ListenOptions(language="en"))
    assert (found.transcript, found.language) == (here.transcript, "en")
    assert [(word.text, word.start_s, word.end_s) for word in found.words] == [
        (word.text, pytest.approx(word.start_s), pytest.approx(word.end_s)) for word in here.words
    ]
    assert (listener.asked[0].language, listener.asked[0].keywords, listener.asked[0].prompt) == (
        "en",
        ("harbour",),
        "Ships.",
    )
    assert (await heard(server.url, Audio.silence(2.0, LISTEN_RATE_HZ))).transcript == ""


async def test_what_the_server_refuses_is_told(server: ScriptedServer) -> None:
    with pytest.raises(UpstreamFailed, match=r"answered 400: .*ISO 639-1"):
        await heard(server.url, hum(1.0), language="xx")


async def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "TRIES", 1)
    with pytest.raises(UpstreamFailed, match="cannot be reached"):
        await heard("http://127.0.0.1:9", hum(1.0))


async def test_a_server_that_is_full_is_asked_again(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = make_server(admission=Admission(AdmissionLimits(turns=1, waiting=0, wait_s=0.01)))
    asked: list[int] = []
    waited = remote._wait_s

    def wait_s(response: Any, number: int) -> float:
        asked.append(response.status_code)
        assert waited(response, number) >= 1.0
        return 0.4

    monkeypatch.setattr(remote, "_wait_s", wait_s)
    slow = HttpListener(f"{server.url}/v1", "none", "whisper-1")
    server.engines.listener.delay_s = 0.5  # type: ignore[attr-defined]
    import asyncio

    found = await asyncio.gather(*(hear_all(slow, hum(1.0 + n), ListenOptions()) for n in range(2)))
    await slow.close()
    assert {each.transcript for each in found} == {"what is two plus two"}
    assert set(asked) <= {429}


def test_the_command_by_url(tmp_path: Path, make_server: MakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server = make_server(listener=ScriptedListener(TEXT))
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, LISTEN_RATE_HZ, 0, "NONE", ""))
        file.writeframes(hum(130.0).to_pcm16())
    settings = load_settings(data_dir=tmp_path / "data")
    assert console.transcribe(settings, [str(path)], console.Wish(base_url=f"{server.url}/v1"))
    assert capsys.readouterr().out.split() == f"{TEXT} {TEXT}".split()  # in captions: its words are slow
