"""Turns by id on whole `viva serve` processes: a kill, a restart, expiry on the disk, nothing ever heard twice."""

from __future__ import annotations

import base64
import re
import time
from pathlib import Path

import httpx
import pytest
from openai import BadRequestError, OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from real_servers import RealServer, serving

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode

MODEL = "gpt-4o-mini-audio-preview"
BOTH = ["text", "audio"]
PCM = {"voice": "alloy", "format": "pcm16"}
SCRIPTED = {
    "VIVA_LISTEN": "scripted:what is two plus two",
    "VIVA_THINK": "scripted:The answer to that is four.",
    "VIVA_SPEAK": "scripted:hum",
}
QUESTION = {"role": "user", "content": "What is two plus two?"}


def answered(server: RealServer) -> tuple[str, bytes]:
    done = server.client.chat.completions.create(model=MODEL, modalities=BOTH, audio=PCM, messages=[QUESTION])
    reply = done.choices[0].message.audio
    return reply.id, base64.b64decode(reply.data)


def fetch(server: RealServer, reply_id: str) -> httpx.Response:
    return httpx.get(f"{server.url}/v1/audio/replies/{reply_id}", headers={"authorization": "Bearer none"})


def name(server: RealServer, reply_id: str) -> None:
    earlier = {"role": "assistant", "audio": {"id": reply_id}}
    server.client.chat.completions.create(model=MODEL, messages=[QUESTION, earlier, QUESTION])


def test_an_id_survives_a_kill(tmp_path: Path) -> None:
    with serving(**SCRIPTED, VIVA_DATA_DIR=str(tmp_path)) as first:
        reply_id, sound = answered(first)
        first.process.kill()
        first.process.wait(10)
    with serving(**SCRIPTED, VIVA_DATA_DIR=str(tmp_path)) as second:
        assert fetch(second, reply_id).content == sound
        name(second, reply_id)
        assert reply_id not in second.log.read_text()


def test_what_expires_is_gone_from_the_disk(tmp_path: Path) -> None:
    with serving(**SCRIPTED, VIVA_DATA_DIR=str(tmp_path), VIVA_REPLY_TTL_S="1") as server:
        reply_id, _ = answered(server)
        deadline_s = time.monotonic() + 20
        while list((tmp_path / "sounds").iterdir()) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert list((tmp_path / "sounds").iterdir()) == []
        assert fetch(server, reply_id).status_code == 404
        with pytest.raises(BadRequestError) as caught:
            name(server, reply_id)
        assert (caught.value.code, caught.value.param) == ("audio_not_found", "messages[1].audio.id")


@pytest.mark.real
def test_a_second_turn_does_not_hear_the_first_again(real_server: RealServer, question: Path) -> None:
    def turn(*messages: dict[str, object]) -> tuple[object, float]:
        done = real_server.client.chat.completions.with_raw_response.create(
            model=MODEL, modalities=BOTH, audio=PCM, messages=list(messages), max_tokens=60
        )
        heard_ms = float(re.search(r"heard;dur=([\d.]+)", done.headers["server-timing"])[1])
        return done.parse().choices[0].message, heard_ms

    # A recording that no other test of this server has sent.
    recording = Audio.join((decode(question.read_bytes(), rate_hz=24_000), Audio.silence(0.7, 24_000)), 24_000)
    sound = base64.b64encode(encode(recording, "wav")).decode()
    asked = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}]}
    first, first_ms = turn(asked)
    second, second_ms = turn(asked, {"role": "assistant", "audio": {"id": first.audio.id}}, QUESTION)
    print(f"heard in {first_ms:.0f} ms, then in {second_ms:.0f} ms")
    assert second.heard == first.heard
    assert "capital of france" in second.heard[0]["transcript"].lower()
    assert second_ms < first_ms / 3


@pytest.mark.real
@pytest.mark.proves("conversations")
def test_a_conversation_goes_on_over_a_restart_with_two_workers(tmp_path: Path, question: Path) -> None:
    settings = {"VIVA_PROFILE": "tiny", "VIVA_WORKERS": "2", "VIVA_DATA_DIR": str(tmp_path)}
    recording = {
        "type": "input_audio",
        "input_audio": {"data": base64.b64encode(question.read_bytes()).decode(), "format": "mp3"},
    }
    messages: list[dict[str, object]] = [{"role": "user", "content": [recording]}]
    answered_by: set[int] = set()
    for turn in range(3):
        with serving(**settings) as server:
            for _ in range(2):
                # A client of its own opens a connection of its own, which either worker may take.
                with OpenAI(base_url=f"{server.url}/v1", api_key="sk-one", max_retries=0, timeout=120) as client:
                    messages.append(spoken_reply(client, messages, stream=turn % 2 == 0))
                messages.append({"role": "user", "content": "And what else?"})
            answered_by |= both_workers(server)
    assert len(answered_by) == 6, "three servers of two workers"
    assert len({message["audio"]["id"] for message in messages if message["role"] == "assistant"}) == 6


def spoken_reply(client: OpenAI, messages: list[dict[str, object]], *, stream: bool) -> dict[str, object]:
    """The next answer, as a message that names it by its id alone."""
    asked = {"model": MODEL, "modalities": BOTH, "audio": PCM, "messages": messages, "max_completion_tokens": 200}
    if not stream:
        return {
            "role": "assistant",
            "audio": {"id": client.chat.completions.create(**asked).choices[0].message.audio.id},
        }
    state = ChatCompletionStreamState()
    for chunk in client.chat.completions.create(**asked, stream=True):
        state.handle_chunk(chunk)
    return {"role": "assistant", "audio": {"id": state.current_completion_snapshot.choices[0].message.audio.id}}


def both_workers(server: RealServer) -> set[int]:
    seen: set[int] = set()
    deadline_s = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < deadline_s:
        seen.add(httpx.get(f"{server.url}/health").json()["worker"])
    return seen
