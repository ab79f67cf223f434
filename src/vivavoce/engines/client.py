"""Talks to the engine process, whichever is alive: waits for it, connects, and describes it anew after each restart.

Is told how the process fares (`hear`) by whoever keeps it, in this process or in a parent. Starts and ends nothing.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from vivavoce.children import Report
from vivavoce.engines.remote import (
    Connection,
    RemoteAdmission,
    RemoteDiarizer,
    RemoteListener,
    RemoteSpeaker,
    RemoteThinker,
    RemoteTone,
    one,
)
from vivavoce.errors import EngineLost, VivaError
from vivavoce.tickets import NO_QUOTA, Quota
from vivavoce.turn import Engines

RESTART_WAIT_S = 60.0
"""How long a request waits for an engine that is being restarted."""

KNOCK_AGAIN_S = 0.05
"""Between two tries to connect."""

STILL_STARTING = "The engines are still starting. Please try again in a moment."


class EngineClient:
    """The engines as `turn.py` wants them. `failure` is why they can't run, kept until they do."""

    def __init__(self) -> None:
        self.report = Report("loading")
        self.failure: VivaError | None = None
        self._ready = asyncio.Event()
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._engines: tuple[Connection, Engines] | None = None

    def hear(self, report: Report) -> None:
        """The latest of the engine process. Call it on the event loop."""
        self.report = report
        if report.state == "ready":
            self.failure = None
            self._ready.set()
        else:
            self.failure = report.failure or self.failure
            self._ready.clear()

    def ready(self) -> tuple[bool, str]:
        """Whether requests would be answered now, and in a few words why not."""
        why = f": {self.failure.message}" if self.failure else ""
        return self.report.state == "ready", self.report.state + why

    async def wait_ready(self, timeout_s: float = RESTART_WAIT_S) -> None:
        """Raises the reason they can't start (`ModelNotInstalled` …) or `EngineLost` after `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ready.is_set():
            if self.failure is not None:
                raise self.failure
            if time.monotonic() >= deadline_s:
                raise EngineLost(STILL_STARTING)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), 0.1)

    async def connect(self) -> Connection:
        """The connection to the living process, waiting for one that is starting. Raises as `wait_ready` does."""
        deadline_s = time.monotonic() + RESTART_WAIT_S
        while True:
            await self.wait_ready(deadline_s - time.monotonic())
            with suppress(OSError, EngineLost):
                return await self._connected(self.report.socket_path or "")
            # A process that is dying takes connections for an instant, and then none before its end is told.
            if time.monotonic() >= deadline_s:
                raise EngineLost(STILL_STARTING)
            await asyncio.sleep(KNOCK_AGAIN_S)

    async def _connected(self, socket_path: str) -> Connection:
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                await self.close()
                self._connection = await Connection.open(socket_path)
                await one(self._connection.call("status"))  # only a living process answers
            return self._connection

    async def engines(self) -> Engines:
        """The engines, as they are in this life of the process; each call finds the process of its time."""
        connection = await self.connect()
        if self._engines is None or self._engines[0] is not connection:
            about = await one(connection.call("describe"))
            engines = Engines(
                RemoteListener(self.connect),
                RemoteThinker(
                    self.connect,
                    hears_audio=about["hears_audio"],
                    goes_on=about["goes_on"],
                    context_tokens=about["context_tokens"],
                    answer_tokens=about["answer_tokens"],
                ),
                RemoteSpeaker(self.connect, about["voices"]),
                tone=RemoteTone(self.connect) if about["reads_tone"] else None,
                diarizer=RemoteDiarizer(self.connect) if about["tells_speakers"] else None,
            )
            self._engines = (connection, engines)
        return self._engines[1]

    def admission(self, owner: bytes, patience_s: float, quota: Quota = NO_QUOTA) -> RemoteAdmission:
        """The queue of the engine process, for the turns of one request of one owner."""
        return RemoteAdmission(self.connect, owner, patience_s, quota)

    async def status(self) -> dict[str, Any]:
        """{"calls", "slots_busy", "admission", "pid"} of the process. Raises `EngineLost`."""
        return await one((await self.connect()).call("status"))

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
