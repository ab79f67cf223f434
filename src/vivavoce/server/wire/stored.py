"""Stored completions on the wire: what is asked of a list, and what is told. Shapes only; knows no route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vivavoce.server.wire.answers import Completion
from vivavoce.server.wire.chat_request import Metadata

MOST_LISTED = 100


class Relabelling(BaseModel):
    """The body of `POST /v1/chat/completions/{id}`. `metadata` null: none."""

    model_config = ConfigDict(extra="forbid")

    metadata: Metadata | None


class ListQuery(BaseModel):
    """A page of a list: at most `limit` entries `after` the one of that id."""

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 20
    order: Literal["asc", "desc"] = "asc"

    @property
    def descending(self) -> bool:
        return self.order == "desc"


class CompletionsQuery(ListQuery):
    """Only completions of this `model`, and with all of these `metadata`."""

    model: str | None = None
    metadata: Metadata | None = None


class StoredCompletion(Completion):
    """A completion as it was answered, and how it was asked for. The `data` of its sound is empty."""

    request_id: str | None
    temperature: float | None
    top_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    seed: int | None
    tools: list[dict[str, Any]] | None
    tool_choice: Any
    response_format: dict[str, Any] | None
    input_user: str | None


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    object: Literal["list"]
    first_id: str | None
    last_id: str | None
    has_more: bool


class StoredCompletions(_List):
    data: list[StoredCompletion]


class StoredMessage(BaseModel):
    """A message of the conversation that was answered. A recording is told as what was heard in it."""

    id: str
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | None
    name: str | None
    content_parts: list[dict[str, Any]] | None


class StoredMessages(_List):
    data: list[StoredMessage]


class DeletedCompletion(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    object: Literal["chat.completion.deleted"]
    deleted: Literal[True]


def stored_message(role: str, texts: Sequence[str], name: str | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """A message without its id. Several parts are told one by one too."""
    parts = [{"type": "text", "text": text} for text in texts] if len(texts) > 1 else None
    content = "\n".join(texts)
    return {"role": role, "content": content or None, "name": name, "content_parts": parts, **more}


def list_object(entries: Sequence[Mapping[str, Any]], *, more: bool) -> dict[str, Any]:
    """A page of a list, its entries with an `id` each."""
    return {
        "object": "list",
        "data": entries,
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
        "has_more": more,
    }
