"""`/openapi.json`: the routes described for people and for tools that make clients, or test us.

FastAPI describes the routes; bodies that we read ourselves are added here, from their own models. Knows no engine.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from vivavoce.codec.encode import CONTENT_TYPES
from vivavoce.server.wire.answers import ErrorEnvelope

REFERENCES = "#/components/schemas/{model}"

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorEnvelope, "description": "The request is off; `param` says where."},
    "5XX": {
        "model": ErrorEnvelope,
        "description": "Ours to mend; `x-should-retry` says whether trying again can help.",
    },
}
"""For the `responses` of every route."""


EVENT = {"type": "object", "required": ["data"], "properties": {"data": {"type": "string"}}}
"""One server-sent event; its data is JSON or `[DONE]`."""


def answered_by(model: type[BaseModel], *, or_stream: bool = False) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route: its answer as JSON, or as server-sent events too, and the errors."""
    content = {"text/event-stream": {"schema": EVENT}} if or_stream else {}
    return {200: {"model": model, "content": content}, **ERRORS}


def answered_by_sound(**more: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route that answers with a sound file in any of our formats, or as `more`: schemas by
    content type."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(CONTENT_TYPES.values(), schema) | {kind: {"schema": shape} for kind, shape in more.items()}
    return {200: {"description": "The sound.", "content": content}, **ERRORS}


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """For the `openapi_extra` of a route that reads its JSON body itself."""
    schema = {"$ref": REFERENCES.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def asked_by(model: type[BaseModel]) -> dict[str, Any]:
    """For the `openapi_extra` of a route that reads its query itself; an object's members are asked for as
    `name[member]`."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": shape}
            | ({"style": "deepObject", "explode": True} if _is_object(shape) else {})
            for name, shape in schema["properties"].items()
        ]
    }


def _is_object(shape: dict[str, Any]) -> bool:
    return any(each.get("type") == "object" for each in (shape, *shape.get("anyOf", ())))


def answered_by_transcript(model: type[BaseModel], *, or_stream: bool = False) -> dict[int | str, dict[str, Any]]:
    """For the `responses` of a route that writes down what it hears: as JSON, as text or subtitles, or as events."""
    text = {"schema": {"type": "string"}}
    content = {"application/json": {"schema": {"$ref": REFERENCES.format(model=model.__name__)}}}
    content |= {"text/plain": text, "text/vtt": text} | ({"text/event-stream": {"schema": EVENT}} if or_stream else {})
    return {200: {"description": "What is said.", "model": model, "content": content}, **ERRORS}


def form_of(model: type[BaseModel]) -> dict[str, Any]:
    """For the `openapi_extra` of a route that reads a form with a file."""
    schema = {"$ref": REFERENCES.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def describe(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Make `app` serve a page that knows the models of `bodies` too."""

    def page() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schemas: dict[str, Any] = made.setdefault("components", {}).setdefault("schemas", {})
            for body in bodies:
                schema = body.model_json_schema(ref_template=REFERENCES)
                schemas |= schema.pop("$defs", {}) | {body.__name__: schema}
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = page
