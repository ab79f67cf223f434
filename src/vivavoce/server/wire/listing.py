"""Lists in pages, as the original tells them. Shapes only; knows no route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class ListAnswer(BaseModel):
    """`last_id` as `after` asks for the next page, where `has_more` says that there is one."""

    model_config = ConfigDict(extra="forbid")

    object: Literal["list"]
    first_id: str | None
    last_id: str | None
    has_more: bool


def list_object(data: Sequence[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": list(data),
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": more,
    }
