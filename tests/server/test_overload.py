"""A server over its limit: who is refused is told so at once and when to come back, who is let in is answered whole."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai import APIError, InternalServerError, OpenAI, RateLimitError
from scripted_app import MakeServer, ScriptedServer, audio_part, eventually, spoken, wav_bytes

from vivavoce.audio import Audio
from vivavoce.conversation import Message, Sampling
from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.listen.base import ListenOptions, Segment
from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker
from vivavoce.think.base import TextDelta, ThoughtEnd

PATIENCE_S = 20.0
HELLO = [{"role": "user", "content": "Hello"}]
MODEL = "gpt-4o-mini-audio-preview"


class HeldThinker(ScriptedThinker):
    """Thinks when a test says so: `go` lets all who think go on."""

    def __init__(self, words: int = 3) -> None:
        super().__init__(" ".join(["word"] * words))
        self.go = threading.Event()
        self.entered = 0

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[TextDelta | ThoughtEnd, None]:
        self.entered += 1
        await asyncio.to_thread(self.go.wait, PATIENCE_S)
        async for thought in super().think(conversation, sampling):
            yield thought


def ask(server: ScriptedServer, key: str = "none", **extra: object) -> httpx.Response:
    body = {"model": MODEL, "messages": HELLO} | extra
    headers = {"authorization": f"Bearer {key}"}
    return httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, timeout=PATIENCE_S)


def test_beyond_the_queue_is_a_429_that_says_when_and_everybody_inside_is_answered(make_server: MakeServer) -> None:
    thinker = HeldThinker()
    admission = Admission(AdmissionLimits(turns=2, waiting=3, wait_s=PATIENCE_S))
    server = make_server(thinker=thinker, admission=admission)
    with ThreadPoolExecutor(5) as inside:
        answers = [inside.submit(ask, server, stream=index % 2 == 0) for index in range(5)]
        eventually(lambda: admission.waiting == 3, PATIENCE_S)
        for stream in (False, True):
            refused = ask(server, stream=stream)
            assert refused.status_code == 429
            assert refused.headers["content-type"] == "application/json", "a refused stream has not begun"
            assert refused.json()["error"]["code"] == "rate_limit_exceeded"
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert int(refused.headers["retry-after-ms"]) >= 1000
            assert refused.headers["x-should-retry"] == "true"
            assert refused.headers["x-ratelimit-limit-requests"] == "5"
            assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert thinker.entered == 2, "no more are under way than may be"
        thinker.go.set()
        assert [answer.result().status_code for answer in answers] == [200] * 5
    left = answers[0].result().headers["x-ratelimit-remaining-requests"]
    assert 0 <= int(left) < 5
    assert (admission.state()["turns"], admission.waiting) == (0, 0)


def test_bad_requests_take_no_place(make_server: MakeServer) -> None:
    thinker = HeldThinker()
    admission = Admission(AdmissionLimits(turns=1, waiting=0))
    server = make_server(thinker=thinker, admission=admission)
    with ThreadPoolExecutor(1) as inside:
        answer = inside.submit(ask, server)
        eventually(lambda: thinker.entered, PATIENCE_S)
        assert ask(server, messages=spoken(audio_part(b"no sound"))).status_code == 400
        assert ask(server).status_code == 429
        thinker.go.set()
        assert answer.result().status_code == 200


def test_the_official_client_comes_back_by_itself_and_gets_through(make_server: MakeServer) -> None:
    thinker = HeldThinker()
    admission = Admission(AdmissionLimits(turns=1, waiting=0))
    server = make_server(thinker=thinker, admission=admission)
    with ThreadPoolExecutor(2) as inside:
        first = inside.submit(ask, server)
        eventually(lambda: thinker.entered, PATIENCE_S)

        def patient() -> str | None:
            with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=5) as client:
                return client.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content

        second = inside.submit(patient)
        eventually(lambda: admission.counts["refused_full"], PATIENCE_S)
        thinker.go.set()
        assert first.result().status_code == 200
        assert second.result() == "word word word"
    with pytest.raises(RateLimitError):
        thinker.go.clear()
        with ThreadPoolExecutor(1) as inside:
            inside.submit(ask, server)
            eventually(lambda: thinker.entered == 3, PATIENCE_S)
            try:
                server.client.chat.completions.create(model=MODEL, messages=HELLO)
            finally:
                thinker.go.set()


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_hangs_up_in_the_queue_leaves_it(make_server: MakeServer, stream: bool) -> None:
    thinker = HeldThinker()
    admission = Admission(AdmissionLimits(turns=1, waiting=5, wait_s=PATIENCE_S))
    server = make_server(thinker=thinker, admission=admission)
    with ThreadPoolExecutor(1) as inside:
        answer = inside.submit(ask, server)
        eventually(lambda: thinker.entered, PATIENCE_S)
        with pytest.raises(httpx.TimeoutException):
            httpx.post(
                f"{server.url}/v1/chat/completions",
                json={"model": MODEL, "messages": HELLO, "stream": stream},
                timeout=0.3,
            )
        eventually(lambda: admission.counts["left"] == 1, PATIENCE_S)
        assert admission.waiting == 0
        thinker.go.set()
        assert answer.result().status_code == 200
    assert thinker.entered == 1


def test_a_key_that_floods_leaves_room_for_another(make_server: MakeServer) -> None:
    thinker = HeldThinker()
    admission = Admission(AdmissionLimits(turns=1, waiting=4, wait_s=PATIENCE_S))
    server = make_server(thinker=thinker, admission=admission)
    with ThreadPoolExecutor(6) as inside:
        flood = [inside.submit(ask, server, "greedy") for _ in range(5)]
        eventually(lambda: admission.waiting == 4, PATIENCE_S)
        modest = inside.submit(ask, server, "modest")
        eventually(lambda: admission.counts["refused_displaced"], PATIENCE_S)
        thinker.go.set()
        assert modest.result().status_code == 200
        assert sorted(answer.result().status_code for answer in flood) == [200] * 4 + [429]


def test_no_more_answers_speak_at_once_than_can_be_kept_fed(make_server: MakeServer) -> None:
    admission = Admission(AdmissionLimits(turns=4, speaking=1, waiting=10, wait_s=PATIENCE_S))
    speaking = 0
    most = 0

    class CountingSpeaker(ScriptedSpeaker):
        async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
            nonlocal speaking, most
            speaking += 1
            most = max(most, speaking)
            try:
                return await super().speak(text, voice, speed)
            finally:
                speaking -= 1

    server = make_server(speaker=CountingSpeaker(delay_s=0.05), admission=admission)
    voice = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}, "stream": True}
    with ThreadPoolExecutor(4) as inside:
        answers = [inside.submit(ask, server, **voice) for _ in range(4)]
        assert [answer.result().status_code for answer in answers] == [200] * 4
    assert most == 1


class StuckListener(ScriptedListener):
    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        await asyncio.Event().wait()
        yield Segment("never", 0.0, 1.0, "en", 1.0, 0.0)


class StuckThinker(ScriptedThinker):
    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[TextDelta | ThoughtEnd, None]:
        yield TextDelta("word")
        await asyncio.Event().wait()


class StuckSpeaker(ScriptedSpeaker):
    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize(
    "parts", [{"listener": StuckListener()}, {"thinker": StuckThinker()}, {"speaker": StuckSpeaker()}], ids=str
)
def test_a_stage_that_stands_still_ends_its_turn_and_frees_its_place(
    make_server: MakeServer, parts: dict[str, object]
) -> None:
    admission = Admission(AdmissionLimits(turns=1))
    server = make_server(limits=Limits(stage_s=0.2), admission=admission, **parts)
    asked = {
        "model": MODEL,
        "messages": spoken(audio_part(wav_bytes(0.2))),
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
    }
    with pytest.raises(InternalServerError) as failed:
        server.client.chat.completions.create(**asked)  # type: ignore[call-overload]
    assert (failed.value.status_code, failed.value.code) == (504, "engine_timeout")
    assert failed.value.response.headers["x-should-retry"] == "true"
    with pytest.raises(APIError) as torn:
        list(server.client.chat.completions.create(**asked, stream=True))  # type: ignore[call-overload]
    assert torn.value.code == "engine_timeout"
    eventually(lambda: not admission.state()["turns"], PATIENCE_S)


def test_slow_work_that_gets_on_is_not_cut(make_server: MakeServer) -> None:
    """Longer altogether than the deadline of a stage, each step well within it."""
    server = make_server(limits=Limits(stage_s=1.0), thinker=ScriptedThinker(" ".join(["word"] * 30), delay_s=0.05))
    assert ask(server).status_code == 200


def test_a_long_recording_gets_longer(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(stage_s=0.3), listener=ScriptedListener(delay_s=1.0))
    assert ask(server, messages=spoken(audio_part(wav_bytes(20.0)))).status_code == 200
    assert ask(server, messages=spoken(audio_part(wav_bytes(1.0)))).status_code == 504


def test_a_client_that_stops_reading_gives_up_its_place(make_server: MakeServer) -> None:
    admission = Admission(AdmissionLimits(turns=1))
    thinker = ScriptedThinker(" ".join(["word"] * 60_000), context_tokens=100_000)
    server = make_server(limits=Limits(stage_s=0.5), admission=admission, thinker=thinker)
    url = httpx.URL(server.url)
    body = b'{"model": "gpt-4o-audio-preview", "messages": [{"role": "user", "content": "Go on"}], "stream": true}'
    with socket.create_connection((url.host, url.port or 80)) as deaf:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n"
        deaf.sendall(head.encode() + body)
        eventually(lambda: admission.state()["turns"], PATIENCE_S)
        eventually(lambda: not admission.state()["turns"], PATIENCE_S)
        assert thinker.busy == 0
