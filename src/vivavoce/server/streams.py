"""Answers that are sent while they are made. Knows no route and no shape."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from vivavoce.server.wire.errors import room_headers
from vivavoce.tickets import Room

log = logging.getLogger(__name__)

Happened = TypeVar("Happened")

EVENTS_TYPE = "text/event-stream"


class BrokenOffError(Exception):
    """Raised by the pieces of a stream that cannot go on, and in which no word of it can be said: the connection is
    closed before its end, which every client takes for a failure."""


async def opened(events: AsyncGenerator[Happened, None]) -> tuple[Happened, dict[str, str]]:
    """The first event after the `Room` that there is, and the headers to send with it. Closes `events` if it fails."""
    headers = {"cache-control": "no-cache"}
    try:
        first = await anext(events)
        if isinstance(first, Room):
            headers |= room_headers(first)
            first = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    return first, headers


async def from_first(first: Happened, events: AsyncGenerator[Happened, None]) -> AsyncGenerator[Happened, None]:
    """All of them again, once `opened` has taken the first."""
    yield first
    async for happened in events:
        yield happened


class TurnStream(StreamingResponse):
    """Closes `events` however the response ends, also when the client is gone before the first byte, or takes nothing
    of what is sent for `patience_s`: a turn under way keeps others waiting."""

    def __init__(
        self,
        events: AsyncGenerator[Any, None],
        pieces: AsyncGenerator[bytes, None],
        headers: Mapping[str, str],
        patience_s: float,
        media_type: str = EVENTS_TYPE,
    ) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._events = events
        self._patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_soon(message: Message) -> None:
            try:
                async with asyncio.timeout(self._patience_s):
                    await send(message)
            except TimeoutError:
                log.info("a client took nothing of its answer for %.0f s and was hung up on", self._patience_s)
                raise ClientDisconnect from None

        try:
            with suppress(ClientDisconnect, BrokenOffError):
                await super().__call__(scope, receive, send_soon)
        finally:
            await self._events.aclose()
