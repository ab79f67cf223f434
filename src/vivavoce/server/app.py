"""The HTTP application: routes, error envelopes, request ids, health. `serve` runs it over an engine process.

Knows no engine: it is handed a `Service`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware

from vivavoce import __version__
from vivavoce.errors import InvalidRequest, NotFound, VivaError
from vivavoce.server import (
    batches,
    chat,
    files,
    metrics,
    models,
    replies,
    speech,
    stored,
    tokenize,
    transcriptions,
    usage,
    voices,
)
from vivavoce.server.batch_runner import running_batches
from vivavoce.server.cors import cors_policy
from vivavoce.server.door import Door
from vivavoce.server.hosts import KnownHosts
from vivavoce.server.middleware import RequestIds, Unforeseen
from vivavoce.server.openapi import describe
from vivavoce.server.pages import Pages
from vivavoce.server.service import Service
from vivavoce.server.wire import errors as wire_errors
from vivavoce.server.wire.answers import Health
from vivavoce.server.wire.batches import BatchRequest
from vivavoce.server.wire.chat_request import ChatRequest
from vivavoce.server.wire.files import FileUpload
from vivavoce.server.wire.speech import SpeechRequest
from vivavoce.server.wire.stored import Relabelling
from vivavoce.server.wire.transcription_request import TranscriptionRequest, TranslationRequest
from vivavoce.telemetry.telemetry import fail_current
from vivavoce.web.site import Site

log = logging.getLogger(__name__)

MakeService = Callable[[], AbstractAsyncContextManager[Service]]


def create_app(
    service: Service | MakeService,
    *,
    cors_origins: str = "local",
    names: frozenset[str] | None = None,
    site: Site | None = None,
) -> FastAPI:
    """The application over a ready `Service`, or over a context manager that makes one at start-up.

    cors_origins: see `server.cors`; names: host names to answer to, see `server.hosts`; site: pages to serve beside it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        if isinstance(service, Service):
            app.state.service = service
            async with running_batches(service):
                yield
            await service.accounts.close()
            return
        async with service() as made:
            app.state.service = made
            async with running_batches(made):
                yield
            await made.accounts.close()

    app = FastAPI(
        title="Viva Voce",
        version=__version__,
        description="Speech and text in, text and speech out. Answers to the names of the retired audio models.",
        lifespan=lifespan,
        docs_url=None,  # those pages fetch scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"auto_configure": False, "logs": False},  # its log records would carry what was asked
    )
    app.include_router(chat.ROUTER)
    app.include_router(stored.ROUTER)
    app.include_router(speech.ROUTER)
    app.include_router(transcriptions.ROUTER)
    app.include_router(models.ROUTER)
    app.include_router(voices.ROUTER)
    app.include_router(replies.ROUTER)
    app.include_router(tokenize.ROUTER)
    app.include_router(usage.ROUTER)
    app.include_router(files.ROUTER)
    app.include_router(batches.ROUTER)
    app.add_api_route("/health", health, methods=["GET"], responses={200: {"model": Health}, 503: {"model": Health}})
    app.include_router(metrics.ROUTER)
    bodies = (ChatRequest, Relabelling, SpeechRequest, TranscriptionRequest, TranslationRequest, FileUpload)
    describe(app, *bodies, BatchRequest, tokenize.TokenizeRequest)
    app.add_exception_handler(VivaError, _viva_error)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    # The last added is the outermost: every answer, faults included, wears the headers of those around it.
    app.add_middleware(Door)
    if site is not None:
        app.add_middleware(Pages, site=site)
    app.add_middleware(Unforeseen)
    app.add_middleware(CORSMiddleware, **cors_policy(cors_origins))
    app.add_middleware(KnownHosts, names=names)
    app.add_middleware(RequestIds)
    return app


async def health(request: Request) -> JSONResponse:
    """200 once the engines are warm, 503 with the reason before that and while they restart; and who says so."""
    ready, state = request.app.state.service.ready()
    return JSONResponse({"status": state, "worker": os.getpid()}, 200 if ready else 503)


async def _viva_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, VivaError):  # pragma: no cover - registered for VivaError only
        raise error
    fail_current(error)
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
    fail_current(method_error)
    return JSONResponse(wire_errors.envelope(method_error), status)
