"""A recording in two languages, through the server: spans in `message.heard`, the note, verbose segments."""

from __future__ import annotations

import json

import pytest
from scripted_app import MakeServer, ScriptedServer, spoken, wav_bytes

from vivavoce.testing import ScriptedListener, ScriptedThinker, ScriptedTone

MODEL = "gpt-4o-mini-audio-preview"
SAID = ("Wo ist der Bahnhof?", "I am lost.", "Please help.")


@pytest.fixture
def bilingual(make_server: MakeServer) -> ScriptedServer:
    listener = ScriptedListener(SAID, ("de", "en", "en"))
    return make_server(listener=listener, tone=ScriptedTone("neutral"))


@pytest.mark.proves("message.heard: languages")
def test_what_was_heard_has_a_span_for_each_language(bilingual: ScriptedServer) -> None:
    done = bilingual.client.chat.completions.create(model=MODEL, messages=spoken())
    [heard] = done.choices[0].message.heard
    assert heard["languages"] == [
        {"language": "de", "start": 0.0, "end": 0.444, "text": "Wo ist der Bahnhof?"},
        {"language": "en", "start": 0.444, "end": 1.0, "text": "I am lost. Please help."},
    ]
    assert heard["transcript"] == " ".join(SAID)
    assert heard["language"] == "en"
    assert heard["note"] == "[in German then English]"
    assert isinstance(bilingual.engines.thinker, ScriptedThinker)
    assert bilingual.engines.thinker.asked[-1][-1].text == f"{' '.join(SAID)} [in German then English]"


@pytest.mark.proves("transcriptions: segments.language")
def test_each_segment_says_its_language(bilingual: ScriptedServer) -> None:
    form = {"model": "whisper-1", "response_format": "verbose_json"}
    answer = bilingual.http.post("/v1/audio/transcriptions", data=form, files={"file": ("a.wav", wav_bytes(1.0))})
    assert [(each["text"].strip(), each["language"]) for each in answer.json()["segments"]] == list(
        zip(SAID, ("de", "en", "en"), strict=True)
    )
    assert answer.json()["language"] == "english"


@pytest.mark.proves("transcriptions: languages")
def test_every_language_is_named_to_a_client_that_knows_several(bilingual: ScriptedServer) -> None:
    form = {"model": "gpt-transcribe", "stream": "true"}
    answer = bilingual.http.post("/v1/audio/transcriptions", data=form, files={"file": ("a.wav", wav_bytes(1.1))})
    done = json.loads(answer.text.strip().split("\n\n")[-1].removeprefix("data: "))
    assert done["languages"] == [{"code": "de"}, {"code": "en"}]
