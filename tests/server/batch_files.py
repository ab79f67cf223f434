"""Batches under test: lines of an input, an input uploaded, a batch waited for, what came of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import httpx
from openai import OpenAI
from openai.types import Batch
from scripted_app import eventually, wav_bytes

CHAT = "/v1/chat/completions"
HEARD = "/v1/audio/transcriptions"
MODEL = "gpt-4o-mini-audio-preview"


def chat_line(custom_id: str, **body: Any) -> dict[str, Any]:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": f"Question {custom_id}?"}], **body}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": asked}


def heard_line(custom_id: str, **body: Any) -> dict[str, Any]:
    asked = {"model": "whisper-1", **body}
    if "file" not in asked and "file_id" not in asked:
        asked["file"] = base64.b64encode(wav_bytes()).decode()
    return {"custom_id": custom_id, "method": "POST", "url": HEARD, "body": asked}


def jsonl(lines: Iterable[object]) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def started(client: OpenAI, lines: Iterable[object], endpoint: Any = CHAT, **more: Any) -> Batch:
    uploaded = client.files.create(file=("lines.jsonl", jsonl(lines)), purpose="batch")
    return client.batches.create(input_file_id=uploaded.id, endpoint=endpoint, completion_window="24h", **more)


ENDED = ("completed", "failed", "expired", "cancelled")


def ended(client: OpenAI, batch: Batch, within_s: float = 20.0) -> Batch:
    def over() -> Batch | None:
        seen = client.batches.retrieve(batch.id)
        return seen if seen.status in ENDED else None

    return eventually(over, within_s)


def run(client: OpenAI, lines: Iterable[object], endpoint: Any = CHAT, **more: Any) -> Batch:
    return ended(client, started(client, lines, endpoint, **more))


def lines_of(client: OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    if file_id is None:
        return []
    return [json.loads(line) for line in client.files.content(file_id).content.splitlines()]


def upload(http: httpx.Client, data: bytes = b"{}", purpose: str = "batch", **more: Any) -> httpx.Response:
    return http.post("/v1/files", files={"file": ("a.jsonl", data)}, data={"purpose": purpose, **more})
