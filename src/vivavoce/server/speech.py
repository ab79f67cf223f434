"""`POST /v1/audio/speech`: a text said as it stands, sent while the rest of it is still being spoken.

No flow of its own: the flow is `alone.say_alone`. Shapes are in `server.wire.speech`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response

from vivavoce.alone import say_alone
from vivavoce.codec.encode import CONTENT_TYPES, PcmCutter, StreamEncoder
from vivavoce.errors import InvalidValue, VivaError
from vivavoce.server import strict
from vivavoce.server.bodies import read_model
from vivavoce.server.disconnect import while_connected
from vivavoce.server.models import SPEECH_NAMES, check_model
from vivavoce.server.openapi import EVENT, answered_by_sound, body_of
from vivavoce.server.owners import owner_of
from vivavoce.server.service import Service
from vivavoce.server.streams import EVENTS_TYPE, BrokenOffError, TurnStream, from_first, opened
from vivavoce.server.watching import watched
from vivavoce.server.wire import errors as wire_errors
from vivavoce.server.wire.events import event
from vivavoce.server.wire.speech import SpeechRequest, done_event, sound_event
from vivavoce.speak.saying import Saying
from vivavoce.telemetry.telemetry import TurnWatch
from vivavoce.tickets import Room
from vivavoce.turn import Engines, Finished, Spoke

ROUTER = APIRouter()
log = logging.getLogger(__name__)

Happened = Room | Spoke | Finished


@ROUTER.post(
    "/v1/audio/speech",
    openapi_extra=body_of(SpeechRequest),
    response_class=Response,
    responses=answered_by_sound(**{EVENTS_TYPE: EVENT}),
)
async def create_speech(request: Request) -> Response:
    service: Service = request.app.state.service
    body = await read_model(request, SpeechRequest, service.limits.body_bytes)
    check_model(body.model, SPEECH_NAMES)
    if len(body.input) > service.limits.speech_characters:
        raise _too_long(len(body.input), service.limits.speech_characters)
    if service.strict:
        strict.refuse_speech(body)
    engines = await service.engines_for(owner_of(request))
    saying = Saying.with_voice(body.voice_name, engines.speaker.voices, speed=body.speed or 1.0)
    watch = service.telemetry.turn(body.model, spoken=True, streamed=True)
    return await while_connected(request, _spoken(body, saying, engines, watch, service.limits.stage_s))


def _too_long(length: int, most: int) -> InvalidValue:
    return InvalidValue(
        f"Invalid 'input': string too long. Expected a string with maximum length {most}, but got a string with "
        f"length {length} instead. VIVA_MAX_SPEECH_CHARACTERS on the server allows for more.",
        param="input",
        code="string_above_max_length",
    )


async def _spoken(
    body: SpeechRequest, saying: Saying, engines: Engines, watch: TurnWatch, patience_s: float
) -> Response:
    """Headers go out with the first sound, so that what fails before it still gets its own status."""
    events = watched(say_alone(body.input, saying, engines), watch)
    first, headers = await opened(events)
    if body.stream_format == "sse":
        return TurnStream(events, _as_events(first, events, body.format), headers, patience_s)
    pieces = _as_sound(first, events, body.format)
    return TurnStream(events, pieces, headers, patience_s, CONTENT_TYPES[body.format])


async def _as_sound(first: Happened, events: AsyncGenerator[Happened, None], fmt: str) -> AsyncGenerator[bytes, None]:
    """The file of `fmt`, piece by piece."""
    encoder = StreamEncoder(fmt)
    try:
        async for happened in from_first(first, events):
            match happened:
                case Spoke():
                    yield await asyncio.to_thread(encoder.feed, happened.audio)
                case Finished():
                    yield await asyncio.to_thread(encoder.finish)
                case Room():
                    pass  # told in the headers
    except VivaError as error:
        log.error("a spoken answer was broken off: %s: %s", type(error).__name__, error.message)
        raise BrokenOffError from error


async def _as_events(first: Happened, events: AsyncGenerator[Happened, None], fmt: str) -> AsyncGenerator[bytes, None]:
    """The same file in base64, each event's data decodable on its own, then what it was counted as."""
    encoder, cutter = StreamEncoder(fmt), PcmCutter()
    try:
        async for happened in from_first(first, events):
            match happened:
                case Spoke():
                    data = await asyncio.to_thread(encoder.feed, happened.audio)
                    for piece in (*cutter.feed(data), *cutter.flush()):
                        yield sound_event(piece)
                case Finished():
                    data = await asyncio.to_thread(encoder.finish)
                    for piece in (*cutter.feed(data), *cutter.finish()):
                        yield sound_event(piece)
                    yield done_event(happened.usage)
                case Room():
                    pass
    except VivaError as error:
        yield event(wire_errors.envelope(error))
