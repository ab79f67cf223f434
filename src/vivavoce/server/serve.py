"""`viva serve`: the application over one engine process, on uvicorn.

Reads nothing from the environment: `Settings` are handed in.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn

from vivavoce import __version__
from vivavoce.engines.process import EngineProcess
from vivavoce.engines.registry import require_weights
from vivavoce.engines.spec import STAGES
from vivavoce.errors import InvalidValue
from vivavoce.ledger.ledger import Ledger
from vivavoce.listen.cached import HeardOnce
from vivavoce.server.app import create_app
from vivavoce.server.housekeeping import housekeeping
from vivavoce.server.service import Limits, Service
from vivavoce.settings import Settings
from vivavoce.speak import language
from vivavoce.turn import Engines

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1")


@asynccontextmanager
async def running_service(settings: Settings) -> AsyncGenerator[Service, None]:
    """The engine process and everything around it, for as long as the server runs."""
    spec = settings.engine_spec()
    ledger = await asyncio.to_thread(Ledger, settings.data_dir)
    heard_once = HeardOnce(ledger.hearings, spec.listen, settings.reply_ttl_s) if settings.remember_heard else None
    async with EngineProcess(spec) as process, housekeeping(ledger, settings.reply_ttl_s):
        await asyncio.to_thread(language.load)  # beside the engines, which take longer
        made: list[Engines] = []

        async def engines() -> Engines:
            if not made:
                made.append(await process.engines())
            await process.wait_ready()
            return made[0]

        def ready() -> tuple[bool, str]:
            failure = f": {process.failure.message}" if process.failure else ""
            return process.state == "ready", process.state + failure

        yield Service(
            engines=engines,
            ledger=ledger,
            heard_once=heard_once,
            limits=Limits(settings.max_body_bytes, settings.max_audio_s, settings.reply_ttl_s),
            strict=settings.strict,
            engine_names={stage: spec.engine(stage) for stage in STAGES},
            fingerprint=fingerprint(__version__, spec.listen, spec.think, spec.speak),
            speaking_note=settings.speaking_note or None,
            ready=ready,
        )
    await asyncio.to_thread(ledger.close)


def fingerprint(*parts: str) -> str:
    """`fp_` and ten hex digits that change with any of `parts` (engine names and versions)."""
    return "fp_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `InvalidValue` where it is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise InvalidValue(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port (0 takes a free one).",
            param="port",
        ) from error
    return listening


def serve(settings: Settings) -> None:
    """Serve until interrupted. Before anything starts, raises `ModelNotInstalled` if weights are missing and
    `StorageFailed` if the data folder can't be used."""
    require_weights(settings.engine_spec())
    Ledger(settings.data_dir).close()
    listening = bind(settings.host, settings.port)
    host, port = listening.getsockname()[:2]
    log.info("listening on http://%s:%s/v1 (GET /health answers 200 once warm)", host, port)
    if host not in LOOPBACK:
        log.warning("no key is asked for: whoever can reach %s:%s can use this server and hear its answers", host, port)
    config = uvicorn.Config(
        create_app(lambda: running_service(settings), cors_origins=settings.cors_origins),
        log_config=None,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=30,
    )
    uvicorn.Server(config).run(sockets=[listening])
