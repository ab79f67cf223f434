"""The OpenAI error envelope: from our error tree, and from a failed validation of a request body.

The only place where error texts of the wire are made. Knows no route.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

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

Location = tuple[int | str, ...]

SEVERAL = 20
"""More problems than one value can have that may be one of several things."""

A_NAME = "[key]"
"""The last step of pydantic's location where not a value but the name of a member is wrong."""


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
    problem, path = _first(error, body)
    if problem["loc"][-1:] == (A_NAME,):
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


def _first(error: ValidationError, body: object) -> tuple[ErrorDetails, str]:
    """The first problem and its path. What may be one of several things has a problem as each of them: the one that
    leads deepest was meant."""
    problems = [(problem, _param_path(problem["loc"], body, problem["type"])) for problem in error.errors()[:SEVERAL]]
    first, path = problems[0]
    return next((each for each in problems if each[1].startswith((f"{path}.", f"{path}["))), (first, path))


def _param_path(location: Location, body: object, kind: str) -> str:
    """Pydantic's location without the names of models and variants that it puts in."""
    if location[-1:] == (A_NAME,):
        location = location[:-2]  # the name that is wrong may be anything: its object is named
    steps = _steps(location, body, kind, last_is_key=True)
    if steps is None:
        steps = _steps(location, body, kind, last_is_key=False) or ()
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".")


def _steps(location: Location, here: object, kind: str, *, last_is_key: bool) -> Location | None:
    """The steps that lead through the body, found by walking it along them; None where they do not.

    A variant may have the name of a member (`{"type": "text", "text": …}`): what leads on is meant.
    """
    if not location:
        return ()
    step, rest = location[0], location[1:]
    members = _members(here, step)
    if step in members:
        within = _steps(rest, members[step], kind, last_is_key=last_is_key)
        if within is not None or step not in members.values():
            return None if within is None else (step, *within)
    elif not rest:
        return (step,) if kind == "missing" else None if last_is_key else ()
    elif isinstance(step, int):
        return None
    return _steps(rest, here, kind, last_is_key=last_is_key)


def _members(value: object, index: int | str) -> dict[int | str, object]:
    """Those of an object by name; of a list the one at `index`."""
    if isinstance(value, list) and isinstance(index, int):
        items = cast("list[object]", value)
        return {index: items[index]} if index < len(items) else {}
    return cast("dict[int | str, object]", value) if isinstance(value, dict) else {}
