"""Child processes kept alive: started, listened to, started again when they end, and ended for good when asked.

    async with Child("engine", ["vivavoce.engines.host", folder], brief, hear):
        ...

Parent and child talk in lines. The child is told what it is to be on its standard input, where what must not be seen
in a list of processes is safe; it says how it fares on its standard output, as a `Report` per line. The end of its
input is the end of its parent, however that came about (`follow_parent`). Knows nothing of engines and HTTP.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Literal, Self

from vivavoce import tasks
from vivavoce.errors import EngineLost, ServerFault, VivaError, all_errors

log = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed"]

LONGEST_PAUSE_S = 30.0
"""Between two starts of a child that never becomes ready."""


@dataclass(frozen=True, slots=True)
class Report:
    """How a child fares; crosses the pipe as one line of JSON.

    `socket_path` is where a ready engine process is reached, `seconds` how long it took to warm up; `error` (a class of
    our tree) and `message` say why it failed; the `message` of a ready engine process says on which devices it runs.
    """

    state: State
    seconds: float | None = None
    socket_path: str | None = None
    error: str | None = None
    message: str | None = None

    @classmethod
    def failed(cls, error: VivaError) -> Report:
        return cls("failed", error=type(error).__name__, message=error.message)

    @property
    def failure(self) -> VivaError | None:
        """What `failed` was made from."""
        if self.state != "failed":
            return None
        return all_errors().get(self.error or "", ServerFault)(self.message or "It did not say why.")

    def to_line(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str | bytes) -> Report | None:
        """None for a line that is no report: a library may write to standard output too."""
        with suppress(ValueError, TypeError):
            return cls(**json.loads(line))
        return None


class Child:
    """One process at a time, running `python -m` with `command`.

    `brief` makes the first lines of its input, anew for each life: what to be, then the reports that it has missed.
    `hear` gets its reports, and when it ends one in its name. `grace_s` is how long it may take to end when asked; 0
    ends it at once. `environment` is added to its environment; `ended` is told the id of each process that is no more.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        brief: Callable[[], str],
        hear: Callable[[Report], None],
        *,
        grace_s: float = 0.0,
        pass_fds: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        ended: Callable[[int], None] | None = None,
    ) -> None:
        self.name = name
        self.report = Report("loading")
        self.restarts = -1
        self._command = command
        self._brief = brief
        self._hear = hear
        self._grace_s = grace_s
        self._pass_fds = pass_fds
        self._environment = dict(environment or {})
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _keep(self) -> None:
        """Start, wait for the end, start again; pause longer each time it ends before it was ready."""
        pause_s = 0.0
        while not self._stopping:
            await asyncio.sleep(pause_s)
            was_ready = False
            try:
                was_ready = await self._live_once()
            except OSError as error:
                log.error("the %s process could not be started: %s", self.name, error.strerror)
            pause_s = 0.0 if was_ready else min(LONGEST_PAUSE_S, max(1.0, pause_s * 2))
            if not self._stopping:
                log.warning("the %s process ended; starting it again in %.0f s", self.name, pause_s)

    async def _live_once(self) -> bool:
        """One life of the process, from start to end; whether it was ever ready."""
        self.restarts += 1
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=self._pass_fds,
            # Settings and keys come by the pipe alone; the environment of a process can be read from outside.
            env={name: value for name, value in os.environ.items() if not name.startswith("VIVA_")} | self._environment,
            # Ctrl+C is the parent's to act on: a terminal sends it to the whole group.
            start_new_session=True,
        )
        was_ready = False
        try:
            self._process = process
            self._write(self._brief())
            async for report in _reports(process):
                was_ready = was_ready or report.state == "ready"
                self._told(report)
            await process.wait()
        finally:
            self._process = None
            if process.returncode is None:
                process.kill()
                await process.wait()
            if self._ended is not None:
                self._ended(process.pid)
            if not self._stopping and (left := self._after_the_end()) != self.report:
                self._told(left)
        return was_ready

    def _after_the_end(self) -> Report:
        """How the next life looks from the end of this one: hopeful if it was ready, or else as it has failed."""
        if self.report.state != "loading":
            return Report("loading") if self.report.state == "ready" else self.report
        return Report.failed(
            EngineLost(f"The {self.name} process ended before it was ready; the server's log says why.")
        )

    def _told(self, report: Report) -> None:
        self.report = report
        self._hear(report)

    def tell(self, report: Report) -> None:
        """Pass a report of another child on to this one. What a child misses while it is down is in its brief."""
        self._write(report.to_line())

    def _write(self, text: str) -> None:
        # Not drained: it is little, and a child that stops reading is as good as dead.
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(text.encode())

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """Ask the process to end, and see to it after `grace_s`. It is not started again."""
        self._stopping = True
        if self._keeping is None:
            return
        if self._process is not None and self._grace_s:
            with suppress(ProcessLookupError):
                self._process.terminate()
            await asyncio.wait([self._keeping], timeout=self._grace_s)
        await tasks.end(self._keeping)


async def _reports(process: asyncio.subprocess.Process) -> AsyncGenerator[Report, None]:
    if process.stdout is None:
        raise ServerFault("A child process was started without pipes.")
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:  # longer than any report
            continue
        if not line:
            return
        if (report := Report.from_line(line)) is not None:
            yield report


def tell_parent(report: Report) -> None:
    """In a child: say how it fares."""
    sys.stdout.write(report.to_line())
    sys.stdout.flush()


def follow_parent(hear: Callable[[Report], None] | None = None, at_end: Callable[[], None] | None = None) -> str:
    """In a child: return the first line of the brief, hand on the reports after it, and end with the parent.

    `hear` and `at_end` run in a thread of their own. The process ends when its input does, whatever else it is doing.
    """
    # Not `sys.stdin`: a thread that waits in its buffer would abort the interpreter when it shuts down.
    told = io.FileIO(0, closefd=False)
    first = told.readline().decode()

    def follow() -> None:
        for line in told:
            if hear is not None and (report := Report.from_line(line)) is not None:
                hear(report)
        if at_end is not None:
            at_end()
        os._exit(0)

    threading.Thread(target=follow, daemon=True, name="parent").start()
    return first
