"""What every answer passes through: request ids, timing headers, one log line, and the net under unforeseen faults.

Knows no route and no engine.
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import Any
from urllib.parse import quote

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vivavoce.errors import VivaError
from vivavoce.logs import REQUEST_ID
from vivavoce.server.callers import CALLER, Caller
from vivavoce.server.service import Service
from vivavoce.server.wire import errors as wire_errors
from vivavoce.telemetry.telemetry import NONE, OTHER, RequestFacts, fail_current

log = logging.getLogger(__name__)

API_VERSION = "2020-10-01"
"""The `openai-version` header of the original; some clients log it."""


class Unforeseen:
    """Turns a fault of ours into a 500 in the envelope, inside the middleware that adds headers for browsers.

    Its text may quote a request, so only its type is told; `logs` prints the places."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception as error:
            if scope["type"] != "http":
                raise
            fail_current(error)
            log.error("unforeseen %s in %s %s", type(error).__name__, scope["method"], _path(scope), exc_info=error)
            if started:
                return  # nothing more can be said; the server closes the connection on an unfinished answer
            fault = VivaError("The server had an error while processing your request. The log says where.")
            answer = JSONResponse(wire_errors.envelope(fault), 500, headers=wire_errors.headers(fault))
            await answer(scope, receive, send)


class RequestIds:
    """Adds `x-request-id`, `openai-processing-ms` and `openai-version`; logs one line per request, counts it, and notes
    what it used."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(16)}"
        logged_as = REQUEST_ID.set(request_id)
        service: Service = scope["app"].state.service
        telemetry, caller = service.telemetry, Caller()
        called_by = CALLER.set(caller)
        facts = telemetry.request(scope["method"], Headers(scope=scope))
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["openai-processing-ms"] = str(round(facts.elapsed_s() * 1000))
                headers["openai-version"] = API_VERSION
                if facts.received_s is not None:
                    headers.append("server-timing", f"body;dur={facts.received_s * 1000:.1f}")
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            telemetry.answered(facts, _route(scope) or OTHER, status)
            service.accounts.note(request_id, caller, facts, _route(scope) or OTHER, status)
            log.info("%s %s", scope["method"], _path(scope), extra=_figures(scope, facts, status))
            CALLER.reset(called_by)
            REQUEST_ID.reset(logged_as)


def _figures(scope: Scope, facts: RequestFacts, status: int) -> dict[str, Any]:
    """What the one line per request says beside method and path; None is left out."""
    return {
        "method": scope["method"],
        "path": _path(scope),
        "status": status,
        "took_ms": facts.elapsed_s() * 1000,
        "first_text_ms": facts.first_text_s and facts.first_text_s * 1000,
        "first_sound_ms": facts.first_sound_s and facts.first_sound_s * 1000,
        "tokens_in": facts.tokens_in,
        "tokens_out": facts.tokens_out,
        "code": None if facts.code == NONE else facts.code,
    }


def _route(scope: Scope) -> str | None:
    return getattr(scope.get("route"), "path", None)


_ID = re.compile(r"\b(?:[a-z]+_|chatcmpl-|file-|sk-)[^/]+")


def _path(scope: Scope) -> str:
    """The path as the route writes it, `{id}` in place of the id: whoever holds an id can fetch what was said.

    Of a path without a route, what looks like an id or a key is left out, and what could pass for another line of the
    log.
    """
    path = _route(scope)
    return path if path is not None else quote(_ID.sub("{id}", scope["path"]), safe="/{}")
