"""Which names this server answers to, so that no web page elsewhere reaches it by pointing a name of its own here.

A page may let its own host name resolve to 127.0.0.1 (DNS rebinding); to the browser our server is then the page's
own, and CORS does not apply. What gives it away is the `Host` header. Knows no route.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vivavoce.errors import InvalidRequest
from vivavoce.server.wire import errors as wire_errors
from vivavoce.settings import LOOPBACK
from vivavoce.telemetry.telemetry import fail_current


def answered_names(names: str, bound_to: str) -> frozenset[str] | None:
    """Lower-case host names to answer to; None for all. names: "local", "*", or several joined by commas.

    "local" is this machine's own names where the server is bound to this machine only, and all where others are meant
    to reach it by whatever name it has.
    """
    given = {name.strip().lower() for name in names.split(",") if name.strip()}
    if "*" in given or (given == {"local"} and bound_to not in LOOPBACK):
        return None
    return frozenset(given - {"local"} | set(LOOPBACK))


class KnownHosts:
    """Refuses requests that name another host than `names`."""

    def __init__(self, app: ASGIApp, names: frozenset[str] | None) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.names is None or scope["type"] != "http" or _name(scope) in self.names:
            await self.app(scope, receive, send)
            return
        error = InvalidRequest(
            "This server answers to this machine's own names only. Ask for 127.0.0.1 or localhost, or have the name "
            "that you use put into VIVA_HOSTS.",
            code="host_not_allowed",
        )
        fail_current(error)
        await JSONResponse(wire_errors.envelope(error), error.status)(scope, receive, send)


def _name(scope: Scope) -> str:
    """The host that a request names, without its port; "" where there is none or it cannot be read."""
    try:
        return urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
    except ValueError:
        return ""
