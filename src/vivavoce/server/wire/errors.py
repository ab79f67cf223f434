"""The OpenAI error envelope: from our error tree, and from a failed validation of a request body.

The only place where error texts of the wire are made. Knows no route.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError

from vivavoce.errors import (
    ContextLengthExceeded,
    InvalidRequest,
    InvalidValue,
    MissingParameter,
    QuotaExceeded,
    TooBusy,
    UnknownParameter,
    VivaError,
)
from vivavoce.tickets import Rate, Room


def envelope(error: VivaError) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`; all four keys are always there."""
    # Engines know nothing of fields; a conversation too long for them came in as `messages`.
    param = error.param or ("messages" if isinstance(error, ContextLengthExceeded) else None)
    return {"error": {"message": error.message, "type": error.type, "param": param, "code": error.code}}


def headers(error: VivaError) -> dict[str, str]:
    """What tells the official clients whether to try again: they would repeat every 5xx otherwise."""
    found = {"x-should-retry": "true" if error.retryable else "false"} if error.status >= 429 else {}
    if isinstance(error, TooBusy):
        found["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        found["retry-after-ms"] = str(math.ceil(error.retry_after_s * 1000))
        if error.room is not None:
            found |= room_headers(error.room)
    if isinstance(error, QuotaExceeded):
        found["retry-after"] = str(math.ceil(error.retry_after_s))
    return found


def room_headers(room: Room) -> dict[str, str]:
    """The original's names for what is left: of a key's limits per minute, or, without one, of requests at once."""
    left = {"requests": room.requests or Rate(room.limit, room.remaining, room.reset_s)}
    if room.tokens is not None:
        left["tokens"] = room.tokens
    found: dict[str, str] = {}
    for kind, rate in left.items():
        found[f"x-ratelimit-limit-{kind}"] = str(rate.limit)
        found[f"x-ratelimit-remaining-{kind}"] = str(rate.remaining)
        found[f"x-ratelimit-reset-{kind}"] = _span(rate.reset_s)
    return found


def _span(seconds: float) -> str:
    """As the original writes them: `12ms`, `8.64s`, `1m30s`."""
    ms = math.ceil(seconds * 1000)
    if ms < 1000:
        return f"{ms}ms"
    minutes, ms = divmod(ms, 60_000)
    return (f"{minutes}m" if minutes else "") + f"{ms / 1000:g}s"


def from_validation(error: ValidationError, body: object) -> InvalidRequest:
    """The first problem of a body, as the original would name it: `messages[0].content[1].input_audio.data`."""
    problem = error.errors()[0]
    path = param_path(problem["loc"], body)
    if problem["loc"][-1:] == ("[key]",):
        text = f"one of its names is wrong: {problem['msg'][0].lower()}{problem['msg'][1:]}"
        return InvalidValue(f"Invalid '{path}': {text}.", param=path)
    kind, context = problem["type"], cast("Mapping[str, Any]", problem.get("ctx", {}))
    if kind == "missing":
        return MissingParameter(f"Missing required parameter: '{path}'.", param=path)
    if kind == "extra_forbidden":
        return UnknownParameter(f"Unknown parameter: '{path}'.", param=path)
    if kind in ("literal_error", "union_tag_invalid"):
        if kind == "union_tag_invalid":
            path = f"{path}.{context['discriminator'].strip(chr(39))}"
        expected = context.get("expected") or context.get("expected_tags", "")
        given = _shown(context.get("tag", problem["input"]))
        return InvalidValue(f"Invalid value: '{given}'. Supported values are: {expected}.", param=path)
    if kind == "union_tag_not_found":
        tag = f"{path}.{context['discriminator'].strip(chr(39))}"
        return MissingParameter(f"Missing required parameter: '{tag}'.", param=tag)
    code = "invalid_type" if kind.endswith(("_type", "_parsing")) else "invalid_value"
    text = problem["msg"].removeprefix("Value error, ")
    return InvalidRequest(f"Invalid '{path}': {text[0].lower() + text[1:]}.", param=path, code=code)


def _shown(value: object, most: int = 60) -> str:
    text = value if isinstance(value, str) else type(value).__name__
    return text if len(text) <= most else text[:most] + "…"


def param_path(location: Sequence[int | str], body: object) -> str:
    """Pydantic's location without the union tags it puts in, found by walking the body along it."""
    if location[-1:] == ("[key]",):
        location = location[:-2]  # the name that is wrong may be anything: its object is named
    path = ""
    here = body
    for number, step in enumerate(location):
        last = number == len(location) - 1
        if isinstance(step, int):
            path += f"[{step}]"
            items = cast("list[object]", here) if isinstance(here, list) else []
            here = items[step] if step < len(items) else None
        elif isinstance(here, dict) and (step in here or last):
            path += f".{step}" if path else step
            here = cast("dict[str, object]", here).get(step)
    return path
