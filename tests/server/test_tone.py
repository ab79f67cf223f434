"""Tone through the official client: what `message.heard` says, and that a request can do without the note."""

from __future__ import annotations

from typing import Any

import pytest
from openai import BadRequestError
from scripted_app import MakeServer, ScriptedServer, spoken

from vivavoce.testing import ScriptedListener, ScriptedThinker, ScriptedTone

MODEL = "gpt-4o-mini-audio-preview"


def heard_of(server: ScriptedServer, **extra: object) -> dict[str, Any]:
    done = server.client.chat.completions.create(model=MODEL, messages=spoken(), extra_body=extra)
    return done.choices[0].message.heard[0]


def prompt_of(server: ScriptedServer) -> str:
    assert isinstance(server.engines.thinker, ScriptedThinker)
    return server.engines.thinker.asked[-1][-1].text


@pytest.mark.proves("message.heard: tone, note")
def test_what_was_heard_says_how_it_was_said(make_server: MakeServer) -> None:
    server = make_server(tone=ScriptedTone("fear", 0.8))
    heard = heard_of(server)
    assert heard["note"] == "[sounds afraid]"
    assert prompt_of(server) == "what is two plus two [sounds afraid]"
    tone = heard["tone"]
    assert (tone["emotion"], tone["urgency"]) == ("fear", 0.8)
    assert sum(tone["emotions"].values()) == pytest.approx(1.0, abs=0.001)
    assert (tone["arousal"], tone["valence"]) == (0.48, -0.512)
    assert tone["prosody"] == {
        "pitch_hz": 100.0,
        "pitch_semitones": 0.0,
        "pitch_range_semitones": 4.0,
        "loudness_dbfs": -20.0,
        "pace_syllables_per_s": 10.0,
        "pauses": 0,
        "pause_duration": 0.0,
    }
    assert heard["utterances"] == [{"start": 0.0, "end": 1.0, "speaker": "A", "tone": tone}]
    assert heard["tone_by_speaker"] == {"A": tone}


def test_utterances_have_tones_of_their_own(make_server: MakeServer) -> None:
    tone = ScriptedTone("happiness")
    heard = heard_of(make_server(listener=ScriptedListener(["It works.", "It really works."]), tone=tone))
    assert [each["tone"]["emotion"] for each in heard["utterances"]] == ["happiness", "happiness"]
    assert tone.asked == [(2, 0)]


def test_without_a_tone_engine_nothing_is_said_of_it(server: ScriptedServer) -> None:
    heard = heard_of(server)
    assert (heard["tone"], heard["note"], heard["utterances"]) == (None, None, [])


@pytest.mark.proves("hearing_note")
def test_the_note_can_be_left_out_and_the_tone_stays(make_server: MakeServer) -> None:
    server = make_server(tone=ScriptedTone("anger"))
    heard = heard_of(server, hearing_note=False)
    assert heard["note"] is None
    assert heard["tone"]["emotion"] == "anger"
    assert prompt_of(server) == "what is two plus two"


def test_a_server_that_gives_no_notes_gives_one_that_is_asked_for(make_server: MakeServer) -> None:
    server = make_server(tone=ScriptedTone("anger"))
    server.service.hearing_note = False
    assert heard_of(server)["note"] is None
    assert heard_of(server, hearing_note=True)["note"] == "[sounds angry]"


def test_a_note_costs_the_caller_no_tokens(make_server: MakeServer) -> None:
    server = make_server(tone=ScriptedTone("anger"))
    usages = [
        server.client.chat.completions.create(model=MODEL, messages=spoken(), extra_body={"hearing_note": note}).usage
        for note in (True, False)
    ]
    assert usages[0] == usages[1]


def test_hearing_note_must_be_true_or_false(server: ScriptedServer) -> None:
    with pytest.raises(BadRequestError) as caught:
        heard_of(server, hearing_note="sometimes")
    assert caught.value.param == "hearing_note"


def test_a_recording_that_was_heard_before_has_the_same_tone(make_server: MakeServer) -> None:
    server = make_server(tone=ScriptedTone("anger"))
    assert heard_of(server) == heard_of(server)
    assert isinstance(server.engines.listener, ScriptedListener)
    assert len(server.engines.listener.heard) == 1


def test_a_stream_tells_it_too(make_server: MakeServer) -> None:
    server = make_server(tone=ScriptedTone("anger"))
    chunks = list(server.client.chat.completions.create(model=MODEL, messages=spoken(), stream=True))
    told = [chunk.choices[0].delta.heard for chunk in chunks if hasattr(chunk.choices[0].delta, "heard")]
    assert [part["note"] for part in told[0]] == ["[sounds angry]"]
