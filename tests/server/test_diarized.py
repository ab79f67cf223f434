"""Who says what, over scripted engines: `diarized_json`, its stream, RTTM, known speakers, channels, and chat."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import numpy as np
import pytest
from scripted_app import ScriptedServer, audio_part, scripted_server, spoken, wav_bytes

from vivavoce.server import strict
from vivavoce.server.wire.transcription_request import TranscriptionRequest
from vivavoce.testing import ScriptedDiarizer, ScriptedListener, ScriptedThinker, ScriptedTone

ROUTE = "/v1/audio/transcriptions"
TEXT = "where is the harbour it is over there past the old mill"
"""12 words over 6 s: the first four are A's (2 s), the next four B's, and so on."""


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    with ExitStack() as stack:
        parts = {"listener": ScriptedListener(TEXT), "diarizer": ScriptedDiarizer("A,B")}
        yield scripted_server(stack, tmp_path_factory.mktemp("ledger"), **parts)


@pytest.fixture(scope="module")
def chatting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    """Turns of 3 s: chat searches no recording under 8 s for speakers."""
    with ExitStack() as stack:
        parts = {"listener": ScriptedListener(TEXT), "diarizer": ScriptedDiarizer("A,B", turn_s=3.0)}
        yield scripted_server(stack, tmp_path_factory.mktemp("ledger"), **parts)


def post(server: ScriptedServer, data: bytes | None = None, **fields: object) -> httpx.Response:
    form = {f"{name}[]" if isinstance(value, list) else name: value for name, value in fields.items()}
    sound = wav_bytes(6.0) if data is None else data
    return server.http.post(ROUTE, data={"model": "whisper-1", **form}, files={"file": ("a.wav", sound)})


def clip(seconds: float = 3.0, level: float = 0.2) -> str:
    return "data:audio/wav;base64," + base64.b64encode(wav_bytes(seconds, level=level)).decode()


def two_channels(first: float, second: float) -> bytes:
    """Half a second of each: a level of 0 is a channel on which nobody speaks."""
    hum = np.sin(2 * np.pi * 300 * np.arange(8_000) / 16_000)
    frames = np.stack([first * hum, second * hum], axis=1)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes((frames * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


@pytest.mark.proves("transcriptions: response_format")
def test_segments_say_who_speaks(talking: ScriptedServer) -> None:
    body = post(talking, response_format="diarized_json").json()
    assert set(body) == {"task", "duration", "text", "segments", "overlaps", "usage"}
    assert (body["task"], body["duration"], body["text"]) == ("transcribe", 6.0, TEXT)
    assert [(each["speaker"], each["text"]) for each in body["segments"]] == [
        ("A", "where is the harbour"),
        ("B", "it is over there"),
        ("A", "past the old mill"),
    ]
    first = body["segments"][0]
    assert first == first | {"type": "transcript.text.segment", "id": "seg_001", "start": 0.0, "end": 2.0}
    assert [each["id"] for each in body["segments"]] == ["seg_001", "seg_002", "seg_003"]
    assert body["usage"] == {"type": "duration", "seconds": 6}
    assert body["overlaps"] == []


def test_the_official_client_reads_it(talking: ScriptedServer) -> None:
    answer = talking.client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize", file=("a.wav", wav_bytes(6.0)), response_format="diarized_json"
    )
    assert type(answer).__name__ == "TranscriptionDiarized"
    assert [segment.speaker for segment in answer.segments] == ["A", "B", "A"]
    assert answer.usage is not None and answer.usage.type == "tokens"


def test_a_stream_tells_who_spoke_once_all_is_heard(talking: ScriptedServer) -> None:
    stream = talking.client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=("a.wav", wav_bytes(6.0)),
        response_format="diarized_json",
        stream=True,
    )
    seen = list(stream)
    assert [event.type for event in seen] == [
        "transcript.text.delta",
        *["transcript.text.segment"] * 3,
        "transcript.text.done",
    ]
    assert "".join(event.delta for event in seen if event.type == "transcript.text.delta") == TEXT
    said = [(event.speaker, event.id) for event in seen if event.type == "transcript.text.segment"]
    assert said == [("A", "seg_001"), ("B", "seg_002"), ("A", "seg_003")]


def test_rttm_has_a_line_for_each_turn(talking: ScriptedServer) -> None:
    answer = post(talking, response_format="rttm")
    assert answer.headers["content-type"].startswith("text/plain")
    fields = [line.split() for line in answer.text.splitlines()]
    assert [(each[0], each[7]) for each in fields] == [("SPEAKER", "A"), ("SPEAKER", "B"), ("SPEAKER", "A")]
    assert {len(each) for each in fields} == {10}
    assert float(fields[1][3]) == pytest.approx(2.0, abs=0.05)


@pytest.mark.proves("transcriptions: known_speaker_names", "transcriptions: known_speaker_references")
def test_a_known_speaker_has_their_name(talking: ScriptedServer) -> None:
    known = {"known_speaker_names": ["Ada Lovelace"], "known_speaker_references": [clip()]}
    body = post(talking, response_format="diarized_json", **known).json()
    assert [each["speaker"] for each in body["segments"]] == ["Ada Lovelace", "A", "Ada Lovelace"]
    lines = post(talking, response_format="rttm", **known).text.splitlines()
    assert [line.split()[7] for line in lines] == ["Ada_Lovelace", "A", "Ada_Lovelace"]


@pytest.mark.parametrize(
    ("references", "said"),
    [
        (["data:audio/wav;base64,AAAA"], "format"),
        (["no base64 at all!"], "base64"),
        ([clip(31.0)], "30 seconds"),
        ([clip(3.0, level=0.0)], "nobody is heard"),
    ],
)
def test_a_clip_that_will_not_do_is_told(talking: ScriptedServer, references: list[str], said: str) -> None:
    answer = post(
        talking, response_format="diarized_json", known_speaker_names=["Ann"], known_speaker_references=references
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "known_speaker_references[0]"), error
    assert said in error["message"]


def test_clips_may_be_longer_than_other_fields(talking: ScriptedServer) -> None:
    long = "data:audio/wav;base64," + base64.b64encode(wav_bytes(10.0, rate_hz=48_000, channels=2)).decode()
    assert len(long) > 1 << 20
    answer = post(
        talking, response_format="diarized_json", known_speaker_names=["Ann"], known_speaker_references=[long]
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.proves("transcriptions: channels")
def test_channels_are_speakers(talking: ScriptedServer) -> None:
    body = post(talking, two_channels(0.2, 0.3), response_format="diarized_json", channels="speakers").json()
    assert {each["speaker"] for each in body["segments"]} == {"A", "B"}
    assert [(row["start"], row["end"]) for row in body["overlaps"]] == [(0.0, 0.5)]
    assert body["text"] == f"{TEXT} {TEXT}"
    assert body["duration"] == 0.5
    named = post(
        talking,
        two_channels(0.2, 0.0),
        response_format="diarized_json",
        channels="speakers",
        known_speaker_names=["Agent", "Caller"],
    ).json()
    assert {each["speaker"] for each in named["segments"]} == {"Agent"}


def test_channels_as_a_stream(talking: ScriptedServer) -> None:
    answer = post(talking, two_channels(0.2, 0.3), response_format="diarized_json", channels="speakers", stream="true")
    seen = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
    *_, done = seen
    assert "".join(event["delta"] for event in seen if "delta" in event) == done["text"]
    assert {event["speaker"] for event in seen if event["type"] == "transcript.text.segment"} == {"A", "B"}


def test_silence_is_nobody(talking: ScriptedServer) -> None:
    body = post(talking, wav_bytes(3.0, level=0.0), response_format="diarized_json").json()
    assert (body["text"], body["segments"]) == ("", [])
    assert post(talking, wav_bytes(3.0, level=0.0), response_format="rttm").text == ""


def ask(server: ScriptedServer, sound: bytes) -> dict[str, Any]:
    body = {"model": "gpt-4o-mini-audio-preview", "messages": spoken(audio_part(sound))}
    return server.http.post("/v1/chat/completions", json=body).json()


def last_asked(server: ScriptedServer) -> str:
    thinker = server.engines.thinker
    assert isinstance(thinker, ScriptedThinker)
    return thinker.asked[-1][-1].text


def test_the_thinker_sees_who_said_what(chatting: ScriptedServer) -> None:
    (heard,) = ask(chatting, wav_bytes(9.2))["choices"][0]["message"]["heard"]
    assert [turn["speaker"] for turn in heard["speakers"]] == ["A", "B", "A", "B"]
    assert last_asked(chatting) == (
        "Speaker A: where is the harbour\nSpeaker B: it is over there\nSpeaker A: past the old mill"
    )
    assert heard["transcript"] == TEXT


def test_the_tone_is_told_of_each_speaker(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Voices in one recording are not compared with each other, nor with those of another recording."""
    with ExitStack() as stack:
        tone = ScriptedTone("fear")
        listener = ScriptedListener([TEXT[:24], TEXT[25:41], TEXT[42:]])
        parts = {"listener": listener, "diarizer": ScriptedDiarizer("A,B", turn_s=3.0), "tone": tone}
        server = scripted_server(stack, tmp_path_factory.mktemp("ledger"), **parts)
        (heard,) = ask(server, wav_bytes(9.0))["choices"][0]["message"]["heard"]
        assert [each["speaker"] for each in heard["utterances"]] == ["A", "B", "A"]
        assert set(heard["tone_by_speaker"]) == {"A", "B"}
        assert tone.asked == [(2, 0), (1, 0)]


