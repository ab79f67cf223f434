"""The engine process: holds the weights and the threads, and serves the engine contracts over a local socket.

Started by `engines.process` as `python -m vivavoce.engines.host SOCKET` with the `EngineSpec` as one JSON line on
standard input. Reports on standard output that it is loading, ready (and reached at SOCKET) or why it failed.
Ends when standard input closes, so it never outlives its parent. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from vivavoce import memory, tasks
from vivavoce.audio import Audio
from vivavoce.children import Report, follow_parent, tell_parent
from vivavoce.conversation import AudioPart, Message, Sampling
from vivavoce.engines import frames
from vivavoce.engines.admission import Admission, Place
from vivavoce.engines.devices import placed, summary
from vivavoce.engines.pace import PacedSpeaker
from vivavoce.engines.registry import build
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import EngineFailed, VivaError
from vivavoce.listen.manner import Tone, Voicing
from vivavoce.listen.speakers.base import Diarizer, Embedding, VoiceWindow
from vivavoce.logs import configure_logging
from vivavoce.speak.saying import Saying
from vivavoce.tickets import Quota, Room
from vivavoce.turn import Engines, Turn, run

UNSETTLED = 1024
"""Turns that have left and of which nobody has told yet what they took; a worker that dies never does."""

WARM_UP_TOKENS = 40
"""Enough for a few words and their sound."""


class EngineHost:
    """Answers calls on engines. Each call is a task; a `cancel` frame or a lost connection cancels it.

    So a ticket, which is a call that lasts as long as its turn, is given back however the turn or its worker ends.
    """

    def __init__(self, engines: Engines, admission: Admission) -> None:
        self.engines = engines
        self.admission = admission
        self.calls = 0
        self._numbers = itertools.count(1)
        self._tickets: dict[int, Place] = {}
        self._left: dict[int, Place] = {}
        self.verbs: dict[str, Callable[..., AsyncGenerator[Any, None]]] = {
            "admit": self._admit,
            "clear": self._clear,
            "called_off": self._called_off,
            "settle": self._settle,
            "listen": engines.listener.listen,
            "think": engines.thinker.think,
            "speak": self._speak,
            "read_tone": self._read_tone,
            "trace": self._trace,
            "embed": self._embed,
            "tokenize": self._tokenize,
            "count_tokens": self._count_tokens,
            "describe": self._describe,
            "status": self._status,
        }

    async def _admit(
        self, owner: bytes, spoken: bool, background: bool, long: bool, quota: Quota, expected_tokens: int
    ) -> AsyncGenerator[tuple[int, Room | None], None]:
        """The ticket's number and the room there is, once the turn may start; then nothing, until it is given up."""
        ticket = self.admission.ticket(
            owner, spoken=spoken, background=background, long=long, quota=quota, expected_tokens=expected_tokens
        )
        number = next(self._numbers)
        async with ticket as place:
            self._tickets[number] = place
            try:
                yield number, place.room
                await asyncio.Event().wait()
            finally:
                del self._tickets[number]
                self._left[number] = place
                if len(self._left) > UNSETTLED:
                    del self._left[next(iter(self._left))]

    async def _clear(self, number: int, ahead_s: float) -> AsyncGenerator[None, None]:
        yield await self._tickets[number].clear(ahead_s)

    async def _called_off(self, number: int) -> AsyncGenerator[None, None]:
        yield await self._tickets[number].called_off()

    async def _settle(self, number: int, tokens: int) -> AsyncGenerator[float, None]:
        """The share of a turn that has left, see `tickets.Metered.settle`."""
        place = self._left.pop(number, None)
        yield 0.0 if place is None else self.admission.settle(place, tokens)

    async def _speak(self, text: str, voice: str, speed: float) -> AsyncGenerator[Audio, None]:
        yield await self.engines.speaker.speak(text, voice, speed)

    async def _read_tone(
        self, utterances: Sequence[Voicing], known: Sequence[Voicing]
    ) -> AsyncGenerator[list[Tone], None]:
        yield [] if self.engines.tone is None else await self.engines.tone.read(utterances, known)

    async def _trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        async with aclosing(self._diarizer().trace(audio)) as windows:
            async for window in windows:
                yield window

    async def _embed(self, audio: Audio) -> AsyncGenerator[Embedding, None]:
        yield await self._diarizer().embed(audio)

    def _diarizer(self) -> Diarizer:
        if self.engines.diarizer is None:
            raise EngineFailed("No engine here tells speakers apart.")
        return self.engines.diarizer

    async def _tokenize(self, text: str) -> AsyncGenerator[list[int] | None, None]:
        yield await self.engines.thinker.tokenize(text)

    async def _count_tokens(self, text: str) -> AsyncGenerator[int | None, None]:
        yield await self.engines.thinker.count_tokens(text)

    async def _describe(self) -> AsyncGenerator[dict[str, Any], None]:
        thinker = self.engines.thinker
        yield {
            "hears_audio": thinker.hears_audio,
            "goes_on": thinker.goes_on,
            "context_tokens": thinker.context_tokens,
            "answer_tokens": thinker.answer_tokens,
            "voices": dict(self.engines.speaker.voices),
            "reads_tone": self.engines.tone is not None,
            "tells_speakers": self.engines.diarizer is not None,
        }

    async def _status(self) -> AsyncGenerator[dict[str, Any], None]:
        """Calls under way (without this one) and the thinker's slots that are really at work."""
        yield {
            "calls": self.calls - 1,
            "slots_busy": getattr(self.engines.thinker, "busy", None),
            "admission": self.admission.state(),
            "pid": os.getpid(),
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: many calls at once, told apart by their id."""
        calls: dict[int, asyncio.Task[None]] = {}
        try:
            while (frame := await frames.read(reader)) is not None:
                call_id, kind, value = frame
                if kind == "call":
                    task = asyncio.create_task(self._answer(writer, call_id, *value))
                    calls[call_id] = task
                    task.add_done_callback(lambda _, call_id=call_id: calls.pop(call_id, None))
                elif kind == "cancel" and call_id in calls:
                    calls[call_id].cancel()
        finally:
            for task in list(calls.values()):
                task.cancel()
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, call_id: int, verb: str, args: list[Any]) -> None:
        async def send(kind: frames.Kind, value: object) -> None:
            writer.write(frames.encode((call_id, kind, value)))
            with suppress(ConnectionError):  # `serve` notices, and cancels this call
                await writer.drain()

        self.calls += 1
        try:
            async with aclosing(self.verbs[verb](*args)) as items:
                async for item in items:
                    await send("item", item)
            await send("done", None)
        except asyncio.CancelledError:
            memory.tidy_soon()
            raise
        except VivaError as error:
            await send("error", error)
        except Exception as error:
            # The boundary where foreign errors become ours. The text of the exception may quote speech: keep its type.
            await send("error", EngineFailed(f"The {verb} engine failed: {type(error).__name__}."))
        finally:
            self.calls -= 1


async def warm(engines: Engines) -> None:
    """Run one whole turn, so that the first request finds pages mapped, kernels chosen and our note in the cache."""
    saying = Saying(next(iter(engines.speaker.voices)))
    greeting = await engines.speaker.speak("Hello there.", saying.voice)
    turn = Turn([Message("user", (AudioPart(greeting),))], Sampling(max_tokens=WARM_UP_TOKENS), saying=saying)
    async with aclosing(run(turn, engines)) as events:
        async for _ in events:
            pass
    if engines.diarizer is not None:
        await engines.diarizer.embed(greeting)


def streams_fed(spoken: int, spec: EngineSpec) -> int:
    """Streams of speech that can be kept fed, of `spoken` that speaking alone would allow."""
    return min(spoken, spec.threads) if spec.thinks_on_processor else spoken


def _clean_up(socket_path: Path, scratch: Path) -> None:
    """After a parent that was killed; one that ends in peace does this itself."""
    shutil.rmtree(scratch, ignore_errors=True)
    with suppress(OSError):
        socket_path.unlink(missing_ok=True)
        socket_path.parent.rmdir()


async def _main(socket_path: Path, spec: EngineSpec) -> None:
    started_s = time.perf_counter()
    tell_parent(Report("loading"))
    try:
        spec = await asyncio.to_thread(placed, spec)
        built = await asyncio.to_thread(build, spec)
        speaker = PacedSpeaker(built.speaker)
        engines = replace(built, speaker=speaker)
        await warm(engines)
    except VivaError as error:
        tell_parent(Report.failed(error))
        return
    except Exception as error:
        tell_parent(Report.failed(EngineFailed(f"An engine failed to load: {error!r}")))
        return
    memory.settle()
    host = EngineHost(engines, Admission(spec.admission, lambda: streams_fed(speaker.streams, spec)))
    server = await asyncio.start_unix_server(host.serve, socket_path, limit=frames.READ_AHEAD_BYTES)
    seconds = round(time.perf_counter() - started_s, 3)
    tell_parent(Report("ready", seconds=seconds, socket_path=str(socket_path), message=summary(spec)))
    async with server:
        with suppress(asyncio.CancelledError):
            await server.serve_forever()


def main() -> None:
    memory.share_pools()
    socket_path = Path(sys.argv[1])
    # No exception's own text in the log, asyncio's included: it may quote speech.
    configure_logging("warning")
    # Engines are never asked to tidy up: what they keep beside the socket goes with its folder, or with the next life.
    scratch = socket_path.parent / "tmp"  # short, as names of sockets must be
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    tempfile.tempdir = str(scratch)
    spec = EngineSpec.from_json(follow_parent(at_end=lambda: _clean_up(socket_path, scratch)))
    tasks.run(_main(socket_path, spec))


if __name__ == "__main__":
    main()
