"""The official JavaScript client hears files through real weights."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from node_clients import run_script
from real_servers import RealServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def seen(real_server: RealServer, question: Path) -> dict[str, Any]:
    recording = base64.b64encode(question.read_bytes()).decode()
    return run_script("transcriptions.mjs", base_url=f"{real_server.url}/v1", recording=recording)


@pytest.mark.proves("openai (JavaScript)", "POST /v1/audio/transcriptions")
def test_every_format_is_read(seen: dict[str, Any]) -> None:
    verbose = seen["verbose"]
    assert "capital of France" in verbose["text"]
    assert verbose["language"] == "english"
    assert [word["word"] for word in verbose["words"]] == verbose["text"].split()
    assert "".join(segment["text"] for segment in verbose["segments"]).strip() == verbose["text"]
    assert seen["texts"]["text"].strip() == seen["json"]["text"]
    assert " --> " in seen["texts"]["srt"]
    assert seen["texts"]["vtt"].startswith("WEBVTT")
    assert seen["json"]["usage"]["type"] == "tokens"
    assert "".join(row["token"] for row in seen["json"]["logprobs"]) == seen["json"]["text"]


@pytest.mark.proves("openai (JavaScript)", "transcriptions: stream")
def test_a_stream_is_iterated(seen: dict[str, Any]) -> None:
    *deltas, done = seen["events"]
    assert {delta["type"] for delta in deltas} == {"transcript.text.delta"}
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == seen["json"]["text"]
    assert done["usage"]["total_tokens"] > done["usage"]["output_tokens"] > 0


def test_translations_and_refusals(seen: dict[str, Any]) -> None:
    assert "capital of France" in seen["translated"]["text"]
    (said,) = seen["diarized"]["segments"]
    assert (said["speaker"], said["text"]) == ("A", seen["diarized"]["text"])
    assert seen["refused"] == {
        "name": "BadRequestError",
        "status": 400,
        "code": "invalid_value",
        "param": "known_speaker_references",
    }
