"""The door: whoever asks for more than the server's health shows a key, once there is one.

Fills in the `Caller` of a request. Knows no route, only which of them are open.
"""

from __future__ import annotations

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vivavoce.errors import PermissionDenied, VivaError
from vivavoce.server.callers import current, token_of
from vivavoce.server.service import Service
from vivavoce.server.wire import errors as wire_errors
from vivavoce.telemetry.telemetry import fail_current

OPEN = frozenset({"/health", "/openapi.json"})
"""Whether it is well, and how it is used: the same for everybody."""

FOR_ADMINS = frozenset({"/metrics"})
"""What all keys did together."""


class Door:
    """Lets in whoever shows a key that is in force, and everybody while there is no key."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        try:
            await _let_in(service, scope)
        except VivaError as error:
            fail_current(error)
            await _refuse(error, scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _let_in(service: Service, scope: Scope) -> None:
    token, caller = token_of(Headers(scope=scope)), current()
    caller.owner = service.ledger.owner(token)
    if scope["path"] in OPEN:
        return
    caller.key = await service.keyring.admit(caller.owner, token)
    if scope["path"] in FOR_ADMINS and caller.key is not None and not caller.key.admin:
        raise PermissionDenied("This key does not see what others do. `viva keys create --admin` makes one that does.")


async def _refuse(error: VivaError, scope: Scope, receive: Receive, send: Send) -> None:
    """The envelope; to a WebSocket as the answer to its handshake, where the server can send one."""
    answer = JSONResponse(wire_errors.envelope(error), error.status, headers=wire_errors.headers(error))
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": error.code or error.type})
