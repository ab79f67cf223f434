"""Runs batches, for as long as the server does: takes those that nobody works on, puts their lines, a few at a time.

Several workers, and several servers over one ledger, may each have a runner: a lease says whose a batch is. Lines are
background work, so they start when nobody waits, and let others go first. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from heapq import merge
from typing import Any, Literal, TypeVar

from vivavoce import tasks
from vivavoce.errors import AuthenticationFailed, StorageFailed
from vivavoce.ledger.batch_runs import Claim, LeaseLostError
from vivavoce.ledger.batches import Issue, Status
from vivavoce.ledger.files import KeptFile
from vivavoce.ledger.keys import Key
from vivavoce.server import batch_work
from vivavoce.server.batch_lines import Line, check, numbered, read_line
from vivavoce.server.service import Service
from vivavoce.server.wire.batches import unanswered_line

log = logging.getLogger(__name__)

POLL_S = 1.0
"""How often batches are looked for that nobody works on; those that are made in this process are told of at once."""

BEAT_S = 1.0
LEASE_S = 10.0
"""A lease is renewed every `BEAT_S`; the batch of a runner that died waits for this long."""

MOST_BATCHES = 32
"""That one runner has under way; their lines take turns."""

MOST_OF_ONE = 2
"""Of them of one owner, over all runners: who has many batches keeps nobody else waiting for days."""

ATTEMPTS = 3
"""How often a line is put whose failures, after the engines had begun with it, may be of the moment."""

Stop = Literal["cancelled", "expired", "revoked", "lost"]

UNANSWERED: dict[Stop, tuple[str, str]] = {
    "cancelled": ("batch_cancelled", "This request was not executed: the batch was cancelled."),
    "revoked": ("batch_cancelled", "This request was not executed: the key of the batch was revoked."),
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
}
"""What is told of lines that were never answered."""

REVOKED = Issue("invalid_api_key", "The key of this batch was revoked, and it was stopped.")

Result = TypeVar("Result")


@asynccontextmanager
async def running_batches(service: Service) -> AsyncGenerator[None, None]:
    """Run batches while within, unless this server runs none."""
    if not service.limits.batch_lines:
        yield
        return
    running = asyncio.create_task(_Runner(service).run())
    try:
        yield
    finally:
        await tasks.end(running)


class _Runner:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._places = asyncio.Semaphore(service.limits.batch_lines)
        self._courses: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while True:
                self._service.batch_made.clear()
                await self._take()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._service.batch_made.wait(), POLL_S)
        finally:
            for course in list(self._courses):
                await tasks.end(course)

    async def _take(self) -> None:
        room = MOST_BATCHES - len(self._courses)
        if room <= 0:
            return
        try:
            claim = self._service.ledger.batch_runs.claim
            claims = await asyncio.to_thread(claim, LEASE_S, room, most_of_one=MOST_OF_ONE)
        except StorageFailed as error:
            log.error("batches cannot be looked for: %s", error.message)
            return
        except Exception as error:
            log.error("unforeseen %s while batches were looked for", type(error).__name__, exc_info=error)
            return
        for claim in claims:
            course = asyncio.create_task(_Course(claim, self._service, self._places).run())
            self._courses.add(course)
            course.add_done_callback(self._courses.discard)


class _Course:
    """One batch, from where its last runner left it to its end, or until it is taken away."""

    def __init__(self, claim: Claim, service: Service, places: asyncio.Semaphore) -> None:
        self._claim = claim
        self._service = service
        self._runs = service.ledger.batch_runs
        self._places = places
        self._stop: asyncio.Future[Stop] = asyncio.get_running_loop().create_future()
        self._ending = False
        self._again = asyncio.Lock()
        self._recording: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        beating = asyncio.create_task(self._beat())
        try:
            await self._work_or_stop()
        except asyncio.CancelledError:
            with suppress(StorageFailed, LeaseLostError):
                await asyncio.to_thread(self._runs.release, self._claim)  # another worker goes on with it
            raise
        except LeaseLostError:
            log.info("a batch was taken over by another runner")
        except StorageFailed as error:
            log.error("a batch cannot go on: %s", error.message)  # it is tried again when its lease is over
        except Exception as error:
            log.error("unforeseen %s in a batch", type(error).__name__, exc_info=error)
        finally:
            await tasks.end(beating)

    async def _work_or_stop(self) -> None:
        working = asyncio.create_task(self._work())
        try:
            await asyncio.wait({working, self._stop}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
                return
        finally:
            await tasks.end(working)
            if self._recording:
                await asyncio.wait(self._recording)
        stop = self._stop.result()
        if stop == "lost":
            raise LeaseLostError
        await self._end("expired" if stop == "expired" else "cancelled", stop)

    async def _work(self) -> None:
        status = self._claim.batch.status
        if status == "validating" and not await self._validated():
            return
        if status == "cancelling":
            await self._end("cancelled", "cancelled")
            return
        if status != "finalizing":
            await self._put_lines()
            if not await asyncio.to_thread(self._runs.finalize, self._claim):
                await self._end("cancelled", "cancelled")
                return
        await self._end("completed")

    async def _validated(self) -> bool:
        """Whether there are lines to be put; the batch has ended where there are none."""
        order = self._claim.batch.order
        try:
            checked = await asyncio.to_thread(check, self._input(), order.endpoint, self._service.limits.body_bytes)
        except StorageFailed as error:
            log.error("the input of a batch cannot be read: %s", error.message)
            issue = Issue("file_unreadable", "The input file cannot be read. Upload it again.", "input_file_id")
            await self._end("failed", issues=[issue])
            return False
        if checked.issues:
            await self._end("failed", issues=checked.issues)
            return False
        model = checked.models.pop() if len(checked.models) == 1 else None
        if not await asyncio.to_thread(self._runs.begin, self._claim, checked.total, model):
            await self._end("cancelled", "cancelled")
            return False
        return True

    async def _put_lines(self) -> None:
        done = await asyncio.to_thread(self._runs.done, self._claim)
        lines = ((number, data) for number, data in self._lines() if number not in done)
        try:
            async with asyncio.TaskGroup() as group:
                while (found := await asyncio.to_thread(next, lines, None)) is not None:
                    await self._places.acquire()
                    group.create_task(self._put(*found)).add_done_callback(lambda _: self._places.release())
        except BaseExceptionGroup as failed:
            raise tasks.first_cause(failed) from failed

    async def _put(self, number: int, data: bytes) -> None:
        line = read_line(data)
        attempt = await self._attempt(line)
        failures = int(attempt.begun)
        while attempt.again_s is not None and failures < ATTEMPTS:
            await asyncio.sleep(attempt.again_s)
            async with self._again:  # one at a time: who brings an engine down brings no other line with it each time
                attempt = await self._attempt(line)
            failures += attempt.begun

        async def record() -> None:
            await batch_work.record(attempt, number, line, self._claim, self._service)

        # What has been answered is recorded, whatever happens to this task.
        recording = asyncio.create_task(self._patiently(record))
        self._recording.add(recording)
        recording.add_done_callback(self._recording.discard)
        await asyncio.shield(recording)

    async def _attempt(self, line: Line) -> batch_work.Attempt:
        await self._engines_ready()
        return await batch_work.put(line, self._claim, await self._patiently(self._key), self._service)

    async def _engines_ready(self) -> None:
        while not self._service.ready()[0]:  # noqa: ASYNC110 - a state that is told, not an event of this loop
            await asyncio.sleep(BEAT_S)

    async def _key(self) -> Key | None:
        """Raises nothing where the key was revoked: then the batch is stopped, and this task with it."""
        if self._claim.key_id is None:
            return None
        try:
            return await self._service.keyring.still(self._claim.owner, self._claim.key_id)
        except AuthenticationFailed:
            self._stop_for("revoked")
            return await asyncio.Future()

    async def _patiently(self, do: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What a disk that is full for a while lets us do in the end, while the batch is ours."""
        while True:
            try:
                return await do()
            except StorageFailed as error:
                log.error("a line of a batch waits: %s", error.message)
                if self._stop.done():
                    raise
                await asyncio.sleep(BEAT_S)

    async def _beat(self) -> None:
        """Renew the lease, and notice what stops the batch."""
        renewed_s = time.monotonic()
        while True:
            try:
                status = await asyncio.to_thread(self._runs.beat, self._claim, LEASE_S)
                renewed_s = time.monotonic()
                if status == "cancelling":
                    self._stop_for("cancelled")
                elif status != "finalizing" and time.time() >= self._claim.batch.expires_at:
                    self._stop_for("expired")
                elif self._claim.key_id is not None:
                    await self._service.keyring.still(self._claim.owner, self._claim.key_id)
            except AuthenticationFailed:
                self._stop_for("revoked")
            except LeaseLostError:
                self._stop_for("lost")
            except StorageFailed as error:
                log.error("the lease of a batch cannot be renewed: %s", error.message)
            if time.monotonic() - renewed_s > LEASE_S:
                self._stop_for("lost")
            await asyncio.sleep(BEAT_S)

    def _stop_for(self, reason: Stop) -> None:
        if not self._stop.done() and not self._ending:
            self._stop.set_result(reason)

    async def _end(self, status: Status, stop: Stop | None = None, issues: list[Issue] | None = None) -> None:
        """Write what came of the lines into files, and end the batch."""
        self._ending = True
        await asyncio.to_thread(self._finish, status, stop, issues or ([REVOKED] if stop == "revoked" else []))
        log.info("a batch has ended: %s", status)

    def _finish(self, status: Status, stop: Stop | None, issues: list[Issue]) -> None:
        answered = (line for _, line in self._runs.results(self._claim, answered=True))
        failed = self._runs.results(self._claim, answered=False)
        told = merge(failed, self._unanswered(*UNANSWERED[stop]), key=lambda each: each[0]) if stop else failed
        output = self._written("output", answered)
        errors = self._written("error", (line for _, line in told))
        self._runs.end(self._claim, status, output=output, errors=errors, issues=issues)

    def _unanswered(self, code: str, message: str) -> Iterator[tuple[int, bytes]]:
        """Lines that came to nothing; none where there is no input that was found good."""
        if not self._runs.begun(self._claim):
            return
        done = self._runs.done(self._claim)
        with suppress(StorageFailed):
            for number, data in self._lines():
                if number not in done:
                    yield number, unanswered_line(read_line(data).custom_id, code, message)

    def _written(self, kind: str, lines: Iterator[bytes]) -> KeptFile | None:
        """A file of `lines`; None where there are none."""
        files, batch, owner = self._service.ledger.files, self._claim.batch, self._claim.owner
        if (first := next(lines, None)) is None:
            return None
        file_id = files.new_id()
        with files.writer(owner, file_id) as writer:
            writer.feed(first)
            for line in lines:
                writer.feed(line)
        ttl_s = batch.order.output_ttl_s or self._service.limits.file_ttl_s
        return files.about(file_id, f"{batch.id}_{kind}.jsonl", "batch_output", writer.size, ttl_s)

    def _input(self) -> Iterator[bytes]:
        return self._service.ledger.files.read(self._claim.owner, self._claim.batch.order.input_file_id)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        return numbered(self._input())