def test_a_short_question_is_not_searched_for_speakers(chatting: ScriptedServer) -> None:
    (heard,) = ask(chatting, wav_bytes(6.0))["choices"][0]["message"]["heard"]
    assert (heard["speakers"], last_asked(chatting)) == ([], TEXT)


def test_a_recording_that_comes_again_is_traced_once(chatting: ScriptedServer) -> None:
    diarizer = chatting.engines.diarizer
    assert isinstance(diarizer, ScriptedDiarizer)
    sound = wav_bytes(9.4)
    ask(chatting, sound)
    traced = len(diarizer.traced)
    ask(chatting, sound)
    post(chatting, sound, response_format="rttm")
    assert len(diarizer.traced) == traced


def test_nothing_is_remembered_where_that_is_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    with ExitStack() as stack:
        diarizer = ScriptedDiarizer("A,B")
        parts = {"listener": ScriptedListener(TEXT), "diarizer": diarizer}
        server = scripted_server(stack, tmp_path_factory.mktemp("ledger"), **parts)
        server.service.heard_once = None
        ask(server, wav_bytes(9.3))
        ask(server, wav_bytes(9.3))
        assert len(diarizer.traced) == 2


def test_one_speaker_alone_is_not_named_to_the_thinker(tmp_path_factory: pytest.TempPathFactory) -> None:
    with ExitStack() as stack:
        parts = {"listener": ScriptedListener(TEXT), "diarizer": ScriptedDiarizer("A")}
        server = scripted_server(stack, tmp_path_factory.mktemp("ledger"), **parts)
        (heard,) = ask(server, wav_bytes(9.2))["choices"][0]["message"]["heard"]
        assert ({turn["speaker"] for turn in heard["speakers"]}, last_asked(server)) == ({"A"}, TEXT)


def test_strict_servers_take_it_from_the_diarizing_model_alone() -> None:
    def form(model: str) -> TranscriptionRequest:
        return TranscriptionRequest(
            file=b"", model=model, response_format="diarized_json", chunking_strategy={"type": "auto"}
        )

    strict.refuse_transcription(form("gpt-4o-transcribe-diarize"))
    with pytest.raises(Exception, match="not compatible"):
        strict.refuse_transcription(form("gpt-4o-transcribe"))
