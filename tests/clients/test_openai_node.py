"""The official JavaScript client: in Node, and in a real browser page, against real servers."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from node_clients import run_script
from real_servers import RealServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def seen(tiny_server: RealServer, question: Path) -> dict[str, dict[str, object]]:
    recording = base64.b64encode(question.read_bytes()).decode()
    return run_script("conversation.mjs", base_url=f"{tiny_server.url}/v1", recording=recording)


@pytest.mark.proves("openai (JavaScript)")
def test_a_whole_answer_arrives(seen: dict[str, dict]) -> None:
    whole = seen["whole"]
    assert whole["id"].startswith("audio_")
    assert whole["transcript"].strip()
    assert whole["bytes"] > 10_000
    assert whole["finish_reason"] in ("stop", "length")
    assert 86_000 < whole["expires_at"] - time.time() <= 86_400


@pytest.mark.proves("openai (JavaScript)", "stream order")
def test_the_stream_runner_rebuilds_the_answer(seen: dict[str, dict]) -> None:
    streamed = seen["streamed"]
    assert streamed["ids"] == [streamed["id"]]
    assert streamed["transcript"].strip()
    assert streamed["finish_reason"] in ("stop", "length")
    assert streamed["usage"] == streamed["usage_chunk"]
    assert streamed["same_sound"]
    assert streamed["usage"]["completion_tokens_details"]["audio_tokens"] == streamed["bytes"] * 20 // 48_000
    assert 86_000 < streamed["expires_at"] - time.time() <= 86_400


@pytest.mark.proves("assistant audio.id")
def test_turns_go_on_by_id(seen: dict[str, dict]) -> None:
    assert set(seen["turns"]) == {"whole", "streamed", "streamed, empty content"}
    assert all(transcript.strip() for transcript in seen["turns"].values())


def test_errors_are_the_clients_own(seen: dict[str, dict]) -> None:
    assert seen["refused"] == {
        "name": "BadRequestError",
        "status": 400,
        "code": "audio_not_found",
        "param": "messages[1].audio.id",
    }


def test_models_are_paged(seen: dict[str, object]) -> None:
    assert "gpt-4o-mini-audio-preview" in seen["models"]
