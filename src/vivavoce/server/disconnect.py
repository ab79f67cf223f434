"""A client that hangs up before its answer begins: its work is cancelled.

From the first byte of a stream on, the server framework does this itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import Request, Response

from vivavoce import tasks

CLIENT_CLOSED_REQUEST = 499
"""What is logged for a client that went away; nobody receives it."""


async def while_connected(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """The result of `work`, cancelled if the client goes first. The request body must have been read already."""
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            return Response(status_code=CLIENT_CLOSED_REQUEST)
        return await working
    finally:
        for task in (working, watching):
            await tasks.end(task)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
