"""Server-sent events as the original writes them: data lines only, one JSON object each."""

from __future__ import annotations

import json
from typing import Any


def event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
