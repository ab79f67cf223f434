"""`viva serve`: binds the port and keeps one engine process and the HTTP workers alive until it is told to stop.

    parent ─┬─ engine process     weights, threads                 (engines.host)
            ├─ worker             HTTP, sound in and out           (server.worker)
            └─ worker …           on the same listening socket; each reaches the engines over a local socket

Answers no request itself and loads neither weights nor the application, so nothing that a request does can end it.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import AsyncExitStack

from vivavoce.children import Child, Report
from vivavoce.engines.devices import require_devices
from vivavoce.engines.process import EngineProcess
from vivavoce.engines.registry import require_weights
from vivavoce.errors import InvalidValue, VivaError
from vivavoce.ledger.ledger import Ledger
from vivavoce.prices.book import load_book
from vivavoce.settings import LOOPBACK, Settings
from vivavoce.telemetry.shared import SharedCounts
from vivavoce.telemetry.tracing import require_tracing

log = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections that wait to be accepted while workers start."""

KILL_AFTER_S = 5.0
"""How much longer than answers under way a worker may take to end."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `InvalidValue` where it is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise InvalidValue(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --port (0 takes a free one).",
            param="port",
        ) from error
    return listening


def serve(settings: Settings) -> None:
    """Serve until interrupted.

    Before anything starts, raises `ModelNotInstalled` if weights are missing, `MissingDependency` if a GPU is asked for
    that cannot be used or traces without their SDK, `InvalidValue` if others could reach it and no key is asked for or
    a price list is wrong, and `StorageFailed` if the data folder can't be used.
    """
    spec = settings.engine_spec()
    require_weights(spec)
    require_devices(spec)
    if settings.otel_endpoint:
        require_tracing()
    load_book(settings.prices_dir)
    ledger = Ledger(settings.data_dir)
    try:
        has_key = ledger.keys.any()
    finally:
        ledger.close()
    with bind(settings.host, settings.port) as listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if not has_key and host not in LOOPBACK:
            raise InvalidValue(
                f"Others could use this server at {host} without a key. Make one (viva keys create NAME), or listen on "
                "this machine only (--host 127.0.0.1).",
                param="host",
            )
        log.info("listening on http://%s:%s/v1 (GET /health answers 200 once warm)", shown, port)
        if settings.web:
            log.info("pages for a browser: http://%s:%s/", shown, port)
        if has_key:
            log.info("a key is asked for (`viva keys list` shows which there are)")
        else:
            log.info("no key is asked for, and only this machine can reach it; `viva keys create NAME` makes one")
        asyncio.run(Processes(settings, listening).run())


class Processes:
    """The engine process and the workers of one server, from start to stop."""

    def __init__(self, settings: Settings, listening: socket.socket) -> None:
        self._listening = listening
        self._stop = asyncio.Event()
        self._failure: VivaError | None = None
        self._engine = EngineProcess(settings.engine_spec(), self._hear_engine)
        self._counts = SharedCounts() if settings.metrics else None
        self._workers = [
            Child(
                "worker",
                ["vivavoce.server.worker", str(listening.fileno())],
                lambda: settings.for_worker() + "\n" + self._engine.report.to_line(),
                self._hear_worker,
                grace_s=settings.drain_s + KILL_AFTER_S,
                pass_fds=[listening.fileno()],
                environment=self._counts.variables if self._counts else {},
                ended=self._counts.forget if self._counts else None,
            )
            for _ in range(settings.workers)
        ]
        self._has_served = False

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; a second one waits for no answer. Raises why the workers could not start at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._interrupted)
        async with self._engine, AsyncExitStack() as stack:
            for worker in self._workers:
                await stack.enter_async_context(worker)
            await self._stop.wait()
            # From here on nobody knocks in vain: what no worker accepts is refused.
            self._listening.close()
            await asyncio.gather(*(worker.stop() for worker in self._workers))
        if self._counts is not None:
            self._counts.close()
        if self._failure is not None:
            raise self._failure

    def _hear_engine(self, report: Report) -> None:
        for worker in self._workers:
            worker.tell(report)

    def _hear_worker(self, report: Report) -> None:
        self._has_served = self._has_served or report.state == "ready"
        if report.failure is None:
            return
        log.error("%s", report.failure.message)
        if not self._has_served:
            self._failure = report.failure
            self._stop.set()

    def _interrupted(self) -> None:
        if self._stop.is_set():
            for worker in self._workers:
                worker.kill()
        else:
            log.info("stopping; answers under way are finished first (interrupt again to drop them)")
            self._stop.set()
