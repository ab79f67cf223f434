"""Requests drawn from our own OpenAPI page, some of them led deeper: a model that exists, recordings that decode."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks

from vivavoce.audio import Audio
from vivavoce.codec.encode import FORMATS, encode
from vivavoce.server.app import create_app
from vivavoce.server.service import Service

load_all_checks()
CHECKS_KEPT = CHECKS.get_by_names(
    ["not_a_server_error", "response_schema_conformance", "content_type_conformance", "status_code_conformance"]
)
LONGEST_S = 30.0
MODEL = "gpt-4o-mini-audio-preview"


def _never() -> Service:
    raise NotImplementedError


API = schemathesis.openapi.from_dict(create_app(_never).openapi())  # pyright: ignore[reportArgumentType]
CHAT = API["/v1/chat/completions"]["POST"]
HEARD = {name: API[f"/v1/audio/{name}"]["POST"] for name in ("transcriptions", "translations")}
SPEECH = API["/v1/audio/speech"]["POST"]
OPERATIONS = {found.ok().label: found.ok() for found in API.get_all_operations()}
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE

COUNTS = {
    CHAT.label: (320, 120),
    **{operation.label: (70, 40) for operation in HEARD.values()},
    SPEECH.label: (70, 40),
    "GET /v1/chat/completions": (40, 20),
    "GET /v1/models": (1, 0),
    "GET /v1/audio/voices": (1, 0),
    "GET /health": (1, 0),
}
"""Operation -> how many requests that keep to the page, and how many that break it."""

COUNT = (20, 10)
"""The same for all others."""


def recordings() -> list[str]:
    """Short sounds in every format, and what is left of them when they are cut; as base64."""
    tone = Audio((0.3 * np.sin(np.arange(6_000) * 0.08)).astype(np.float32), 24_000)
    files = [encode(tone, fmt) for fmt in FORMATS]
    whole = [base64.b64encode(file).decode() for file in files]
    cut = [base64.b64encode(file[: len(file) // 2]).decode() for file in files]
    return [*whole, *cut, f"data:audio/mpeg;base64,{whole[1]}", "", "AAAA", "not base64", "=" * 9]


RECORDINGS = recordings()
DEEPER: list[tuple[str, ...]] = [(), ("model",), *[("model", "sound", "voice")] * 4]


@st.composite
def chat_cases(draw: Callable[..., Any], mode: Any, *, whole_answer: bool = False) -> Any:
    """A case of the chat route. whole_answer: always a model that exists, and a short answer."""
    case = draw(CHAT.as_strategy(generation_mode=mode))
    body = case.body
    if not isinstance(body, dict):
        return case
    steps = ("model", "sound", "voice", "short") if whole_answer else draw(st.sampled_from(DEEPER))
    if "model" in steps:
        body["model"] = MODEL
    if "sound" in steps:
        _replace_sounds(body.get("messages"), lambda: draw(st.sampled_from(RECORDINGS)))
    if "voice" in steps and isinstance(body.get("audio"), dict):
        body["audio"]["voice"] = "alloy"
    if "short" in steps:
        body["max_completion_tokens"] = 8
        body.pop("max_tokens", None)
    return case


FILES = [base64.b64decode(text) for text in RECORDINGS if text[:4].isalnum() and "," not in text and " " not in text]
HEARD_DEEPER: list[tuple[str, ...]] = [(), ("model",), ("model", "sound"), *[("model", "sound", "fewer")] * 5]
FORMS = ("response_format", "stream", "timestamp_granularities[]", "include[]", "known_speaker_names[]")
"""Fields that go with each other or not at all: left out by turns, so that more than refusals are drawn."""


@st.composite
def heard_cases(draw: Callable[..., Any], name: str, mode: Any, *, whole_answer: bool = False) -> Any:
    """A case of a listening route. whole_answer: always a model that exists and a file that may well decode."""
    case = draw(HEARD[name].as_strategy(generation_mode=mode))
    body = case.body
    if not isinstance(body, dict):
        return case
    steps = ("model", "sound", "fewer") if whole_answer else draw(st.sampled_from(HEARD_DEEPER))
    if "model" in steps:
        body["model"] = draw(st.sampled_from(["whisper-1", "gpt-transcribe"]))
    if "sound" in steps:
        body["file"] = draw(st.sampled_from(FILES))
    if "fewer" in steps:
        for field_name in ("known_speaker_names[]", "known_speaker_references[]", "language", "languages[]"):
            body.pop(field_name, None)
        for field_name in FORMS:
            if draw(st.booleans()):
                body.pop(field_name, None)
    return case


@st.composite
def speech_cases(draw: Callable[..., Any], mode: Any, *, whole_answer: bool = False) -> Any:
    """A case of the speaking route. whole_answer: always a model and a voice that exist, and a short text."""
    case = draw(SPEECH.as_strategy(generation_mode=mode))
    body = case.body
    if not isinstance(body, dict):
        return case
    if whole_answer or draw(st.booleans()):
        body |= {"model": "tts-1", "voice": draw(st.sampled_from(["alloy", "cedar", {"id": "af_heart"}]))}
    if whole_answer:
        body["input"] = str(body.get("input"))[:60]
    return case


@st.composite
def kept_cases(draw: Callable[..., Any], label: str, mode: Any) -> tuple[Any, bool]:
    """A case of any other route, and whether to ask for what there is, where it asks for something by its id."""
    return draw(OPERATIONS[label].as_strategy(generation_mode=mode)), draw(st.booleans())


def cases_of(label: str, mode: Any) -> Any:
    """Cases for `Tally.send`: each a case, and whether to ask for what there is."""
    if label == CHAT.label:
        return st.tuples(chat_cases(mode), st.just(False))
    if label == SPEECH.label:
        return st.tuples(speech_cases(mode), st.just(False))
    for name, operation in HEARD.items():
        if label == operation.label:
            return st.tuples(heard_cases(name, mode), st.just(False))
    return kept_cases(label, mode)


def can_be_broken(label: str) -> bool:
    """Whether the page rules anything out: a path of any text, and a query of any texts, cannot be wrong."""
    operation = OPERATIONS[label]
    shapes = [
        shape
        for each in operation.query
        for shape in each.definition["schema"].get("anyOf", [each.definition["schema"]])
    ]
    return bool(operation.body) or any("enum" in shape or shape["type"] not in ("string", "null") for shape in shapes)


@dataclass
class Kept:
    """A stored completion and a spoken answer of a server, made anew once they have been asked for."""

    url: str

    def put_into(self, case: Any) -> None:
        """Have `case` ask for what there is, if it asks for anything by an id that we give."""
        wanted = (case.path_parameters or {}).keys() & {"completion_id", "reply_id"}
        if wanted:
            spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
            body = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "store": True, **spoken}
            answer = requests.post(f"{self.url}/v1/chat/completions", json=body, timeout=LONGEST_S).json()
            ids = {"completion_id": answer["id"], "reply_id": answer["choices"][0]["message"]["audio"]["id"]}
            case.path_parameters |= {name: ids[name] for name in wanted}


def _replace_sounds(value: object, sound: Callable[[], str]) -> None:
    if isinstance(value, list):
        for item in value:
            _replace_sounds(item, sound)
    elif isinstance(value, dict):
        if isinstance(value.get("input_audio"), dict):
            value["input_audio"]["data"] = sound()
        for item in value.values():
            _replace_sounds(item, sound)


@dataclass
class Tally:
    """What came of the cases: how many per status, and the slowest."""

    statuses: dict[int, int] = field(default_factory=dict)
    slowest_s: float = 0.0

    def send(self, case: Any, url: str) -> None:
        """One case: no 5xx, no shape that the page does not know, no hang. A stream must end as streams end."""
        started_s = time.perf_counter()
        with requests.Session() as session:
            # Sent by ourselves: the case's own way of sending reads only the first events of a stream.
            response = session.request(**case.as_transport_kwargs(base_url=url), timeout=LONGEST_S)
        self.slowest_s = max(self.slowest_s, time.perf_counter() - started_s)
        self.statuses[response.status_code] = self.statuses.get(response.status_code, 0) + 1
        case.validate_response(response, checks=CHECKS_KEPT)
        if "event-stream" in response.headers.get("content-type", ""):
            if case.operation.path == CHAT.path:
                _whole_stream(response.content)
            elif case.operation.path == HEARD["transcriptions"].path:
                _whole_transcript(response.content)

    @property
    def cases(self) -> int:
        return sum(self.statuses.values())


def _events(content: bytes) -> list[str]:
    return [line.removeprefix("data: ") for line in content.decode().split("\n\n") if line]


def _whole_transcript(content: bytes) -> None:
    *deltas, done = (json.loads(each) for each in _events(content))
    assert "".join(delta["delta"] for delta in deltas) == done["text"]


def _whole_stream(content: bytes) -> None:
    events = _events(content)
    assert events[-1] == "[DONE]", "a stream ended without [DONE]"
    finished = [json.loads(item)["choices"] for item in events[:-1]]
    assert any(choice["finish_reason"] for choices in finished for choice in choices)
