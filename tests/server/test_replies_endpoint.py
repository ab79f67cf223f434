"""`/v1/audio/replies/{id}` and turns by id: whose they are, how long they live, what is fetched again."""

from __future__ import annotations

import base64
import io
import logging
import time
import wave
from pathlib import Path

import httpx
import pytest
from openai import BadRequestError, OpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState
from scripted_app import ANSWER, MakeServer, ScriptedServer, spoken

from vivavoce.codec.decode import decode
from vivavoce.codec.encode import CONTENT_TYPES, FORMATS
from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedThinker

MODEL = "gpt-4o-mini-audio-preview"
BOTH = ["text", "audio"]


def answered(client: OpenAI, fmt: str = "wav", **fields: object) -> tuple[str, bytes, int]:
    """(id, sound, expires_at) of a spoken answer."""
    audio = {"voice": "alloy", "format": fmt}
    done = client.chat.completions.create(model=MODEL, modalities=BOTH, audio=audio, messages=spoken(), **fields)
    reply = done.choices[0].message.audio
    return reply.id, base64.b64decode(reply.data), reply.expires_at


def streamed(client: OpenAI, fmt: str, **fields: object) -> tuple[str, bytes]:
    """(id, sound) of an answer that was streamed."""
    reply_id, sound = "", b""
    audio = {"voice": "alloy", "format": fmt}
    for chunk in client.chat.completions.create(
        model=MODEL, modalities=BOTH, audio=audio, messages=spoken(), stream=True, **fields
    ):
        for part in (choice.delta.audio for choice in chunk.choices if choice.delta.audio):
            reply_id += part.id or ""
            sound += base64.b64decode(part.data or "")
    return reply_id, sound


def fetch(server: ScriptedServer, reply_id: str, key: str = "none", **query: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return server.http.get(f"/v1/audio/replies/{reply_id}", headers=headers, params=query)


def name(client: OpenAI, reply_id: str) -> None:
    """A turn that names an earlier answer."""
    earlier = {"role": "assistant", "audio": {"id": reply_id}}
    client.chat.completions.create(model=MODEL, messages=[earlier, {"role": "user", "content": "and three?"}])


@pytest.mark.proves("GET, DELETE /v1/audio/replies/{id}")
@pytest.mark.parametrize("fmt", FORMATS)
def test_an_answer_is_fetched_again_as_it_was_sent(server: ScriptedServer, fmt: str) -> None:
    reply_id, sound, _ = answered(server.client, fmt)
    again = fetch(server, reply_id)
    assert (again.status_code, again.headers["content-type"]) == (200, CONTENT_TYPES[fmt])
    assert again.content == sound
    assert int(again.headers["content-length"]) == len(sound)


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_streamed_answer_is_fetched_as_a_whole_file(server: ScriptedServer, fmt: str) -> None:
    reply_id, sound = streamed(server.client, fmt)
    again = fetch(server, reply_id).content
    if fmt == "pcm16":
        assert again == sound
        return
    heard, sent = decode(again), decode(sound)
    assert abs(heard.duration_s - sent.duration_s) < 0.1
    if fmt == "wav":
        with wave.open(io.BytesIO(again)) as file:
            assert file.readframes(10**9) == again[44:] == sound[44:]
        assert b"\xff\xff\xff\xff" in sound[:44]


def test_another_format_may_be_asked_for(server: ScriptedServer) -> None:
    reply_id, _, _ = answered(server.client, "pcm16")
    again = fetch(server, reply_id, format="mp3")
    assert again.headers["content-type"] == "audio/mpeg"
    assert decode(again.content).duration_s > 1
    wrong = fetch(server, reply_id, format="midi")
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "format")


def test_head_tells_without_sending(server: ScriptedServer) -> None:
    reply_id, sound, _ = answered(server.client)
    head = server.http.head(f"/v1/audio/replies/{reply_id}", headers={"authorization": "Bearer none"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(sound)))


def test_an_answer_cut_by_its_cap_is_kept_too(server: ScriptedServer) -> None:
    reply_id, sound = streamed(server.client, "pcm16", max_completion_tokens=20)
    assert 0 < len(sound) <= 20 * 2400
    assert fetch(server, reply_id).content == sound
    name(server.client, reply_id)


def test_an_answer_without_sound_is_kept_too(make_server: MakeServer) -> None:
    server = make_server(answer="…")
    reply_id, sound, _ = answered(server.client)
    assert fetch(server, reply_id).content == sound
    name(server.client, reply_id)
    assert server.engines.thinker.asked[-1][0].text == "…"


@pytest.mark.parametrize("key", ["somebody-else", ""])
def test_somebody_elses_answer_is_not_found_nor_forgotten(server: ScriptedServer, key: str) -> None:
    reply_id, sound, _ = answered(server.client)
    unknown = "audio_" + "0" * 32
    foreign, missing = fetch(server, reply_id, key), fetch(server, unknown, key)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["error"]["code"] == "audio_not_found"
    assert foreign.text.replace(reply_id, unknown) == missing.text
    headers = {"authorization": f"Bearer {key}"} if key else {}
    assert server.http.delete(f"/v1/audio/replies/{reply_id}", headers=headers).status_code == 404
    with (
        OpenAI(base_url=f"{server.url}/v1", api_key=key or "x", max_retries=0) as other,
        pytest.raises(BadRequestError) as caught,
    ):
        name(other, reply_id)
    assert (caught.value.code, caught.value.param) == ("audio_not_found", "messages[0].audio.id")
    assert fetch(server, reply_id).content == sound


