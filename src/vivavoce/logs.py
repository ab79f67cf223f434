"""Logging as `viva serve` sets it up: one line per event to standard error, never speech, text or keys.

Knows no server.
"""

from __future__ import annotations

import logging


class _Line(logging.Formatter):
    """`12:34:56 info  server.app  POST /v1/chat/completions req_… status=200 took_ms=812.3`"""

    def format(self, record: logging.LogRecord) -> str:
        where = record.name.removeprefix("vivavoce.")
        line = f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower():7} {where}  {record.getMessage()}"
        for name in ("status", "took_ms"):
            if name in record.__dict__:
                value = record.__dict__[name]
                line += f" {name}={value:.1f}" if isinstance(value, float) else f" {name}={value}"
        if record.exc_info:
            # The trace says where; the exception's own text might quote a request, so it stays out.
            kind, _, trace = record.exc_info
            frames: list[str] = []
            while trace is not None:
                code = trace.tb_frame.f_code
                frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
                trace = trace.tb_next
            line += f" [{kind.__name__ if kind else ''} at {' < '.join(reversed(frames))}]"
        return line


def configure_logging(level: str) -> None:
    """Send our and uvicorn's log records to standard error at `level` and above; vendors only from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("vivavoce").setLevel(level.upper())
