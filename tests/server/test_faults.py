"""What fails on our side, before an answer and in its middle: told in the envelope, and whether to try again."""

from __future__ import annotations

from typing import Any

import pytest
from openai import APIError, BadRequestError, InternalServerError
from scripted_app import MakeServer
from test_bad_input import HI, MODEL, VOICE, asking, post

from vivavoce.errors import EngineFailed, EngineLost, TooBusy
from vivavoce.testing import ScriptedSpeaker, ScriptedThinker
from vivavoce.think.base import TextDelta


class Broken(ScriptedThinker):
    def __init__(self, error: Exception, after: int) -> None:
        super().__init__()
        self.error = error
        self.after = after

    async def think(self, conversation: Any, sampling: Any = None) -> Any:
        for _ in range(self.after):
            yield TextDelta("word ")
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (EngineFailed("The engine stumbled."), 500, "engine_failed", "false"),
        (EngineLost("Gone; try again."), 503, "engine_lost", "true"),
        (TooBusy("Full; try later.", retry_after_s=3), 429, "rate_limit_exceeded", "true"),
        (RuntimeError("the secret text of a request"), 500, None, "false"),
    ],
)
def test_faults_say_whether_to_try_again(
    make_server: MakeServer, error: Exception, status: int, code: str | None, retry: str
) -> None:
    answer = post(make_server(thinker=Broken(error, 0)), asking())
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.headers["x-should-retry"] == retry
    assert "secret" not in answer.text


def test_a_fault_before_the_first_event_of_a_stream_keeps_its_status(make_server: MakeServer) -> None:
    server = make_server(thinker=Broken(EngineLost("Gone; try again."), 0))
    with pytest.raises(InternalServerError) as caught:
        list(server.client.chat.completions.create(model=MODEL, messages=HI, stream=True))
    assert caught.value.status_code == 503


@pytest.mark.parametrize("error", [EngineFailed("The engine stumbled."), RuntimeError("secret")])
def test_a_fault_in_the_middle_of_a_stream_is_an_event(make_server: MakeServer, error: Exception) -> None:
    server = make_server(thinker=Broken(error, 3))
    with pytest.raises(APIError) as caught:
        list(server.client.chat.completions.create(model=MODEL, messages=HI, stream=True))
    assert "secret" not in str(caught.value)


def test_a_speaker_that_fails_is_told_too(make_server: MakeServer) -> None:
    class Hoarse(ScriptedSpeaker):
        async def speak(self, text: str, voice: str, speed: float = 1.0) -> Any:
            raise EngineFailed("The speaker is hoarse.")

    server = make_server(speaker=Hoarse())
    with pytest.raises(InternalServerError, match="hoarse"):
        server.client.chat.completions.create(model=MODEL, messages=HI, modalities=["audio"], audio=VOICE)


def test_a_conversation_too_long_is_400(make_server: MakeServer) -> None:
    server = make_server(thinker=ScriptedThinker(context_tokens=10))
    with pytest.raises(BadRequestError) as caught:
        server.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "word " * 20}])
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"
