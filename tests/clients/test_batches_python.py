"""The unmodified official Python client, under strict validation: files and batches over real weights."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, NotFoundError, OpenAI
from openai.types import Batch
from openai.types.chat import ChatCompletion
from real_servers import RealServer

pytestmark = pytest.mark.real

CHAT = "/v1/chat/completions"
HEARD = "/v1/audio/transcriptions"


@pytest.fixture(scope="module")
def strict(real_server: RealServer) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"{real_server.url}/v1", api_key="none", max_retries=0, timeout=120, _strict_response_validation=True
    ) as client:
        yield client


def line(custom_id: str, url: str, **body: Any) -> bytes:
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body}).encode() + b"\n"


def run(client: OpenAI, endpoint: Any, *lines: bytes) -> Batch:
    uploaded = client.files.create(file=("lines.jsonl", b"".join(lines)), purpose="batch")
    batch = client.batches.create(input_file_id=uploaded.id, endpoint=endpoint, completion_window="24h")
    deadline_s = time.monotonic() + 120
    while (batch := client.batches.retrieve(batch.id)).status not in ("completed", "failed"):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    return batch


def results(client: OpenAI, file_id: str | None) -> dict[str, Any]:
    assert file_id is not None
    told = (json.loads(each) for each in client.files.content(file_id).text.splitlines())
    return {each["custom_id"]: each["response"] for each in told}


@pytest.mark.proves(
    "openai (Python)",
    "POST /v1/batches",
    "GET /v1/batches/{id}",
    "batches: input_file_id",
    "batches: completion_window",
    "batches: output and errors",
)
def test_spoken_questions_are_answered_in_a_batch(strict: OpenAI, question: Path) -> None:
    recording = {"data": base64.b64encode(question.read_bytes()).decode(), "format": "mp3"}
    messages = [{"role": "user", "content": [{"type": "input_audio", "input_audio": recording}]}]
    asked = {"model": "gpt-4o-mini-audio-preview", "messages": messages, "max_completion_tokens": 150}
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}}
    batch = run(
        strict,
        CHAT,
        line("text", CHAT, **asked),
        line("spoken", CHAT, **asked, **spoken),
        line("bad", CHAT, model="gpt-audio"),
    )
    assert batch.request_counts is not None
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 1)
    answers = results(strict, batch.output_file_id)
    written = ChatCompletion.model_validate(answers["text"]["body"])
    assert "Paris" in (written.choices[0].message.content or "")
    audio = ChatCompletion.model_validate(answers["spoken"]["body"]).choices[0].message.audio
    assert audio is not None
    assert "Paris" in audio.transcript
    assert len(base64.b64decode(audio.data)) > 5_000
    (refused,) = results(strict, batch.error_file_id).values()
    assert (refused["status_code"], refused["body"]["error"]["param"]) == (400, "messages")


@pytest.mark.proves("batches: endpoint", "batches: recordings")
def test_recordings_are_transcribed_in_a_batch(strict: OpenAI, question: Path) -> None:
    uploaded = strict.files.create(file=question, purpose="user_data")
    inline = base64.b64encode(question.read_bytes()).decode()
    batch = run(
        strict,
        HEARD,
        line("inline", HEARD, model="whisper-1", file=inline),
        line("named", HEARD, model="gpt-4o-transcribe", file_id=uploaded.id),
        line("srt", HEARD, model="whisper-1", file_id=uploaded.id, response_format="srt"),
    )
    answers = results(strict, batch.output_file_id)
    for name in ("inline", "named"):
        assert "capital of France" in answers[name]["body"]["text"]
    assert "capital of France" in answers["srt"]["body"]
    assert answers["named"]["body"]["usage"]["input_token_details"]["audio_tokens"] > 10


@pytest.mark.proves(
    "POST /v1/files",
    "GET /v1/files",
    "GET /v1/files/{id}",
    "GET /v1/files/{id}/content",
    "DELETE /v1/files/{id}",
    "files: file",
    "files: purpose",
    "files: expires_after",
)
def test_files_are_kept_listed_read_and_deleted(strict: OpenAI, tmp_path: Path) -> None:
    made = strict.files.create(
        file=("a.jsonl", b"x" * 3_000_000), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    other = strict.files.create(file=("b.wav", b"y"), purpose="user_data")
    assert strict.files.wait_for_processing(made.id).status == "processed"
    assert [file.id for file in strict.files.list(limit=1)][:2] == [other.id, made.id]
    assert made.id not in [file.id for file in strict.files.list(purpose="user_data", order="asc")]
    with strict.files.with_streaming_response.content(made.id) as content:
        content.stream_to_file(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"x" * 3_000_000
    assert strict.files.delete(made.id).deleted
    with pytest.raises(NotFoundError):
        strict.files.retrieve(made.id)


@pytest.mark.proves("POST /v1/batches/{id}/cancel", "GET /v1/batches", "batches: metadata", "batches: errors by line")
async def test_the_async_client_cancels_lists_and_is_told_what_is_wrong(real_server: RealServer) -> None:
    async with AsyncOpenAI(
        base_url=f"{real_server.url}/v1", api_key="none", max_retries=0, _strict_response_validation=True
    ) as client:
        asked = {"model": "gpt-audio", "messages": [{"role": "user", "content": "Tell me a long story."}]}
        lines = b"".join(line(str(number), CHAT, **asked) for number in range(30))
        made = await client.files.create(file=("lines.jsonl", lines), purpose="batch")
        batch = await client.batches.create(
            input_file_id=made.id, endpoint=CHAT, completion_window="24h", metadata={"of": "mine"}
        )
        assert (await client.batches.cancel(batch.id)).status in ("cancelling", "cancelled")
        made = await client.files.create(file=("bad.jsonl", line("1", HEARD, **asked)), purpose="batch")
        bad = await client.batches.create(input_file_id=made.id, endpoint=CHAT, completion_window="24h")
        deadline_s = time.monotonic() + 60
        while (batch := await client.batches.retrieve(batch.id)).status != "cancelled" or (
            bad := await client.batches.retrieve(bad.id)
        ).status != "failed":
            assert time.monotonic() < deadline_s
        assert batch.metadata == {"of": "mine"}
        assert [each.id async for each in client.batches.list(limit=1)][:2] == [bad.id, batch.id]
        assert bad.errors is not None
        (issue,) = bad.errors.data or []
        assert (issue.line, issue.code, issue.param) == (1, "url_mismatch", "url")
