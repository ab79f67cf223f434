"""Request bodies and queries from strangers: read under a limit, parsed, validated; each failure is a clear 4xx.

Knows no route and no engine.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any, NoReturn, TypeVar, cast

from fastapi import Request
from pydantic import BaseModel, ValidationError

from vivavoce.errors import InvalidRequest, PayloadTooLarge
from vivavoce.server.wire.errors import from_validation
from vivavoce.telemetry.telemetry import received_current
from vivavoce.think.chat import encodable

Body = TypeVar("Body", bound=BaseModel)

SLOW_BYTES = 1 << 20
"""Above this, parsing would hold up the event loop for longer than a chunk of somebody's sound."""

MOST_MEMBERS = 10_000
"""Of one object: each that is unknown is put down before the first is told."""


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The whole body. Raises `PayloadTooLarge` as soon as it is known to be over `most_bytes`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most_bytes:
        raise _too_large(most_bytes, int(declared))
    chunks: list[bytes] = []
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > most_bytes:
            raise _too_large(most_bytes, received)
        chunks.append(chunk)
    received_current()
    return b"".join(chunks)


def _too_large(most: int, received: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"Maximum content size limit ({most}) exceeded ({received} bytes read). Send a compressed recording "
        "(mp3), or raise VIVA_MAX_BODY_BYTES on the server."
    )


async def read_model(request: Request, model: type[Body], most_bytes: int) -> Body:
    """The body as `model`. Raises `InvalidRequest` and its kinds, `PayloadTooLarge`."""
    data = await read_body(request, most_bytes)
    if len(data) > SLOW_BYTES:
        return await asyncio.to_thread(_parse, data, model)
    return _parse(data, model)


def read_query(request: Request, model: type[Body]) -> Body:
    """The query as `model`, `name[member]=value` as a member of the object `name`. What is not of the model is left
    alone. Raises `InvalidRequest` and its kinds."""
    asked: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        whole, bracket, member = encodable(name).partition("[")
        if bracket and member.endswith("]"):
            members = asked.setdefault(whole, {})
            if isinstance(members, dict):
                members[member[:-1]] = encodable(value)
        else:
            asked[whole] = encodable(value)
    try:
        return model.model_validate(asked)
    except ValidationError as error:
        raise from_validation(error, asked) from error


def _parse(data: bytes, model: type[Body]) -> Body:
    return validated(read_object(data), model)


def read_object(data: bytes) -> dict[str, object]:
    """JSON as it is sent to us. Raises `InvalidRequest` where it is none, or no object."""
    try:
        body = _encodable(json.loads(data, parse_constant=_refuse_constant, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            "We could not parse the JSON body of your request. The API expects a JSON object in UTF-8; check the "
            "quoting and the commas.",
            code="invalid_json",
        ) from error
    if not isinstance(body, dict):
        raise InvalidRequest("The JSON body must be an object.", code="invalid_json")
    return cast("dict[str, object]", body)


def validated(body: dict[str, object], model: type[Body]) -> Body:
    """`body` as `model`. Raises `InvalidRequest` and its kinds."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise from_validation(error, body) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(number: str) -> float:
    if math.isinf(value := float(number)):
        raise ValueError("a number is too large")
    return value


def _encodable(value: Any) -> Any:
    """`value` with "?" for each half of a character, which JSON can spell (a text cut within an emoji) and nothing
    behind this point can write."""
    if isinstance(value, str):
        return value if value.isascii() else encodable(value)
    if isinstance(value, list):
        return [_encodable(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        if len(cast("dict[str, Any]", value)) > MOST_MEMBERS:
            raise InvalidRequest(
                f"The JSON body has an object of more than {MOST_MEMBERS} members.", code="object_above_max_properties"
            )
        return {_encodable(name): _encodable(item) for name, item in cast("dict[str, Any]", value).items()}
    return value
