"""Starts the engine process, watches it, and starts it again when it dies.

    async with EngineProcess(spec) as process:
        engines = await process.engines()

A native library that goes wrong takes its whole process with it; this keeps that process apart from HTTP, so that the
requests in flight get a clean error and the next one is answered. Knows no HTTP and no vendor.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Self, cast

from vivavoce import tasks
from vivavoce.engines.remote import Connection, RemoteListener, RemoteSpeaker, RemoteThinker, one
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import EngineLost, ServerFault, VivaError, all_errors
from vivavoce.turn import Engines

log = logging.getLogger(__name__)

State = Literal["stopped", "loading", "ready", "failed"]

RESTART_WAIT_S = 60.0
"""How long a request waits for an engine that is being restarted."""

LONGEST_PAUSE_S = 30.0


class EngineProcess:
    """One engine process at a time. `state` is "ready" once it is warm; `failure` is why it is not."""

    def __init__(self, spec: EngineSpec, *, python: str = sys.executable) -> None:
        self._spec = spec
        self._python = python
        self._folder = tempfile.TemporaryDirectory(prefix="viva-")
        self._ready = asyncio.Event()
        self._connection: Connection | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._starts = 0
        self.state: State = "stopped"
        self.failure: VivaError | None = None
        self.warm_up_s: float | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def restarts(self) -> int:
        return max(0, self._starts - 1)

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _keep(self) -> None:
        """Start, wait for the end, start again; pause longer each time it fails before it was ready."""
        pause_s = 0.0
        while True:
            await asyncio.sleep(pause_s)
            was_ready = False
            try:
                was_ready = await self._live_once()
            except OSError as error:
                log.error("the engine process could not be started or reached: %s", error.strerror)
            if was_ready:
                log.warning("the engine process ended; starting it again")
            pause_s = 0.0 if was_ready else min(LONGEST_PAUSE_S, max(1.0, pause_s * 2))

    async def _live_once(self) -> bool:
        """One life of the process, from start to end; whether it was ever ready."""
        self._starts += 1
        self.state = "loading"
        socket_path = str(Path(self._folder.name) / f"engine-{self._starts}.sock")
        child = await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            "vivavoce.engines.host",
            socket_path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._child = child
        if child.stdin is None or child.stdout is None:
            raise ServerFault("the engine process was started without pipes")
        was_ready = False
        try:
            child.stdin.write(self._spec.to_json().encode() + b"\n")
            await child.stdin.drain()
            async for line in child.stdout:
                was_ready = await self._hear_from_child(line, socket_path) or was_ready
            await child.wait()
            if not was_ready and self.failure is None:
                self.failure = EngineLost("The engine process ended before it was ready; the server's log says why.")
                self.state = "failed"
                log.error("engines failed to start: %s", self.failure.message)
        finally:
            await self._lost(child)
        return was_ready

    async def _hear_from_child(self, line: bytes, socket_path: str) -> bool:
        """Act on one line of the child; True when it has become ready. Anything but our JSON is passed over."""
        report: dict[str, Any] = {}
        with suppress(ValueError):
            decoded = json.loads(line)
            report = cast("dict[str, Any]", decoded) if isinstance(decoded, dict) else {}
        if report.get("state") == "ready":
            self._connection = await Connection.open(socket_path)
            self.warm_up_s = report.get("seconds")
            self.state, self.failure = "ready", None
            self._ready.set()
            log.info("engines ready after %.1f s", self.warm_up_s or 0.0)
            return True
        if report.get("state") == "failed":
            kind = all_errors().get(str(report.get("error")), ServerFault)
            self.failure = kind(str(report.get("message")))
            self.state = "failed"
            log.error("engines failed to start: %s", self.failure.message)
        return False

    async def _lost(self, child: asyncio.subprocess.Process) -> None:
        self._ready.clear()
        if self.failure is None:
            self.state = "loading"
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
        self._end_child()
        await child.wait()

    async def wait_ready(self, timeout_s: float = RESTART_WAIT_S) -> None:
        """Raises the reason it can't start (`ModelNotInstalled` …) or `EngineLost` after `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ready.is_set():
            if self.failure is not None:
                raise self.failure
            if time.monotonic() >= deadline_s:
                raise EngineLost("The engines are still starting. Please try again in a moment.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), 0.1)

    async def connect(self) -> Connection:
        """The connection to the living process, waiting for one that is starting. Raises as `wait_ready` does."""
        while True:
            await self.wait_ready()
            if self._connection is not None and not self._connection.closed:
                return self._connection
            # The socket is gone an instant before the end of the process is noticed.
            self._ready.clear()
            self._end_child()

    def _end_child(self) -> None:
        """A process that cannot be talked to is of no use; `_keep` starts another."""
        if self._child is not None and self._child.returncode is None:
            with suppress(ProcessLookupError):
                self._child.kill()

    async def engines(self) -> Engines:
        """The three engines, as objects that survive a restart of the process."""
        about = await one((await self.connect()).call("describe"))
        return Engines(
            RemoteListener(self.connect),
            RemoteThinker(
                self.connect,
                hears_audio=about["hears_audio"],
                context_tokens=about["context_tokens"],
                answer_tokens=about["answer_tokens"],
            ),
            RemoteSpeaker(self.connect, about["voices"]),
        )

    async def status(self) -> dict[str, Any]:
        """{"calls", "slots_busy", "pid"} of the process. Raises `EngineLost`."""
        return await one((await self.connect()).call("status"))

    async def stop(self) -> None:
        if self._keeping is not None:
            await tasks.end(self._keeping)
        self.state = "stopped"
        with suppress(OSError):
            self._folder.cleanup()
