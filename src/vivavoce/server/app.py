"""The HTTP application: routes, error envelopes, request ids, health. `serve` runs it over an engine process.

Knows no engine: it is handed a `Service`.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vivavoce import __version__
from vivavoce.errors import InvalidRequest, NotFound, VivaError
from vivavoce.server import chat, models
from vivavoce.server.service import Service
from vivavoce.server.wire import errors as wire_errors

log = logging.getLogger(__name__)

API_VERSION = "2020-10-01"
"""The `openai-version` header of the original; some clients log it."""

MakeService = Callable[[], AbstractAsyncContextManager[Service]]


def create_app(service: Service | MakeService) -> FastAPI:
    """The application over a ready `Service`, or over a context manager that makes one at start-up."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        if isinstance(service, Service):
            app.state.service = service
            yield
            return
        async with service() as made:
            app.state.service = made
            yield

    app = FastAPI(title="Viva Voce", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(chat.ROUTER)
    app.include_router(models.ROUTER)
    app.add_api_route("/health", health, methods=["GET"])
    app.add_exception_handler(VivaError, _viva_error)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(Exception, _unforeseen)
    app.add_middleware(RequestIds)
    return app


async def health(request: Request) -> JSONResponse:
    """200 once the engines are warm, 503 with the reason before that and while they restart."""
    ready, state = request.app.state.service.ready()
    return JSONResponse({"status": state}, 200 if ready else 503)


async def _viva_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, VivaError):  # pragma: no cover - registered for VivaError only
        raise error
    if error.status >= 500:
        log.error("%s: %s", type(error).__name__, error.message)
    return JSONResponse(wire_errors.envelope(error), error.status, headers=wire_errors.headers(error))


async def _http_error(request: Request, error: Exception) -> Response:
    """Wrong paths and methods, in the same envelope as everything else."""
    status = error.status_code if isinstance(error, StarletteHTTPException) else 500
    where = f"{request.method} {request.url.path}"
    if status == 404:
        return await _viva_error(request, NotFound(f"Unknown request URL: {where}. Please check the URL for typos."))
    method_error = InvalidRequest(f"Invalid method for URL ({where}).", code="method_not_allowed")
    return JSONResponse(wire_errors.envelope(method_error), status)


async def _unforeseen(request: Request, error: Exception) -> Response:
    """A fault of ours. Its text may quote a request, so only its type is told and the place logged."""
    log.error("unforeseen %s in %s %s", type(error).__name__, request.method, request.url.path, exc_info=error)
    fault = VivaError("The server had an error while processing your request. The log says where.")
    return JSONResponse(wire_errors.envelope(fault), 500, headers=wire_errors.headers(fault))


class RequestIds:
    """Adds `x-request-id`, `openai-processing-ms` and `openai-version`, and logs one line per request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(16)}"
        started_s = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["openai-processing-ms"] = str(round((time.perf_counter() - started_s) * 1000))
                headers["openai-version"] = API_VERSION
            await send(message)

        details: dict[str, Any] = {"id": request_id, "method": scope["method"], "path": scope["path"]}
        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            took_ms = (time.perf_counter() - started_s) * 1000
            log.info("%(method)s %(path)s %(id)s", details, extra={"status": status, "took_ms": took_ms})
