"""`GET /metrics`: what requests and turns are counted as, and that nothing of what was said is in it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from scripted_app import MakeServer, ScriptedServer, audio_part, eventually, spoken, wav_bytes

import vivavoce
from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.errors import EngineLost, InvalidRequest
from vivavoce.telemetry.figures import Reading, Stretch
from vivavoce.telemetry.telemetry import code_of
from vivavoce.testing import ScriptedSpeaker, ScriptedThinker

SPOKEN: dict[str, Any] = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}


def ask(http: httpx.Client, **extra: Any) -> httpx.Response:
    body = {"model": "gpt-4o-mini-audio-preview", "messages": spoken()} | extra
    return http.post("/v1/chat/completions", json=body)


def counted(server: ScriptedServer) -> Stretch:
    """All since the server's start."""
    answer = server.http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Stretch(Reading(0.0), Reading.of(answer.text, 1.0))


@pytest.mark.proves("GET /metrics")
def test_a_spoken_turn_is_told_stage_by_stage(make_server: MakeServer) -> None:
    server = make_server()
    usage = ask(server.http, **SPOKEN).json()["usage"]
    told = counted(server)
    assert told.total("viva_requests_total", route="/v1/chat/completions", status="200", code="none") == 1
    assert told.total("viva_turns_total", model="gpt-4o-mini-audio-preview", spoken="yes", streamed="no") == 1
    for first in ("viva_first_text_seconds", "viva_first_sound_seconds"):
        assert told.total(f"{first}_count") == 1
    clauses = len(server.engines.speaker.spoken)
    for stage, times in {"listen": 1, "think": 1, "speak": clauses}.items():
        assert told.total("viva_stage_seconds_count", stage=stage) == times
    assert told.total("viva_realtime_factor_count", stage="listen") == 1
    assert told.total("viva_realtime_factor_count", stage="speak") == clauses
    assert told.total("viva_audio_seconds_total", direction="in") == pytest.approx(1.0)
    assert told.total("viva_tokens_total", direction="out") == usage["completion_tokens"]
    assert told.total("viva_tokens_total", direction="in") == usage["prompt_tokens"]
    sound_tokens = usage["completion_tokens_details"]["audio_tokens"]
    assert told.total("viva_audio_seconds_total", direction="out") == pytest.approx(sound_tokens / 20, abs=0.06)
    assert told.after.value("viva_turns_in_progress") == 0


def test_a_recording_heard_before_is_no_work_of_the_listener(make_server: MakeServer) -> None:
    server = make_server()
    for _ in range(2):
        assert ask(server.http).status_code == 200
    told = counted(server)
    assert told.total("viva_stage_seconds_count", stage="listen") == 1
    assert told.total("viva_audio_seconds_total", direction="in") == pytest.approx(2.0)
    assert told.total("viva_first_sound_seconds_count") == 0, "nothing was spoken"


def test_every_code_that_the_server_gives_is_known() -> None:
    files = Path(vivavoce.__file__).parent.rglob("*.py")
    given = {code for file in files for code in re.findall(r'\bcode="(\w+)"', file.read_text(encoding="utf-8"))}
    assert "method_not_allowed" in given
    assert {code_of(InvalidRequest("", code=code)) for code in given} == given
    assert code_of(InvalidRequest("", code="of its own")) == "other"
    assert code_of(KeyError("text")) == "server_error"


def test_errors_are_told_by_code_and_strangers_make_no_series(make_server: MakeServer) -> None:
    server = make_server()
    for name, method in (("zebra-1", "PATCH"), ("zebra-2", "PURGE")):
        ask(server.http, model=name)
        server.http.get(f"/zebra/{name}")
        server.http.request(method, "/v1/models")
        server.http.get(f"/v1/audio/replies/{name}")
    told = counted(server)
    assert told.total("viva_requests_total", route="/v1/chat/completions", code="model_not_found") == 2
    assert told.total("viva_requests_total", route="other", code="not_found") == 2
    assert told.total("viva_requests_total", route="/v1/audio/replies/{reply_id}", code="audio_not_found") == 2
    assert told.total("viva_requests_total", code="method_not_allowed") == 2
    assert "zebra" not in server.http.get("/metrics").text.lower()


class LostThinker(ScriptedThinker):
    async def think(self, *given: Any) -> Any:
        async for thought in super().think(*given):
            yield thought
            raise EngineLost("gone")


