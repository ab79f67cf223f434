"""`POST /v1/chat/completions`: runs the turn that a request asks for, and writes its events to the wire.

No flow of its own: the flow is `turn.run`. What a request means is in `server.turns`, shapes are in `server.wire`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.encode import PcmCutter, StreamEncoder, encode
from vivavoce.errors import VivaError
from vivavoce.ledger.completions import new_id
from vivavoce.server import strict
from vivavoce.server.bodies import read_model
from vivavoce.server.disconnect import while_connected
from vivavoce.server.gathering import Gathered
from vivavoce.server.keeping import Keeping
from vivavoce.server.models import check_model
from vivavoce.server.openapi import answered_by, body_of
from vivavoce.server.owners import owner_of
from vivavoce.server.parameters import check_supported
from vivavoce.server.service import Service
from vivavoce.server.storing import Storing
from vivavoce.server.streams import TurnStream, from_first, opened
from vivavoce.server.turns import expected_usage, read_turn
from vivavoce.server.watching import watched_run
from vivavoce.server.wire import errors as wire_errors
from vivavoce.server.wire.answers import Completion
from vivavoce.server.wire.chat_request import ChatRequest
from vivavoce.server.wire.chat_response import ChunkWriter, ReplyHead, completion
from vivavoce.server.wire.events import event
from vivavoce.server.wire.tool_calls import CallStyle
from vivavoce.tickets import Room
from vivavoce.turn import Called, Engines, Event, Finished, PartHeard, Read, Spoke, Thought, Turn

ROUTER = APIRouter()
log = logging.getLogger(__name__)


@ROUTER.post(
    "/v1/chat/completions",
    openapi_extra=body_of(ChatRequest),
    responses=answered_by(Completion, or_stream=True),
)
async def chat_completions(request: Request) -> Response:
    service: Service = request.app.state.service
    body = await read_model(request, ChatRequest, service.limits.body_bytes)
    turn, engines, reply = await prepared(body, service, owner_of(request))
    answering = _streamed if body.stream else whole
    return await while_connected(request, answering(turn, engines, reply))


async def prepared(
    body: ChatRequest, service: Service, owner: bytes, *, background: bool = False
) -> tuple[Turn, Engines, Reply]:
    """The turn that a body asks for, and how it is answered. Raises what is wrong with it, before any work is done."""
    check_model(body.model)
    if service.strict:
        strict.refuse(body)
    await asyncio.to_thread(check_supported, body, service.limits.choices)  # a schema takes a while
    engines = await service.engines_for(owner)
    with strict.original_texts(service.strict):
        turn = await read_turn(body, service, engines, owner)
    service.expect(body.model, expected_usage(turn))
    turn = replace(turn, background=background)
    return turn, engines, Reply(body, turn, service, owner)


class Reply:
    """Identity of one reply, and how its sound is wanted. `keeping` None: it is not spoken; `storing` None: it is not
    to be stored."""

    def __init__(self, body: ChatRequest, turn: Turn, service: Service, owner: bytes) -> None:
        self.body = body
        self.patience_s = service.limits.stage_s
        self.format = body.audio.format if body.audio is not None else "wav"
        self.keeping: Keeping | None = None
        if body.wants_audio:
            self.keeping = Keeping(service.ledger.replies, owner, self.format, service.limits.reply_ttl_s)
        self.storing: Storing | None = None
        self.watch = service.telemetry.turn(
            body.model, spoken=body.wants_audio, streamed=bool(body.stream), background=turn.background
        )
        self.head = ReplyHead(
            completion_id=new_id(),
            model=body.model,
            created=int(time.time()),
            fingerprint=service.fingerprint,
            audio_id=self.keeping.audio_id if self.keeping is not None else None,
            written=body.wants_json,
            may_call=body.offers_tools,
            calls=CallStyle(legacy=body.legacy_functions, forced=body.names_its_call),
        )
        if body.store:
            ttl_s = service.limits.stored_ttl_s
            self.storing = Storing(service.ledger.completions, owner, body, turn, self.head, ttl_s)

    async def keep(self, gathered: Gathered) -> int | None:
        """Keep the sound of an answer that has ended, and store the answer, where that is wanted. When the sound
        expires, in Unix seconds; None: there is none."""
        expires_at = None
        if self.keeping is not None and not gathered.called_only:
            await self.keeping.keep(gathered.answers[0].text)
            expires_at = self.keeping.expires_at
        if self.storing is not None:
            await self.storing.store(gathered, expires_at)
        return expires_at


async def whole(turn: Turn, engines: Engines, reply: Reply) -> Response:
    """The answer of a turn once it is over."""
    gathered, clauses = Gathered(turn.choices), list[Audio]()
    headers: dict[str, str] = {}
    async with aclosing(watched_run(turn, engines, reply.watch)) as events:
        async for happened in events:
            gathered.feed(happened)
            match happened:
                case Room():
                    headers = wire_errors.room_headers(happened)
                case Spoke():
                    clauses.append(happened.audio)
                    if reply.keeping is not None:
                        await asyncio.to_thread(reply.keeping.feed, happened.audio)
                case _:
                    pass  # gathered
    if (finished := gathered.finished) is None:  # pragma: no cover - run always ends with Finished or raises
        raise VivaError("the turn ended without a result")
    sound = None
    if reply.keeping is not None and not gathered.called_only:
        sound = await asyncio.to_thread(encode, Audio.join(clauses, SPEAK_RATE_HZ), reply.format)
    expires_at = await reply.keep(gathered)
    body = completion(reply.head, gathered.answers, sound, expires_at, gathered.heard, finished.usage)
    if reply.storing is not None:
        body["metadata"] = reply.body.metadata or {}
    return JSONResponse(body, headers=headers | _timing_headers(finished))


def _timing_headers(finished: Finished) -> dict[str, str]:
    """Where the time went, for those who look: `server-timing` as browsers show it (W3C Server Timing)."""
    timings = finished.timings
    named = {
        "queue": timings.admitted_s,
        "heard": timings.heard_s,
        "text": timings.first_text_s,
        "sound": timings.first_sound_s,
    }
    entries = [f"{name};dur={seconds * 1000:.1f}" for name, seconds in named.items() if seconds is not None]
    return {"server-timing": ", ".join([*entries, f"total;dur={timings.total_s * 1000:.1f}"])}


async def _streamed(turn: Turn, engines: Engines, reply: Reply) -> Response:
    """Headers go out with the first event, so that what fails before it still gets its own status."""
    events = watched_run(turn, engines, reply.watch)
    first, headers = await opened(events)
    return TurnStream(events, _chunks(first, events, reply), headers, reply.patience_s)


async def _chunks(first: Event, events: AsyncGenerator[Event, None], reply: Reply) -> AsyncGenerator[bytes, None]:
    chunks = _StreamedReply(reply)
    yield chunks.writer.start()
    try:
        async for happened in from_first(first, events):
            async for data in chunks.write(happened):
                yield data
    except VivaError as error:
        # The status is long sent: official clients raise an APIError for this event.
        yield event(wire_errors.envelope(error))
    except Exception as error:
        log.exception("a streamed answer failed: %s", type(error).__name__)
        yield event(wire_errors.envelope(VivaError("The server had an error while answering.")))


class _StreamedReply:
    """Turns events into the bytes of a stream, sound into pieces that play at once."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.gathered = Gathered(reply.body.choices)
        self.writer = ChunkWriter(
            reply.head,
            choices=reply.body.choices,
            with_usage=reply.body.wants_usage,
            obfuscated=reply.body.wants_obfuscation,
        )
        self._keeping = reply.keeping
        self._encoder = StreamEncoder(reply.format) if reply.keeping is not None else None
        self._cutter = PcmCutter()

    async def write(self, happened: Event) -> AsyncGenerator[bytes, None]:
        self.gathered.feed(happened)
        match happened:
            case Room():
                pass  # told in the headers
            case PartHeard():
                yield self.writer.heard(happened)
            case Thought() | Called() | Read():
                yield self._written(happened)
            case Spoke():
                async for data in self._sound(happened):
                    yield data
            case Finished():
                async for data in self._finish(happened):
                    yield data

    def _written(self, happened: Thought | Called | Read) -> bytes:
        match happened:
            case Thought():
                return self.writer.text(happened.text, happened.choice, happened.logprobs)
            case Called():
                return self.writer.called(happened)
            case Read():
                return self.writer.read(happened.text)

    async def _sound(self, spoke: Spoke) -> AsyncGenerator[bytes, None]:
        if self._keeping is None or self._encoder is None:
            return
        data = await asyncio.to_thread(self._encoder.feed, spoke.audio)
        for piece in (*self._cutter.feed(data), *self._cutter.flush()):
            yield self.writer.sound(piece)
        await asyncio.to_thread(self._keeping.feed, spoke.audio)  # once it is on its way

    async def _finish(self, finished: Finished) -> AsyncGenerator[bytes, None]:
        if self._encoder is not None and not self.gathered.called_only:
            data = await asyncio.to_thread(self._encoder.finish)
            for piece in (*self._cutter.feed(data), *self._cutter.finish()):
                yield self.writer.sound(piece)
        expires_at = await self.reply.keep(self.gathered)
        yield self.writer.end(finished.finish_reasons, finished.usage, expires_at)
