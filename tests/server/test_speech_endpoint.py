"""`POST /v1/audio/speech` over scripted engines: formats, first bytes, limits, errors, counts, hanging up."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import httpx
import pytest
from openai import BadRequestError
from scripted_app import MakeServer, ScriptedServer, eventually

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import EngineFailed
from vivavoce.server.service import Limits
from vivavoce.telemetry.figures import Reading, Stretch
from vivavoce.testing import ScriptedSpeaker

TEXT = "The quick brown fox jumps over the lazy dog. Then it sleeps for a while, and so does the dog."
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
TYPES = ("audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav", "audio/pcm")


def asking(**fields: object) -> dict[str, object]:
    asked = {"model": "gpt-4o-mini-tts", "input": TEXT, "voice": "alloy", **fields}
    return {name: value for name, value in asked.items() if value is not None}


def post(server: ScriptedServer, **fields: object) -> httpx.Response:
    return server.http.post("/v1/audio/speech", json=asking(**fields))


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]


def seconds(data: bytes, label: str = "mp3") -> float:
    return decode(data, declared=label).duration_s


@pytest.mark.proves("POST /v1/audio/speech", "speech: response_format", "speech: input")
@pytest.mark.parametrize(("fmt", "kind"), list(zip(FORMATS, TYPES, strict=True)))
def test_every_format_is_one_file_of_the_whole_text(server: ScriptedServer, fmt: str, kind: str) -> None:
    answer = post(server, response_format=fmt)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == kind
    wav = seconds(post(server, response_format="wav").content, "wav")
    assert seconds(answer.content, fmt) == pytest.approx(wav, abs=0.1)
    assert wav > 0.05 * len(TEXT)


def test_mp3_is_what_comes_unasked(server: ScriptedServer) -> None:
    assert post(server).headers["content-type"] == "audio/mpeg"


@pytest.mark.proves("speech: stream_format")
@pytest.mark.parametrize("fmt", FORMATS)
def test_events_hold_the_same_file_and_its_count(server: ScriptedServer, fmt: str) -> None:
    *deltas, done = events(post(server, response_format=fmt, stream_format="sse"))
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    sound = b"".join(base64.b64decode(delta["audio"], validate=True) for delta in deltas)
    assert sound == post(server, response_format=fmt, stream_format="audio").content
    assert done["type"] == "speech.audio.done"
    usage = done["usage"]
    assert usage["input_tokens"] == len(TEXT.split())
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    pcm = post(server, response_format="pcm").content
    assert usage["output_tokens"] == len(pcm) // 2 * 20 // 24_000


@pytest.mark.proves("speech: speed")
@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_speed_reaches_the_voice_and_the_pauses(make_server: MakeServer, speed: float) -> None:
    server = make_server()
    plain = len(post(server, response_format="pcm").content)
    answer = post(server, response_format="pcm", speed=speed)
    assert len(answer.content) == pytest.approx(plain / speed, rel=0.02)
    assert server.engines.speaker.spoken[-1][2] == speed


@pytest.mark.proves("speech: instructions", "speech: voice", "speech: model")
def test_instructions_are_taken_and_voices_named_in_both_ways(make_server: MakeServer) -> None:
    server = make_server()
    plain = post(server, response_format="wav").content
    assert post(server, response_format="wav", instructions="Whisper it.").content == plain
    for model in ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15", "viva-voce"):
        assert post(server, model=model, voice={"id": "am_adam"}).status_code == 200
        assert server.engines.speaker.spoken[-1][1] == "am_adam"


BAD: list[tuple[str, dict[str, object], int, str, str, str]] = [
    ("no input", {"input": None}, 400, "missing_required_parameter", "input", "'input'"),
    ("no voice", {"voice": None}, 400, "missing_required_parameter", "voice", "'voice'"),
    ("no model", {"model": None}, 400, "missing_required_parameter", "model", "'model'"),
    ("empty input", {"input": ""}, 400, "invalid_value", "input", "at least 1"),
    ("input is a number", {"input": 5}, 400, "invalid_type", "input", "string"),
    ("too long", {"input": "x" * 4097}, 400, "string_above_max_length", "input", "VIVA_MAX_SPEECH_CHARACTERS"),
    ("unknown model", {"model": "tts-9"}, 404, "model_not_found", "model", "GET /v1/models"),
    ("a chat model", {"model": "gpt-4o-audio-preview"}, 404, "model_not_found", "model", "gpt-4o-mini-tts"),
    ("unknown voice", {"voice": "gandalf"}, 400, "invalid_value", "voice", "'alloy'"),
    ("unknown format", {"response_format": "midi"}, 400, "invalid_value", "response_format", "'mp3'"),
    ("too slow", {"speed": 0.2}, 400, "invalid_value", "speed", "0.25"),
    ("too fast", {"speed": 4.1}, 400, "invalid_value", "speed", "4"),
    ("speed in words", {"speed": "fast"}, 400, "invalid_type", "speed", "number"),
    ("unknown stream", {"stream_format": "ws"}, 400, "invalid_value", "stream_format", "'sse'"),
    ("long instructions", {"instructions": "x" * 4097}, 400, "invalid_value", "instructions", "4096"),
    ("unknown field", {"pitch": 2}, 400, "unknown_parameter", "pitch", "Unknown parameter: 'pitch'."),
]


@pytest.mark.parametrize(
    ("fields", "status", "code", "param", "said"), [row[1:] for row in BAD], ids=[r[0] for r in BAD]
)
def test_bad_fields_are_told(
    server: ScriptedServer, fields: dict[str, object], status: int, code: str, param: str, said: str
) -> None:
    answer = post(server, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
    assert said in error["message"]


def test_a_body_over_the_limit_is_413(make_server: MakeServer) -> None:
    assert post(make_server(limits=Limits(body_bytes=1024)), input="x" * 2000).status_code == 413


def test_no_sound_in_a_text_is_an_empty_file(server: ScriptedServer) -> None:
    answer = post(server, input=" \n ", response_format="wav")
    assert answer.status_code == 200
    assert len(answer.content) == 44


class SlowSpeaker(ScriptedSpeaker):
    """Takes 0.3 s a clause, and knows when it was given up."""

    given_up = False

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            self.given_up = True
            raise
        return await super().speak(text, voice, speed)


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_first_bytes_come_while_the_rest_is_being_made(make_server: MakeServer, stream_format: str) -> None:
    speaker = SlowSpeaker()
    server = make_server(speaker=speaker)
    text = "This is one more sentence. " * 8
    with server.http.stream("POST", "/v1/audio/speech", json=asking(input=text, stream_format=stream_format)) as answer:
        pieces = answer.iter_bytes()
        next(pieces)
        early = len(speaker.spoken)
        assert sum(map(len, pieces)) > 0
    assert 1 <= early < len(speaker.spoken)


def test_a_client_that_hangs_up_ends_the_speaking(make_server: MakeServer) -> None:
    speaker = SlowSpeaker()
    admission = Admission(AdmissionLimits(turns=1, waiting=0))
    server = make_server(speaker=speaker, admission=admission)
    body = asking(input="This is one more sentence. " * 30)
    with httpx.stream("POST", f"{server.url}/v1/audio/speech", json=body) as answer:
        pieces = answer.iter_bytes()  # closes the connection when it goes
        next(pieces)
        assert post(server).status_code == 429
        assert int(post(server).headers["retry-after"]) >= 1
    deadline_s = time.monotonic() + 5
    while not speaker.given_up or admission.state()["turns"]:
        assert time.monotonic() < deadline_s, "it speaks on for nobody"
        time.sleep(0.02)
    assert len(speaker.spoken) < 10
    told = Stretch(Reading(0.0), Reading.of(server.http.get("/metrics").text, 1.0))
    assert told.total("viva_cancelled_total") == 1


@pytest.mark.proves("VIVA_MAX_SPEECH_CHARACTERS")
def test_a_book_chapter_is_spoken_to_its_end(make_server: MakeServer) -> None:
    chapter = " ".join(f"This is sentence number {n} of a long chapter." for n in range(1000))
    server = make_server(limits=Limits(speech_characters=100_000))
    answer = post(server, input=chapter, response_format="opus")
    assert answer.status_code == 200
    assert sum(len(text.split()) for text, _, _ in server.engines.speaker.spoken) >= 8000


class FailingSpeaker(ScriptedSpeaker):
    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        if self.spoken:
            raise EngineFailed("The voice broke.")
        return await super().speak(text, voice, speed)


def test_a_failure_on_the_way_is_never_taken_for_the_end(make_server: MakeServer) -> None:
    server = make_server(speaker=FailingSpeaker())
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, response_format="pcm")
    server.engines.speaker.spoken.clear()
    assert events(post(server, stream_format="sse"))[-1]["error"]["code"] == "engine_failed"


def test_it_is_counted(make_server: MakeServer) -> None:
    server = make_server()
    pcm = post(server, response_format="pcm").content

    def counted() -> Stretch | None:
        """Once it has ended, a moment after its last byte."""
        told = Stretch(Reading(0.0), Reading.of(server.http.get("/metrics").text, 1.0))
        ended = told.total("viva_requests_total", route="/v1/audio/speech", status="200", code="none") == 1
        return told if ended else None

    told = eventually(counted)
    assert told.total("viva_turns_total", model="gpt-4o-mini-tts", spoken="yes") == 1
    assert told.total("viva_stage_seconds_count", stage="speak") == len(server.engines.speaker.spoken)
    assert told.total("viva_tokens_total", direction="out", kind="audio") == len(pcm) // 2 * 20 // 24_000


@pytest.mark.proves("strict refusals")
def test_strict_refuses_what_the_original_did(make_server: MakeServer) -> None:
    server = make_server()
    server.service.strict = True
    for fields, param in (
        ({"model": "tts-1", "stream_format": "sse"}, "stream_format"),
        ({"voice": "am_adam"}, "voice"),
    ):
        answer = post(server, **fields)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_the_official_client_reads_streams_and_errors(server: ScriptedServer) -> None:
    speech = server.client.audio.speech
    with speech.with_streaming_response.create(model="tts-1", voice="nova", input=TEXT, response_format="wav") as got:
        assert seconds(b"".join(got.iter_bytes()), "wav") > 1
    with pytest.raises(BadRequestError) as caught:
        speech.create(model="tts-1", voice="nova", input="")
    assert caught.value.param == "input"
