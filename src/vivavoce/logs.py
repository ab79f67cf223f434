"""Logging as `viva serve` sets it up: one line, or one object of JSON, per event, never speech, text or keys.

Records of a request carry its id. Knows no server.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["line", "json"]

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this task, or a thread that it waits for, works for."""

FIGURES = ("method", "path", "status", "took_ms", "first_text_ms", "first_sound_ms", "tokens_in", "tokens_out", "code")
"""What a record may carry beside its message (`extra`); nothing else is written."""


class _Line(logging.Formatter):
    """`12:34:56 info  server.middleware  POST /v1/chat/completions req_… status=200 took_ms=812.3`"""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():7} {_where(record)}  "
        line += record.getMessage()
        if (request_id := REQUEST_ID.get()) is not None:
            line += f" {request_id}"
        for name, value in _figures(record).items():
            if name not in ("method", "path"):  # they are the message
                line += f" {name}={value}"
        if (fault := _fault(record)) is not None:
            line += f" [{fault[0]} at {' < '.join(fault[1])}]"
        return line


class _Json(logging.Formatter):
    """`{"time": "2026-11-24T12:34:56.789+00:00", "level": "info", "logger": …, "message": …, "request_id": …, …}`"""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": _where(record),
            "message": record.getMessage(),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            told["request_id"] = request_id
        told |= _figures(record)
        if (fault := _fault(record)) is not None:
            told["error"] = {"type": fault[0], "at": fault[1]}
        return json.dumps(told, ensure_ascii=False)


def _where(record: logging.LogRecord) -> str:
    return record.name.removeprefix("vivavoce.")


def _figures(record: logging.LogRecord) -> dict[str, object]:
    found = {name: record.__dict__.get(name) for name in FIGURES}
    return {
        name: round(value, 1) if isinstance(value, float) else value
        for name, value in found.items()
        if value is not None
    }


def _fault(record: logging.LogRecord) -> tuple[str, list[str]] | None:
    """Type and places of an exception, the innermost first. Its own text might quote a request, so it stays out."""
    if not record.exc_info:
        return None
    kind, _, trace = record.exc_info
    frames: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return kind.__name__ if kind else "", frames[::-1]


def configure_logging(level: str, log_format: LogFormat = "line") -> None:
    """Send our and uvicorn's log records to standard error at `level` and above; vendors only from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else _Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("vivavoce").setLevel(level.upper())
