"""The engine contracts, answered by the engine process: `turn.py` cannot tell the difference.

`Connection` carries many calls over one socket; `RemoteListener`, `RemoteThinker` and `RemoteSpeaker` give them the
shape of the contracts. Knows neither how the process is started nor what engines it holds.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from vivavoce import tasks
from vivavoce.audio import Audio
from vivavoce.conversation import Message, Sampling
from vivavoce.engines import frames
from vivavoce.errors import EngineLost, EngineTimeout
from vivavoce.listen.base import ListenOptions, Segment
from vivavoce.listen.manner import Tone, Voicing
from vivavoce.listen.speakers.base import Embedding, VoiceWindow
from vivavoce.speak.base import Voice
from vivavoce.think.base import Thinking
from vivavoce.tickets import COMFORT_S, Quota, Room

LOST = "The engine process stopped while it worked on this request. It is being restarted; please try again."


class Connection:
    """One socket to the engine process. Every open call ends with `EngineLost` when the process goes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._calls: dict[int, asyncio.Queue[frames.Frame]] = {}
        self.closed = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, socket_path: str) -> Connection:
        return cls(*await asyncio.open_unix_connection(socket_path, limit=frames.READ_AHEAD_BYTES))

    async def _read(self) -> None:
        try:
            while (frame := await frames.read(self._reader)) is not None:
                # A call that was given up has no queue any more; its late frames are dropped.
                if (queue := self._calls.get(frame[0])) is not None:
                    queue.put_nowait(frame)
        finally:
            self.closed = True
            for call_id, queue in self._calls.items():
                queue.put_nowait((call_id, "error", EngineLost(LOST)))

    async def call(self, verb: str, *args: object) -> AsyncGenerator[Any, None]:
        """Yield the items of one call. Closing the generator cancels the call in the engine process."""
        if self.closed:
            raise EngineLost(LOST)
        call_id = next(self._ids)
        queue: asyncio.Queue[frames.Frame] = asyncio.Queue()
        self._calls[call_id] = queue
        ended = False
        try:
            self._send((call_id, "call", [verb, list(args)]))
            while True:
                _, kind, value = await queue.get()
                if kind == "item":
                    yield value
                    continue
                ended = True
                if kind == "error":
                    raise value
                return
        finally:
            del self._calls[call_id]
            if not ended and not self.closed:
                self._send((call_id, "cancel", None))

    def _send(self, frame: frames.Frame) -> None:
        # Not drained: what is sent is one request, already bounded by the body limit, to a reader on this machine.
        with suppress(ConnectionError):
            self._writer.write(frames.encode(frame))

    async def close(self) -> None:
        await tasks.end(self._reading)
        self._writer.close()


Connect = Callable[[], Coroutine[Any, Any, Connection]]
"""Returns the living connection, waiting for a restart under way. Raises `EngineLost`."""


async def one(stream: AsyncGenerator[Any, None]) -> Any:
    """The single item of a call."""
    async with aclosing(stream) as items:
        async for item in items:
            return item
    raise EngineLost(LOST)


class RemoteTicket:
    """Is a `tickets.Ticket`: its number names it in the engine process."""

    def __init__(self, connection: Connection, number: int, room: Room | None, background: bool) -> None:
        self.room = room
        self._connection = connection
        self._number = number
        self._background = background

    async def clear(self, ahead_s: float = 0.0) -> None:
        if self._background or ahead_s > COMFORT_S:
            await one(self._connection.call("clear", self._number, ahead_s))

    async def called_off(self) -> None:
        if self._background:
            await one(self._connection.call("called_off", self._number))
        else:
            await asyncio.Event().wait()


class RemoteAdmission:
    """The queue as the turns of one request see it. Is a `tickets.Metered`.

    `patience_s`: how long an answer may take, longer than anybody waits in the queue: else the process hangs.
    """

    def __init__(self, connect: Connect, owner: bytes, patience_s: float, quota: Quota) -> None:
        self.expected_tokens = 0
        self._connect = connect
        self._owner = owner
        self._quota = quota
        self._patience_s = patience_s
        self._tickets: list[tuple[Connection, int]] = []

    @asynccontextmanager
    async def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AsyncGenerator[RemoteTicket, None]:
        """See `tickets.Admission.ticket`. Raises `TooBusy`, `RequestTooLarge`, `EngineLost`, `EngineTimeout`."""
        connection = await self._connect()
        asked = connection.call("admit", self._owner, spoken, background, long, self._quota, self.expected_tokens)
        async with aclosing(asked) as call:
            try:
                async with asyncio.timeout(None if background else self._patience_s):
                    number, room = await anext(call)
            except TimeoutError:
                raise EngineTimeout("The engines do not answer. Please try again.") from None
            self._tickets.append((connection, number))
            yield RemoteTicket(connection, number, room, background)

    async def settle(self, tokens: int) -> float | None:
        """See `tickets.Metered.settle`. Raises `EngineLost`; the process that let the request in may be gone."""
        tickets, self._tickets = self._tickets, []
        share_s: float | None = None
        for connection, number in tickets:
            last = number == tickets[-1][1]
            share_s = (share_s or 0.0) + await one(connection.call("settle", number, tokens if last else 0))
        return share_s


class RemoteListener:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        connection = await self._connect()
        async with aclosing(connection.call("listen", audio, options or ListenOptions())) as segments:
            async for segment in segments:
                yield segment

    async def close(self) -> None:
        return None


class RemoteDiarizer:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        connection = await self._connect()
        async with aclosing(connection.call("trace", audio)) as windows:
            async for window in windows:
                yield window

    async def embed(self, audio: Audio) -> Embedding:
        return await one((await self._connect()).call("embed", audio))

    async def close(self) -> None:
        return None


class RemoteThinker:
    def __init__(
        self,
        connect: Connect,
        *,
        hears_audio: bool,
        goes_on: bool,
        context_tokens: int | None,
        answer_tokens: int | None,
    ) -> None:
        self._connect = connect
        self.hears_audio = hears_audio
        self.goes_on = goes_on
        self.context_tokens = context_tokens
        self.answer_tokens = answer_tokens

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        connection = await self._connect()
        async with aclosing(connection.call("think", list(conversation), sampling or Sampling())) as thoughts:
            async for thought in thoughts:
                yield thought

    async def tokenize(self, text: str) -> list[int] | None:
        return await one((await self._connect()).call("tokenize", text))

    async def count_tokens(self, text: str) -> int | None:
        return await one((await self._connect()).call("count_tokens", text))

    async def close(self) -> None:
        return None


class RemoteSpeaker:
    def __init__(self, connect: Connect, voices: Mapping[str, Voice]) -> None:
        self._connect = connect
        self.voices = voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        return await one((await self._connect()).call("speak", text, voice, speed))

    async def close(self) -> None:
        return None


class RemoteTone:
    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def read(self, utterances: Sequence[Voicing], known: Sequence[Voicing] = ()) -> list[Tone]:
        return await one((await self._connect()).call("read_tone", list(utterances), list(known)))

    async def close(self) -> None:
        return None