def test_an_error_after_the_status_was_sent_is_told_too(make_server: MakeServer) -> None:
    server = make_server(thinker=LostThinker("One two three."))
    assert '"engine_lost"' in ask(server.http, stream=True).text
    assert counted(server).total("viva_requests_total", status="200", code="engine_lost") == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_is_a_cancelled_turn(make_server: MakeServer, stream: bool) -> None:
    server = make_server(thinker=ScriptedThinker("word " * 500, delay_s=0.05))
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=server.url, timeout=0.5) as hasty:
        if stream:
            body = {"model": "gpt-4o-mini-audio-preview", "messages": spoken(), "stream": True}
            with hasty.stream("POST", "/v1/chat/completions", json=body) as answer:
                lines = answer.iter_lines()  # closes the connection when it goes
                next(lines)
                assert counted(server).after.value("viva_turns_in_progress") == 1
                raise httpx.ReadTimeout("enough heard")
        ask(hasty)
    eventually(lambda: counted(server).total("viva_cancelled_total") == 1)
    told = counted(server)
    assert told.after.value("viva_turns_in_progress") == 0
    eventually(lambda: counted(server).total("viva_requests_total", code="cancelled") == 1)


class SlowSpeaker(ScriptedSpeaker):
    """Needs longer for a clause than the clause before it lasts."""

    async def speak(self, *given: Any) -> Audio:
        await asyncio.sleep(0.4)
        return Audio(np.full(SPEAK_RATE_HZ // 100, 0.1, np.float32), SPEAK_RATE_HZ)


@pytest.mark.parametrize("stream", [True, False])
def test_playback_that_runs_dry_is_told_where_it_is_played(make_server: MakeServer, stream: bool) -> None:
    server = make_server(answer="This is one. This is another. This is the last.", speaker=SlowSpeaker())
    extra = {"audio": {"voice": "alloy", "format": "pcm16"}, "stream": True} if stream else {}
    assert ask(server.http, **(SPOKEN | extra)).status_code == 200
    told = counted(server)
    assert told.total("viva_stage_seconds_count", stage="speak") > 1
    assert (told.total("viva_underruns_total") > 0) == stream
    assert (told.total("viva_underrun_seconds_total") > 0.05) == stream


def test_no_word_no_id_and_no_key_is_in_it(make_server: MakeServer) -> None:
    server = make_server(answer="Aardvarks abound.")
    server.http.headers["authorization"] = "Bearer sk-hush-hush"
    answer = ask(server.http, messages=[*spoken(), {"role": "user", "content": "Of wombats?"}], **SPOKEN)
    audio_id = answer.json()["choices"][0]["message"]["audio"]["id"]
    server.http.get(f"/v1/audio/replies/{audio_id}")
    told = server.http.get("/metrics").text
    for secret in ("ardvark", "ombat", "two plus", "hush", audio_id, answer.headers["x-request-id"]):
        assert secret not in told


def test_engines_that_are_down_are_told_without_waiting(make_server: MakeServer) -> None:
    server = make_server()
    assert counted(server).after.value("viva_engine_up") == 1
    server.service.ready = lambda: (False, "loading")
    assert counted(server).after.value("viva_engine_up") == 0


def test_what_the_engine_process_says_of_itself_is_told(make_server: MakeServer) -> None:
    server = make_server()

    async def status() -> dict[str, Any]:
        return {"calls": 3, "slots_busy": 2, "pid": 1, "admission": {"waiting": 5, "background_waiting": 7}}

    server.service.engine_status = status
    told = counted(server).after
    assert (told.value("viva_engine_calls"), told.value("viva_engine_slots_busy")) == (3, 2)
    assert Stretch(Reading(0.0), told).grown("viva_queue_depth") == {
        frozenset({("kind", "interactive")}): 5,
        frozenset({("kind", "background")}): 7,
    }


def test_they_can_be_turned_off(make_server: MakeServer) -> None:
    server = make_server()
    server.service.shows_metrics = False
    answer = server.http.get("/metrics")
    assert answer.status_code == 404
    assert "VIVA_METRICS" in answer.json()["error"]["message"]


def test_a_broken_recording_counts_no_turn(make_server: MakeServer) -> None:
    server = make_server()
    assert ask(server.http, messages=spoken(audio_part(wav_bytes()[:20]))).status_code == 400
    told = counted(server)
    assert told.total("viva_turns_total") == 0
    assert told.total("viva_requests_total", status="400", code="unsupported_format") == 1
