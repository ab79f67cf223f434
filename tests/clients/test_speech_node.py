"""The official JavaScript client has texts spoken through real weights."""

from __future__ import annotations

import base64
from typing import Any

import jiwer
import pytest
from node_clients import run_script
from real_servers import RealServer
from whisper_normalizer.english import EnglishTextNormalizer

from vivavoce.codec.decode import decode
from vivavoce.codec.encode import CONTENT_TYPES

pytestmark = pytest.mark.real

TEXT = "The museum opens at nine in the morning. On Sundays it stays closed, so please come on another day."
TYPES = {fmt: CONTENT_TYPES[fmt] for fmt in ("mp3", "opus", "aac", "flac", "wav")} | {"pcm": CONTENT_TYPES["pcm16"]}


@pytest.fixture(scope="module")
def seen(real_server: RealServer) -> dict[str, Any]:
    return run_script("speech.mjs", base_url=f"{real_server.url}/v1", text=TEXT)


def sound_of(file: dict[str, str]) -> bytes:
    return base64.b64decode(file["data"])


@pytest.mark.proves("openai (JavaScript)", "speech: response_format")
@pytest.mark.parametrize("fmt", TYPES)
def test_every_format_says_the_text(real_server: RealServer, seen: dict[str, Any], fmt: str) -> None:
    file = seen["files"][fmt]
    assert file["type"].startswith(TYPES[fmt])
    sound = sound_of(file)
    plain_s = len(sound_of(seen["files"]["pcm"])) / 48_000
    if fmt == "pcm":
        assert 4 < plain_s < 12
        return
    assert decode(sound).duration_s == pytest.approx(plain_s, abs=0.1)
    heard = real_server.client.audio.transcriptions.create(model="whisper-1", file=(f"a.{fmt}", sound)).text
    normalise = EnglishTextNormalizer()
    assert jiwer.wer(normalise(TEXT), normalise(heard)) <= 0.1


def test_mp3_comes_unasked_and_speed_is_kept_to(seen: dict[str, Any]) -> None:
    assert seen["fast"]["type"] == "audio/mpeg"
    plain_s = len(sound_of(seen["files"]["pcm"])) / 48_000
    assert decode(sound_of(seen["fast"])).duration_s == pytest.approx(plain_s / 2, rel=0.1)


@pytest.mark.proves("openai (JavaScript)", "POST /v1/audio/speech")
def test_the_body_is_read_while_it_is_made(seen: dict[str, Any]) -> None:
    streamed = seen["streamed"]
    assert streamed["pieces"] > 4
    assert streamed["bytes"] / 48_000 > 16
    assert streamed["first_ms"] < streamed["whole_ms"] / 3


@pytest.mark.proves("openai (JavaScript)", "speech: stream_format")
def test_events_hold_the_same_sound_and_its_count(seen: dict[str, Any]) -> None:
    *deltas, done = seen["events"]
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    sound = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert sound == sound_of(seen["files"]["pcm"])
    assert done["type"] == "speech.audio.done"
    assert done["usage"]["output_tokens"] == int(len(sound) / 48_000 * 20)
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"]


def test_refusals_are_the_clients_own(seen: dict[str, Any]) -> None:
    assert seen["refused"] == {"name": "BadRequestError", "status": 400, "code": "invalid_value", "param": "voice"}