@pytest.mark.proves("GET, DELETE /v1/audio/replies/{id}")
def test_an_answer_can_be_forgotten_now(server: ScriptedServer) -> None:
    reply_id, _, _ = answered(server.client)
    headers = {"authorization": "Bearer none"}
    gone = server.http.delete(f"/v1/audio/replies/{reply_id}", headers=headers)
    assert gone.json() == {"id": reply_id, "object": "audio.reply.deleted", "deleted": True}
    assert server.http.delete(f"/v1/audio/replies/{reply_id}", headers=headers).status_code == 404
    assert fetch(server, reply_id).status_code == 404
    with pytest.raises(BadRequestError, match=f"Assistant audio {reply_id} not found"):
        name(server.client, reply_id)


@pytest.mark.proves("expires_at", "audio_not_found")
def test_an_id_expires_when_it_says(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(reply_ttl_s=2))
    reply_id, _, expires_at = answered(server.client)
    assert fetch(server, reply_id).status_code == 200
    time.sleep(max(0.0, expires_at - time.time()))
    assert fetch(server, reply_id).json()["error"]["code"] == "audio_not_found"
    with pytest.raises(BadRequestError) as caught:
        name(server.client, reply_id)
    assert caught.value.code == "audio_not_found"


def test_a_restart_forgets_nothing(make_server: MakeServer) -> None:
    """Both servers of one test share a folder."""
    first = make_server()
    reply_id, sound, _ = answered(first.client)
    second = make_server()
    assert fetch(second, reply_id).content == sound
    name(second.client, reply_id)
    assert second.engines.thinker.asked[-1][0].text == ANSWER


def test_a_damaged_file_is_not_found(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server()
    reply_id, _, _ = answered(server.client)
    next((tmp_path / "sounds").iterdir()).write_bytes(b"damaged")
    lost = fetch(server, reply_id)
    assert (lost.status_code, lost.json()["error"]["code"]) == (404, "audio_not_found")
    name(server.client, reply_id)


def test_a_broken_folder_is_a_fault_that_says_what_to_do(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server()
    reply_id, _, _ = answered(server.client)
    (tmp_path / "sounds").rename(tmp_path / "elsewhere")
    (tmp_path / "sounds").write_bytes(b"")
    fault = fetch(server, reply_id)
    assert (fault.status_code, fault.json()["error"]["code"]) == (500, "storage_failed")
    assert "VIVA_DATA_DIR" in fault.json()["error"]["message"]
    assert fault.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_cannot_be_kept_is_given_without_a_promise(
    make_server: MakeServer, tmp_path: Path, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    server = make_server()
    (tmp_path / "sounds").rmdir()
    (tmp_path / "sounds").write_bytes(b"")
    asked = {"model": MODEL, "modalities": BOTH, "audio": {"voice": "alloy", "format": "pcm16"}, "messages": spoken()}
    if stream:
        state = ChatCompletionStreamState()
        for chunk in server.client.chat.completions.create(**asked, stream=True):
            state.handle_chunk(chunk)
        reply = state.get_final_completion().choices[0].message.audio
    else:
        reply = server.client.chat.completions.create(**asked).choices[0].message.audio
    assert reply.transcript == ANSWER
    assert len(base64.b64decode(reply.data)) > 10_000
    assert reply.expires_at <= time.time()
    assert "Not a directory" in caplog.text
    assert ANSWER not in caplog.text
    with pytest.raises(BadRequestError) as caught:
        name(server.client, reply.id)
    assert caught.value.code == "audio_not_found"


def test_a_client_that_hangs_up_leaves_nothing(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(thinker=ScriptedThinker(ANSWER, delay_s=0.05))
    asked = {"model": MODEL, "modalities": BOTH, "audio": {"voice": "alloy", "format": "pcm16"}, "messages": spoken()}
    with server.http.stream("POST", "/v1/chat/completions", json=asked | {"stream": True}) as response:
        next(line for line in response.iter_lines() if '"data"' in line)
    waited_s = 0.0
    while server.engines.thinker.busy and waited_s < 5:
        time.sleep(0.05)
        waited_s += 0.05
    assert server.engines.thinker.busy == 0
    assert list((tmp_path / "sounds").iterdir()) == []


def test_ids_and_words_stay_out_of_the_log(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="vivavoce"):
        reply_id, _, _ = answered(server.client)
        fetch(server, reply_id)
        fetch(server, reply_id, "somebody-else")
        fetch(server, reply_id, format="midi")
    assert "GET /v1/audio/replies/{reply_id}" in caplog.text
    for secret in (reply_id, ANSWER, "two plus two", "somebody-else"):
        assert secret not in caplog.text


def test_the_folder_holds_no_word_no_id_and_no_sample(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server()
    reply_id, sound, _ = answered(server.client, "pcm16")
    found = b"".join(str(file).encode() + file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert len(found) > len(sound) / 4
    for legible in (reply_id.encode(), reply_id[6:].encode(), ANSWER.encode()[:20], b"two plus two", b"scripted"):
        assert legible not in found
    assert not any(sound[at : at + 48] in found for at in range(0, len(sound) - 48, 4_800) if any(sound[at : at + 48]))
