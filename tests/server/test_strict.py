"""The original's refusals with its texts under `strict`; without it, each of them is answered."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from scripted_app import MakeServer, audio_part, spoken, wav_bytes

MODEL = "gpt-4o-mini-audio-preview"
SPOKEN: dict[str, Any] = {
    "model": MODEL,
    "modalities": ["text", "audio"],
    "audio": {"voice": "alloy", "format": "wav"},
    "messages": spoken(),
}
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, str | None, str | None]]] = {
    "text only": (
        {"modalities": ["text"], "audio": None, "messages": [{"role": "user", "content": "Hello"}]},
        (
            "This model requires that either input content or output modality contain audio.",
            "model",
            "invalid_value",
        ),
    ),
    "wav streamed": (
        {"stream": True},
        (
            "'audio.format' does not support 'wav' when stream=true. Supported values are: 'pcm16'.",
            "audio.format",
            "unsupported_value",
        ),
    ),
    "a voice of ours": (
        {"audio": {"voice": "am_adam", "format": "wav"}},
        (
            "Invalid value: 'am_adam'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'fable', "
            "'nova', 'onyx', 'sage', 'shimmer', 'verse', 'marin', and 'cedar'.",
            "audio.voice",
            "invalid_value",
        ),
    ),
    "metadata of nothing": (
        {"metadata": {"a": "1"}},
        ("The 'metadata' parameter is only allowed when 'store' is enabled.", "metadata", None),
    ),
    "flac in": (
        {"messages": spoken(audio_part(wav_bytes(), "flac"))},
        (
            "Invalid value: 'flac'. Supported values are: 'wav' and 'mp3'.",
            "messages[0].content[0].input_audio.format",
            "invalid_value",
        ),
    ),
    "an unknown id with its words": (
        {"messages": [*spoken(), {"role": "assistant", "audio": {"id": "audio_1"}, "content": "Four."}, *spoken()]},
        ("Assistant audio audio_1 not found.", "content.messages[1].audio.id", "audio_not_found"),
    ),
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


def body(changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (copy.deepcopy(SPOKEN) | changes).items() if value is not None}


@pytest.mark.proves("strict refusals")
@pytest.mark.parametrize("case", REFUSED)
def test_strict_refuses_as_the_original_did(make_server: MakeServer, case: str) -> None:
    changes, (message, param, code) = REFUSED[case]
    server = make_server()
    server.service.strict = True
    answer = server.http.post("/v1/chat/completions", json=body(changes))
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


@pytest.mark.parametrize("case", REFUSED)
def test_without_it_the_same_request_is_answered(make_server: MakeServer, case: str) -> None:
    answer = make_server().http.post("/v1/chat/completions", json=body(REFUSED[case][0]))
    assert answer.status_code == 200, answer.text


def test_bytes_that_are_no_sound_are_told_in_both_ways(make_server: MakeServer) -> None:
    server = make_server()
    request = body({"messages": spoken(audio_part(b"no sound at all"))})
    error = server.http.post("/v1/chat/completions", json=request).json()["error"]
    assert (error["param"], error["code"]) == ("messages[0].content[0].input_audio.data", "unsupported_format")
    server.service.strict = True
    error = server.http.post("/v1/chat/completions", json=request).json()["error"]
    assert (error["param"], error["code"]) == ("messages", "unsupported_format")
    assert error["message"] == "This model does not support the format you provided."


def test_schemas_are_refused_as_the_original_did(make_server: MakeServer) -> None:
    server = make_server()
    server.service.strict = True
    request = body({"modalities": ["text"], "audio": None, "response_format": SCHEMA})
    error = server.http.post("/v1/chat/completions", json=request).json()["error"]
    assert error["message"].startswith(
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
    )
    assert (error["param"], error["code"]) == (None, None)


def test_what_the_original_did_passes(make_server: MakeServer) -> None:
    server = make_server()
    server.service.strict = True
    assert server.http.post("/v1/chat/completions", json=body({})).status_code == 200
    pcm = {"audio": {"voice": "alloy", "format": "pcm16"}, "stream": True}
    assert server.http.post("/v1/chat/completions", json=body(pcm)).status_code == 200
    heard = {"modalities": ["text"], "audio": None}
    assert server.http.post("/v1/chat/completions", json=body(heard)).status_code == 200
