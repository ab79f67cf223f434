"""Doubt through the official client: what `message.heard` says, what the thinker reads, and answers that ask back."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_app import MakeServer, ScriptedServer, spoken

from vivavoce.testing import ScriptedListener, ScriptedThinker

MODEL = "gpt-4o-mini-audio-preview"
HEARD = "why is cash in validation hard"
ANSWER = "Did you say cash?"


def ask(server: ScriptedServer, **extra: Any) -> Any:
    return server.client.chat.completions.create(model=MODEL, messages=spoken(), extra_body=extra).choices[0].message


def make(
    make_server: MakeServer, *unclear: str, heard: str = HEARD, language: str = "en", **settings: Any
) -> ScriptedServer:
    listener = ScriptedListener(heard, language, unclear=unclear)
    return make_server(listener=listener, thinker=ScriptedThinker(ANSWER), **settings)


def thinker_of(server: ScriptedServer) -> ScriptedThinker:
    assert isinstance(server.engines.thinker, ScriptedThinker)
    return server.engines.thinker


@pytest.mark.proves("message.heard: unclear", "ask_back")
def test_an_unclear_word_is_told_and_asked_about(make_server: MakeServer) -> None:
    server = make(make_server, "cash")
    message = ask(server)
    heard = message.heard[0]
    assert (heard["unclear"], heard["note"]) == (["cash"], '[unclear: "cash"]')
    assert thinker_of(server).asked[-1][-1].text == f'{HEARD} [unclear: "cash"]'
    assert thinker_of(server).samplings[-1].begun == "Did you say"
    assert message.content == ANSWER


def test_the_answer_in_sound_begins_with_the_question_too(make_server: MakeServer) -> None:
    server = make(make_server, "cash")
    done = server.client.chat.completions.create(
        model=MODEL, messages=spoken(), modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}
    )
    audio = done.choices[0].message.audio
    assert audio is not None
    assert audio.transcript == ANSWER
    assert done.usage is not None
    assert done.usage.completion_tokens > 4


@pytest.mark.parametrize(
    ("unclear", "heard", "language", "extra"),
    [
        ((), HEARD, "en", {}),
        (("in",), HEARD, "en", {}),  # too short to matter
        (("cash",), "cash please", "en", {}),  # an answer of two words belongs to a question
        (("cash",), HEARD, "haw", {}),  # no beginning in this language
        (("cash",), HEARD, "en", {"ask_back": False}),
        (("cash",), HEARD, "en", {"response_format": {"type": "json_object"}}),
        (("cash",), HEARD, "en", {"logprobs": True, "top_logprobs": 2}),
    ],
)
def test_no_answer_is_begun_where_nothing_is_unclear_or_it_cannot_be(
    make_server: MakeServer, unclear: tuple[str, ...], heard: str, language: str, extra: dict[str, Any]
) -> None:
    server = make(make_server, *unclear, heard=heard, language=language)
    if "response_format" in extra:
        extra = {**extra, "messages": [{"role": "system", "content": "JSON"}, *spoken()]}
    ask(server, **extra)
    assert thinker_of(server).samplings[-1].begun == ""


def test_what_was_unclear_in_an_earlier_turn_is_not_asked_about_again(make_server: MakeServer) -> None:
    server = make(make_server, "cash")
    later = [*spoken(), {"role": "assistant", "content": ANSWER}, {"role": "user", "content": "Yes, I did."}]
    ask(server, messages=later)
    assert thinker_of(server).samplings[-1].begun == ""


def test_the_note_can_be_left_out_and_the_doubt_stays(make_server: MakeServer) -> None:
    server = make(make_server, "cash")
    heard = ask(server, hearing_note=False, ask_back=False).heard[0]
    assert (heard["unclear"], heard["note"]) == (["cash"], None)
    assert thinker_of(server).asked[-1][-1].text == HEARD
