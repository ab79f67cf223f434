"""The engine process, kept alive: started with its spec, and started again when it dies.

    client = EngineClient()
    async with EngineProcess(spec, client.hear):
        engines = await client.engines()

A native library that goes wrong takes its whole process with it; this keeps that process apart from HTTP. Who talks to
it is a matter of `engines.client`. Knows no HTTP and no vendor.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vivavoce.children import Child, Report
from vivavoce.engines.spec import EngineSpec

log = logging.getLogger(__name__)


class EngineProcess(Child):
    """One engine process at a time, at one private socket. `hear` gets its reports; a ready one names the socket."""

    def __init__(self, spec: EngineSpec, hear: Callable[[Report], None]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="viva-")
        socket_path = str(Path(self._folder.name) / "engine.sock")
        super().__init__("engine", ["vivavoce.engines.host", socket_path], lambda: spec.to_json() + "\n", _logged(hear))

    async def stop(self) -> None:
        await super().stop()
        with suppress(OSError):
            self._folder.cleanup()


def _logged(hear: Callable[[Report], None]) -> Callable[[Report], None]:
    def log_and_hear(report: Report) -> None:
        if report.state == "ready":
            log.info("engines ready after %.1f s: %s", report.seconds or 0.0, report.message or "scripted")
        if report.failure is not None:
            log.error("engines failed to start: %s", report.failure.message)
        hear(report)

    return log_and_hear
