"""Batches as `/v1/batches` takes and tells them, and the lines of the files that come of them. Shapes only; knows no
route."""

from __future__ import annotations

import json
import secrets
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from vivavoce.ledger.batches import TIMES, Batch
from vivavoce.server.wire.chat_request import Metadata
from vivavoce.server.wire.files import ExpiresAfter
from vivavoce.server.wire.listing import ListAnswer

Endpoint = Literal["/v1/chat/completions", "/v1/audio/transcriptions"]


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BatchRequest(_Wire):
    input_file_id: str
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    output_expires_after: ExpiresAfter | None = None


class BatchIssue(_Wire):
    """What is wrong with the input; `line` counts from 1, null: with all of it."""

    code: str
    message: str
    param: str | None
    line: int | None


class BatchIssues(_Wire):
    object: Literal["list"]
    data: list[BatchIssue]


class RequestCounts(_Wire):
    total: int
    completed: int
    failed: int


class InputDetails(_Wire):
    cached_tokens: int


class OutputDetails(_Wire):
    reasoning_tokens: int


class BatchUsage(_Wire):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class BatchObject(_Wire):
    """Times in Unix seconds; those of what did not happen are null. `model`: that of all lines, null if several."""

    id: str
    object: Literal["batch"]
    endpoint: Endpoint
    model: str | None
    errors: BatchIssues | None
    input_file_id: str
    completion_window: Literal["24h"]
    status: Literal[
        "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
    ]
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    usage: BatchUsage
    metadata: Metadata | None


class BatchList(ListAnswer):
    data: list[BatchObject]


def batch_object(batch: Batch) -> dict[str, Any]:
    issues = [
        {"code": issue.code, "message": issue.message, "param": issue.param, "line": issue.line}
        for issue in batch.outcome.issues
    ]
    counts = batch.counts
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.order.endpoint,
        "model": batch.model,
        "errors": {"object": "list", "data": issues} if issues else None,
        "input_file_id": batch.order.input_file_id,
        "completion_window": batch.order.completion_window,
        "status": batch.status,
        "output_file_id": batch.outcome.output_file_id,
        "error_file_id": batch.outcome.error_file_id,
        "created_at": batch.created_at,
        "expires_at": batch.expires_at,
        **{name: batch.times[name] for name in TIMES},
        "request_counts": {name: counts[name] for name in ("total", "completed", "failed")},
        "usage": {
            "input_tokens": counts["input_tokens"],
            "input_tokens_details": {"cached_tokens": counts["input_cached_tokens"]},
            "output_tokens": counts["output_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counts["input_tokens"] + counts["output_tokens"],
        },
        "metadata": batch.order.metadata,
    }


def answered_line(custom_id: str, status: int, request_id: str, body: bytes) -> bytes:
    """A line of an output or error file, with what the route would have answered: `body` is JSON without line ends."""
    response = f'{{"status_code": {status}, "request_id": "{request_id}", "body": '.encode()
    return _head(custom_id) + b', "response": ' + response + _on_one_line(body) + b'}, "error": null}\n'


def unanswered_line(custom_id: str, code: str, message: str) -> bytes:
    """A line of an error file for a request that was never put."""
    error = json.dumps({"code": code, "message": message}).encode()
    return _head(custom_id) + b', "response": null, "error": ' + error + b"}\n"


def _head(custom_id: str) -> bytes:
    told = json.dumps({"id": f"batch_req_{secrets.token_hex(16)}", "custom_id": custom_id})
    return told[:-1].encode()


_LINE_ENDS = {end.encode(): f"\\u{ord(end):04x}".encode() for end in "\x85\u2028\u2029"}


def _on_one_line(body: bytes) -> bytes:
    """The same JSON, in which Python's `splitlines` and its like find no line end either: others are escaped anyway."""
    for end, escaped in _LINE_ENDS.items():
        body = body.replace(end, escaped)
    return body
