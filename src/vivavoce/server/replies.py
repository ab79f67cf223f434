"""`/v1/audio/replies/{id}`: a spoken answer fetched again, or forgotten now. No flow: the ledger holds it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from vivavoce.codec.encode import CONTENT_TYPES
from vivavoce.codec.kept import written_as
from vivavoce.errors import NotFound
from vivavoce.ledger.replies import Replies
from vivavoce.server.openapi import answered_by, answered_by_sound
from vivavoce.server.owners import owner_of
from vivavoce.server.wire.answers import DeletedReply

ROUTER = APIRouter()


@ROUTER.get("/v1/audio/replies/{reply_id}", response_class=Response, responses=answered_by_sound())
@ROUTER.head("/v1/audio/replies/{reply_id}", include_in_schema=False)
async def get_reply(
    reply_id: str, request: Request, asked: Annotated[str | None, Query(alias="format")] = None
) -> Response:
    """The sound of an answer as a whole file: in the format it was sent in, or in `?format=`."""
    return await asyncio.to_thread(_fetch, request.app.state.service.ledger.replies, owner_of(request), reply_id, asked)


@ROUTER.delete("/v1/audio/replies/{reply_id}", responses=answered_by(DeletedReply))
async def delete_reply(reply_id: str, request: Request) -> dict[str, Any]:
    """Forget an answer, its words and its sound, at once."""
    replies: Replies = request.app.state.service.ledger.replies
    if not await asyncio.to_thread(replies.forget, owner_of(request), reply_id):
        raise _not_found(reply_id)
    return {"id": reply_id, "object": "audio.reply.deleted", "deleted": True}


def _fetch(replies: Replies, owner: bytes, reply_id: str, asked: str | None) -> Response:
    reply = replies.find(owner, reply_id)
    sound = replies.sound(owner, reply_id) if reply is not None else None
    if reply is None or sound is None:
        raise _not_found(reply_id)
    fmt = asked or reply.format
    data = written_as(sound, fmt, param="format")
    return Response(data, media_type=CONTENT_TYPES[fmt], headers={"cache-control": "private, no-store"})


def _not_found(reply_id: str) -> NotFound:
    """The same words for unknown, expired and somebody else's: none of them is told apart."""
    return NotFound(
        f"Audio {reply_id} not found. Ids expire, and are found only with the key that they were made with.",
        param="id",
        code="audio_not_found",
    )
