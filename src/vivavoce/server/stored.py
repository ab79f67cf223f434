"""`/v1/chat/completions` of before: stored completions listed, fetched, labelled and deleted. No flow: the ledger
holds them, and `server.storing` put them there."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from vivavoce.errors import InvalidValue, NotFound
from vivavoce.ledger.completions import Completions, Stored
from vivavoce.server.bodies import read_model, read_query
from vivavoce.server.openapi import answered_by, asked_by, body_of
from vivavoce.server.owners import owner_of
from vivavoce.server.service import Service
from vivavoce.server.wire.stored import (
    CompletionsQuery,
    DeletedCompletion,
    ListQuery,
    Relabelling,
    StoredCompletion,
    StoredCompletions,
    StoredMessages,
    list_object,
)

ROUTER = APIRouter(prefix="/v1/chat/completions")


@ROUTER.get("", responses=answered_by(StoredCompletions), openapi_extra=asked_by(CompletionsQuery))
async def list_completions(request: Request) -> dict[str, Any]:
    """What was asked to be stored and has not expired, by the time it was asked for."""
    query = read_query(request, CompletionsQuery)
    page = await asyncio.to_thread(
        _completions(request).list,
        owner_of(request),
        after=query.after,
        limit=query.limit,
        descending=query.descending,
        model=query.model,
        metadata=query.metadata,
    )
    return list_object([_told(stored) for stored in page.found], more=page.more)


@ROUTER.get("/{completion_id}", responses=answered_by(StoredCompletion))
async def get_completion(completion_id: str, request: Request) -> dict[str, Any]:
    """A stored completion as it was answered, without its sound."""
    found = await asyncio.to_thread(_completions(request).find, owner_of(request), completion_id)
    if found is None:
        raise _not_found(completion_id)
    return _told(found)


@ROUTER.post("/{completion_id}", responses=answered_by(StoredCompletion), openapi_extra=body_of(Relabelling))
async def update_completion(completion_id: str, request: Request) -> dict[str, Any]:
    """Put other metadata in place of what a stored completion has."""
    service: Service = request.app.state.service
    body = await read_model(request, Relabelling, service.limits.body_bytes)
    labelled = await asyncio.to_thread(
        _completions(request).label, owner_of(request), completion_id, body.metadata or {}
    )
    if labelled is None:
        raise _not_found(completion_id)
    return _told(labelled)


@ROUTER.delete("/{completion_id}", responses=answered_by(DeletedCompletion))
async def delete_completion(completion_id: str, request: Request) -> dict[str, Any]:
    """Forget a stored completion and its messages, at once."""
    if not await asyncio.to_thread(_completions(request).forget, owner_of(request), completion_id):
        raise _not_found(completion_id)
    return {"id": completion_id, "object": "chat.completion.deleted", "deleted": True}


@ROUTER.get("/{completion_id}/messages", responses=answered_by(StoredMessages), openapi_extra=asked_by(ListQuery))
async def list_messages(completion_id: str, request: Request) -> dict[str, Any]:
    """The conversation that a stored completion answered, in its order."""
    query = read_query(request, ListQuery)
    found = await asyncio.to_thread(_completions(request).messages, owner_of(request), completion_id)
    if found is None:
        raise _not_found(completion_id)
    messages = [{"id": f"{completion_id}-{number}"} | dict(message) for number, message in enumerate(found)]
    if query.descending:
        messages.reverse()
    start = 0
    if query.after is not None:
        ids = [message["id"] for message in messages]
        if query.after not in ids:
            raise InvalidValue("Invalid 'after': it is not the id of a message of this completion.", param="after")
        start = ids.index(query.after) + 1
    end = start + query.limit
    return list_object(messages[start:end], more=end < len(messages))


def _completions(request: Request) -> Completions:
    return request.app.state.service.ledger.completions


def _told(stored: Stored) -> dict[str, Any]:
    return {**stored.answer, "metadata": dict(stored.about.metadata)}


def _not_found(completion_id: str) -> NotFound:
    """The same words for unknown, expired, never stored and somebody else's: none of them is told apart."""
    return NotFound(
        f"Completion {completion_id[:60]} not found. Completions are found if they were made with 'store' true, until "
        "they expire, and only with the key that they were made with.",
        param="completion_id",
    )
