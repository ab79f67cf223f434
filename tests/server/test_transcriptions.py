"""`POST /v1/audio/transcriptions` and `/translations` over scripted engines: formats, streams, what is asked for."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from openai import BadRequestError
from scripted_app import MakeServer, ScriptedServer, scripted_server, wav_bytes

from vivavoce.audio import Audio
from vivavoce.codec.encode import FORMATS, encode
from vivavoce.listen.base import Chunking, ListenOptions
from vivavoce.testing import ScriptedListener

SAID = ("The museum opens at nine.", "It closes at five, but not on Sundays.")
TEXT = " ".join(SAID)
TRANSCRIPTIONS, TRANSLATIONS = "/v1/audio/transcriptions", "/v1/audio/translations"
SECONDS = 4.23


@pytest.fixture(scope="module")
def heard_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    """One server for all tests that only look at their own request."""
    with ExitStack() as stack:
        listener = ScriptedListener(SAID, translation="So it was said.")
        yield scripted_server(stack, tmp_path_factory.mktemp("ledger"), listener=listener)


def post(
    server: ScriptedServer, route: str = TRANSCRIPTIONS, data: bytes | None = None, **fields: object
) -> httpx.Response:
    """`fields` as the official client names them; lists are sent as `name[]`."""
    form = {f"{name}[]" if isinstance(value, list) else name: value for name, value in fields.items()}
    sound = wav_bytes(SECONDS) if data is None else data
    return server.http.post(route, data={"model": "whisper-1", **form}, files={"file": ("a.wav", sound)})


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    return [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]


LENGTHS_S = itertools.count(1)


def unheard() -> bytes:
    """A recording that nothing was heard of before, so that the listener is asked."""
    return wav_bytes(2.0 + next(LENGTHS_S) / 100)


def asked(server: ScriptedServer) -> ListenOptions:
    """How the listener was asked to listen last."""
    return server.engines.listener.asked[-1]


@pytest.mark.proves("POST /v1/audio/transcriptions", "transcriptions: response_format", "transcriptions: file")
def test_json_is_the_text_and_how_long_it_is(heard_server: ScriptedServer) -> None:
    answer = post(heard_server)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"text": TEXT, "usage": {"type": "duration", "seconds": 5}}


@pytest.mark.proves("transcriptions: model")
@pytest.mark.parametrize(
    "model",
    [
        "gpt-transcribe",
        "gpt-4o-transcribe",
        "gpt-4o-mini-transcribe",
        "gpt-4o-mini-transcribe-2025-12-15",
        "gpt-4o-transcribe-diarize",
        "viva-voce",
    ],
)
def test_other_models_count_tokens(heard_server: ScriptedServer, model: str) -> None:
    answer = post(heard_server, model=model, prompt="One two three.", keywords=["Kraków", "ISO 9001"]).json()
    words = len(TEXT.split())
    assert answer["usage"] == {
        "type": "tokens",
        "input_tokens": 42 + 6,
        "input_token_details": {"text_tokens": 6, "audio_tokens": 42},
        "output_tokens": words,
        "total_tokens": 48 + words,
    }
    assert answer.get("languages") == ([{"code": "en"}] if model == "gpt-transcribe" else None)


def test_plain_text_ends_with_a_line_end(heard_server: ScriptedServer) -> None:
    answer = post(heard_server, response_format="text")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == TEXT + "\n"


def test_subtitles_cover_every_word_in_order(heard_server: ScriptedServer) -> None:
    srt, vtt = post(heard_server, response_format="srt"), post(heard_server, response_format="vtt")
    assert srt.headers["content-type"].startswith("text/plain")
    assert vtt.headers["content-type"] == "text/vtt; charset=utf-8"
    cue = r"(\d+)\n(\d\d:\d\d:\d\d,\d{3}) --> (\d\d:\d\d:\d\d,\d{3})\n(.+)\n\n"
    cues = re.findall(cue, srt.text)
    assert [int(number) for number, *_ in cues] == list(range(1, len(cues) + 1))
    assert " ".join(text for *_, text in cues) == TEXT
    assert cues[0][1] == "00:00:00,000"
    assert cues[-1][2] == "00:00:04,230"
    assert "".join(f"{number}\n{a} --> {b}\n{text}\n\n" for number, a, b, text in cues) == srt.text
    assert vtt.text == "WEBVTT\n\n" + "".join(
        f"{a} --> {b}\n{text}\n\n".replace(",", ".", 1).replace(",", ".", 1) for _, a, b, text in cues
    )


@pytest.mark.proves("transcriptions: timestamp_granularities")
@pytest.mark.parametrize(
    ("granularities", "has"),
    [
        (None, {"segments"}),
        (["segment"], {"segments"}),
        (["word"], {"words"}),
        (["word", "segment"], {"words", "segments"}),
    ],
)
def test_verbose_has_the_times_asked_for(
    heard_server: ScriptedServer, granularities: list[str] | None, has: set[str]
) -> None:
    more = {} if granularities is None else {"timestamp_granularities": granularities}
    answer = post(heard_server, response_format="verbose_json", **more).json()
    assert answer["task"] == "transcribe"
    assert answer["language"] == "english"
    assert answer["duration"] == SECONDS
    assert answer["text"] == TEXT
    assert answer["usage"] == {"type": "duration", "seconds": 5}
    assert {"words", "segments"} & answer.keys() == has
    if "words" in has:
        assert [word["word"] for word in answer["words"]] == TEXT.split()
        assert all(word["start"] < word["end"] <= SECONDS for word in answer["words"])
    if "segments" in has:
        segments = answer["segments"]
        assert [segment["id"] for segment in segments] == list(range(len(segments)))
        assert "".join(segment["text"] for segment in segments).strip() == TEXT
        assert sum(len(segment["tokens"]) for segment in segments) == len(TEXT.split())
        assert segments[0].keys() == {
            "id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio",
            "no_speech_prob", "language",
        }  # fmt: skip


@pytest.mark.parametrize("response_format", ["json", "verbose_json"])
@pytest.mark.proves("transcriptions: include")
def test_logprobs_spell_the_text(heard_server: ScriptedServer, response_format: str) -> None:
    rows = post(heard_server, response_format=response_format, include=["logprobs"]).json()["logprobs"]
    assert b"".join(bytes(row["bytes"]) for row in rows).decode() == TEXT
    assert "".join(row["token"] for row in rows) == TEXT
    assert all(-0.2 < row["logprob"] < 0 for row in rows)
    assert "logprobs" not in post(heard_server).json()


@pytest.mark.proves("transcriptions: stream")
@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-transcribe"])
def test_a_stream_is_deltas_and_the_whole(heard_server: ScriptedServer, model: str) -> None:
    *deltas, done = events(post(heard_server, model=model, stream="true", include=["logprobs"]))
    assert [delta["type"] for delta in deltas] == ["transcript.text.delta"] * len(SAID)
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == TEXT
    assert [row for delta in deltas for row in delta["logprobs"]] == done["logprobs"]
    assert done["type"] == "transcript.text.done"
    assert done["usage"]["type"] == "tokens"
    assert done["usage"]["input_token_details"] == {"text_tokens": 0, "audio_tokens": 42}
    assert ("languages" in done) == (model == "gpt-transcribe")
    bare = events(post(heard_server, stream="true"))
    assert not any("logprobs" in each for each in bare)


def test_deltas_come_while_the_rest_is_being_heard(make_server: MakeServer) -> None:
    server = make_server(listener=ScriptedListener([f"Part {n}." for n in range(6)], delay_s=0.2))
    form = {"model": "gpt-4o-transcribe", "stream": "true"}
    moments_s: list[float] = []
    with server.http.stream("POST", TRANSCRIPTIONS, data=form, files={"file": wav_bytes()}) as answer:
        for _ in answer.iter_lines():
            moments_s.append(time.monotonic())
    assert moments_s[-1] - moments_s[0] > 0.7


@pytest.mark.proves(
    "transcriptions: language",
    "transcriptions: languages",
    "transcriptions: prompt",
    "transcriptions: keywords",
    "transcriptions: temperature",
    "transcriptions: chunking_strategy",
)
@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({}, ListenOptions()),
        ({"language": "de"}, ListenOptions(language="de")),
        ({"language": "de-AT"}, ListenOptions(language="de")),
        ({"language": "German"}, ListenOptions(language="de")),
        ({"language": "", "prompt": "", "response_format": "", "temperature": "", "stream": ""}, ListenOptions()),
        ({"languages": ["de", "EN", "de"]}, ListenOptions(languages=("de", "en"))),
        ({"languages": "pl"}, ListenOptions(languages=("pl",))),
        ({"prompt": "Grüß Gott."}, ListenOptions(prompt="Grüß Gott.")),
        ({"keywords": ["  Kraków ", "ISO\n9001", "", "Kraków"]}, ListenOptions(keywords=("Kraków", "ISO 9001"))),
        ({"temperature": "0.5"}, ListenOptions(temperature=0.5)),
        ({"include": ["logprobs"]}, ListenOptions(token_logprobs=True)),
        ({"chunking_strategy": "auto"}, ListenOptions()),
        ({"chunking_strategy": '{"type": "auto"}'}, ListenOptions()),
        ({"chunking_strategy[type]": "server_vad"}, ListenOptions(chunking=Chunking())),
        (
            {
                "chunking_strategy[type]": "server_vad",
                "chunking_strategy[threshold]": "0.6",
                "chunking_strategy[silence_duration_ms]": "800",
                "chunking_strategy[prefix_padding_ms]": "200",
            },
            ListenOptions(chunking=Chunking(0.6, 0.8, 0.2)),
        ),
        (
            {"chunking_strategy": '{"type": "server_vad", "silence_duration_ms": 500}'},
            ListenOptions(chunking=Chunking(silence_s=0.5)),
        ),
    ],
)
def test_what_is_asked_reaches_the_listener(
    heard_server: ScriptedServer, fields: dict[str, object], options: ListenOptions
) -> None:
    answer = post(heard_server, data=unheard(), **fields)
    assert answer.status_code == 200, answer.text
    assert asked(heard_server) == options


@pytest.mark.parametrize("route", [TRANSCRIPTIONS, TRANSLATIONS])
@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt != "pcm16"])
def test_every_file_type_is_heard_at_its_length(server: ScriptedServer, route: str, fmt: str) -> None:
    sound = encode(Audio.from_pcm16(wav_bytes(2.0, 24_000)[44:], 24_000), fmt)
    answer = post(server, route, sound, response_format="verbose_json").json()
    assert answer["duration"] == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("route", [TRANSCRIPTIONS, TRANSLATIONS])
def test_silence_is_an_empty_transcript(heard_server: ScriptedServer, route: str) -> None:
    silence = wav_bytes(SECONDS, level=0.0)
    assert post(heard_server, route, silence).json()["text"] == ""
    assert post(heard_server, route, silence, response_format="text").text == "\n"
    assert post(heard_server, route, silence, response_format="srt").text == ""
    assert post(heard_server, route, silence, response_format="vtt").text == "WEBVTT\n\n"
    verbose = post(heard_server, route, silence, response_format="verbose_json").json()
    assert verbose["segments"] == []
    assert verbose["language"] == ("unknown" if route == TRANSCRIPTIONS else "english")
    if route == TRANSCRIPTIONS:
        [done] = events(post(heard_server, route, silence, stream="true", model="gpt-transcribe"))
        assert (done["text"], done["languages"], done["usage"]["output_tokens"]) == ("", [], 0)


@pytest.mark.proves(
    "POST /v1/audio/translations",
    "translations: file",
    "translations: model",
    "translations: prompt",
    "translations: response_format",
    "translations: temperature",
)
def test_translations_come_in_every_format(heard_server: ScriptedServer) -> None:
    def translated(**fields: object) -> httpx.Response:
        answer = post(heard_server, TRANSLATIONS, unheard(), **fields)
        assert answer.status_code == 200, answer.text
        return answer

    assert translated(prompt="Kraków", temperature="0.2").json() == {"text": "So it was said."}
    assert asked(heard_server) == ListenOptions(task="translate", prompt="Kraków", temperature=0.2)
    assert translated(response_format="text").text == "So it was said.\n"
    assert translated(response_format="srt").text.endswith("\nSo it was said.\n\n")
    assert translated(response_format="vtt").text.startswith("WEBVTT\n\n00:00:00.000 --> ")
    verbose = translated(response_format="verbose_json").json()
    assert (verbose["task"], verbose["language"], verbose["text"]) == ("translate", "english", "So it was said.")
    assert verbose["segments"][0]["text"] == " So it was said."


def test_a_recording_is_heard_once_until_chance_is_asked_for(make_server: MakeServer) -> None:
    server = make_server()
    listener = server.engines.listener
    for _ in range(2):
        post(server)
        post(server, response_format="srt")
    assert len(listener.heard) == 1
    for _ in range(2):
        post(server, temperature="0.4")
    assert len(listener.heard) == 3


def test_the_official_client_sends_what_we_read(heard_server: ScriptedServer) -> None:
    audio = heard_server.client.audio
    file = ("speech.mp3", unheard())
    whole = audio.transcriptions.create(
        model="whisper-1",
        file=file,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        chunking_strategy={"type": "server_vad", "silence_duration_ms": 700},
        languages=["en", "de"],
        keywords=["Thalberg"],
    )
    assert len(whole.words) == len(TEXT.split())
    assert asked(heard_server) == ListenOptions(
        languages=("en", "de"), keywords=("Thalberg",), chunking=Chunking(silence_s=0.7)
    )
    stream = audio.transcriptions.create(model="gpt-4o-transcribe", file=file, stream=True)
    assert [each.type for each in stream] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert audio.translations.create(model="whisper-1", file=file).text == "So it was said."
    with pytest.raises(BadRequestError) as caught:
        audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"nothing"))
    assert caught.value.param == "file"
