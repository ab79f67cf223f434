"""`POST /v1/audio/transcriptions` and `/v1/audio/translations`: what is said in a file, in its language or in English.

No flow of its own: the flow is `alone.hear_alone`. Shapes are in `server.wire.transcription` and its neighbours.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import islice

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from vivavoce.alone import NOBODY_TELLS, hear_alone, hear_channels
from vivavoce.audio import Audio
from vivavoce.codec.decode import decode, decode_channels
from vivavoce.errors import InvalidValue, VivaError
from vivavoce.listen.base import Heard, ListenOptions, Segment
from vivavoce.listen.captions import captions
from vivavoce.listen.speakers.finding import SpeakerQuestion
from vivavoce.listen.speakers.gathering import letters
from vivavoce.listen.speakers.rttm import rttm
from vivavoce.server import strict
from vivavoce.server.disconnect import while_connected
from vivavoce.server.forms import read_form
from vivavoce.server.inline_audio import read_inline
from vivavoce.server.models import HEARING_NAMES, check_model
from vivavoce.server.openapi import answered_by_transcript, form_of
from vivavoce.server.owners import owner_of
from vivavoce.server.service import Service
from vivavoce.server.streams import TurnStream, from_first, opened
from vivavoce.server.watching import watched
from vivavoce.server.wire import errors as wire_errors
from vivavoce.server.wire.events import event
from vivavoce.server.wire.subtitles import srt, vtt
from vivavoce.server.wire.transcription import EventWriter, diarized, plain, verbose
from vivavoce.server.wire.transcription_answers import Transcript, Translated
from vivavoce.server.wire.transcription_request import HeardForm, TranscriptionRequest, TranslationRequest
from vivavoce.telemetry.telemetry import TurnWatch
from vivavoce.tickets import Room
from vivavoce.turn import Engines, Finished
from vivavoce.usage import Usage, about_tokens, audio_input_tokens

LONGEST_CLIP_S = 30.0
"""Of a known speaker's clip; the first ten seconds tell what there is to tell."""

ROUTER = APIRouter()
log = logging.getLogger(__name__)

Happened = Room | Segment | Heard | Finished
Written = Callable[[Heard, Finished], Response]


@dataclass(frozen=True, slots=True)
class Hearing:
    """One file to be heard."""

    audio: Audio
    options: ListenOptions
    engines: Engines
    watch: TurnWatch
    background: bool = False
    speakers: SpeakerQuestion | None = None
    channels: Mapping[str, Audio] = field(default_factory=dict[str, Audio])

    def happening(self) -> AsyncGenerator[Happened, None]:
        if self.channels:
            hearing = hear_channels(self.channels, self.options, self.engines, background=self.background)
        else:
            hearing = hear_alone(self.audio, self.options, self.engines, self.speakers, background=self.background)
        return watched(hearing, self.watch)


@ROUTER.post(
    "/v1/audio/transcriptions",
    openapi_extra=form_of(TranscriptionRequest),
    response_class=Response,
    responses=answered_by_transcript(Transcript, or_stream=True),
)
async def create_transcription(request: Request) -> Response:
    service: Service = request.app.state.service
    form = await read_form(request, TranscriptionRequest, service.limits.body_bytes)
    hearing = await prepared(form, service, owner_of(request))
    if form.stream:
        writer = EventWriter(form.model, logprobs=form.wants_logprobs, diarized=form.diarized)
        return await while_connected(request, _streamed(hearing, writer, service.limits.stage_s))
    return await while_connected(request, transcribed(form, hearing))


async def prepared(form: TranscriptionRequest, service: Service, owner: bytes, *, background: bool = False) -> Hearing:
    """What a form asks to be heard. Raises what is wrong with it, before any work is done."""
    check_model(form.model, HEARING_NAMES)
    form.check_supported()
    if service.strict:
        strict.refuse_transcription(form)
    hearing = await _hearing(form, form.options(), service, owner, streamed=bool(form.stream), background=background)
    return await asyncio.to_thread(_with_speakers, hearing, form, service.limits.audio_s) if form.diarized else hearing


async def transcribed(form: TranscriptionRequest, hearing: Hearing) -> Response:
    """The answer to a form once all was heard."""

    def written(heard: Heard, finished: Finished) -> Response:
        if form.format == "verbose_json":
            return JSONResponse(verbose(heard, form.granularities, task="transcribe", logprobs=form.wants_logprobs))
        if form.format == "diarized_json":
            return JSONResponse(diarized(form.model, heard, finished.usage))
        return _as_text(form.format, heard) or JSONResponse(
            plain(form.model, heard, finished.usage, logprobs=form.wants_logprobs)
        )

    return await _whole(hearing, written)


@ROUTER.post(
    "/v1/audio/translations",
    openapi_extra=form_of(TranslationRequest),
    response_class=Response,
    responses=answered_by_transcript(Translated),
)
async def create_translation(request: Request) -> Response:
    service: Service = request.app.state.service
    form = await read_form(request, TranslationRequest, service.limits.body_bytes)
    check_model(form.model, HEARING_NAMES)
    hearing = await _hearing(form, form.options(), service, owner_of(request), streamed=False)

    def written(heard: Heard, finished: Finished) -> Response:
        if form.format == "verbose_json":
            return JSONResponse(verbose(heard, {"segment"}, task="translate"))
        return _as_text(form.format, heard) or JSONResponse({"text": heard.transcript})

    return await while_connected(request, _whole(hearing, written))


async def _hearing(
    form: HeardForm,
    options: ListenOptions,
    service: Service,
    owner: bytes,
    *,
    streamed: bool,
    background: bool = False,
) -> Hearing:
    engines = await service.engines_for(owner)
    with strict.original_file_texts(service.strict):
        audio = await asyncio.to_thread(decode, form.file, param="file", max_duration_s=service.limits.audio_s)
    expected = Usage(input_text_tokens=about_tokens(options.hints), input_audio_tokens=audio_input_tokens(audio))
    service.expect(form.model, expected)
    watch = service.telemetry.turn(form.model, spoken=False, streamed=streamed, background=background)
    return Hearing(audio, options, engines, watch, background)


def _with_speakers(hearing: Hearing, form: TranscriptionRequest, max_duration_s: float) -> Hearing:
    """The same, with who speaks. Raises `InvalidValue` and `UnsupportedFormat` for clips or channels that won't do."""
    if form.by_channel:
        channels = decode_channels(form.file, param="file", max_duration_s=max_duration_s)
        names = [*form.known_speaker_names, *(each for each in islice(letters(), 2 * len(channels)))]
        names = list(dict.fromkeys(names))[: len(channels)]
        return replace(hearing, channels=dict(zip(names, channels, strict=True)))
    if hearing.engines.diarizer is None:
        raise InvalidValue(NOBODY_TELLS, param="response_format", code="unsupported_value")
    known: dict[str, Audio] = {}
    for number, (name, text) in enumerate(zip(form.known_speaker_names, form.known_speaker_references, strict=True)):
        param = f"known_speaker_references[{number}]"
        known[name] = decode(read_inline(text, param), param=param, max_duration_s=LONGEST_CLIP_S)
    return replace(hearing, speakers=SpeakerQuestion(known, param="known_speaker_references"))


def _as_text(fmt: str, heard: Heard) -> Response | None:
    """The formats that are no JSON."""
    if fmt == "rttm":
        return PlainTextResponse(rttm(heard.speakers, "recording"))
    if fmt == "text":
        return PlainTextResponse(heard.transcript + "\n")
    parts = (part for segment in heard.segments for part in captions(segment))
    if fmt == "srt":
        return PlainTextResponse(srt(parts))
    return PlainTextResponse(vtt(parts), media_type="text/vtt") if fmt == "vtt" else None


async def _whole(hearing: Hearing, written: Written) -> Response:
    headers: dict[str, str] = {}
    heard: Heard | None = None
    finished: Finished | None = None
    async with aclosing(hearing.happening()) as events:
        async for happened in events:
            match happened:
                case Room():
                    headers = wire_errors.room_headers(happened)
                case Heard():
                    heard = happened
                case Finished():
                    finished = happened
                case Segment():
                    pass  # `Heard` has them all
    if heard is None or finished is None:  # pragma: no cover - hear_alone always ends with both or raises
        raise VivaError("the listener ended without a result")
    response = await asyncio.to_thread(written, heard, finished)
    response.headers.update(headers)
    return response


async def _streamed(hearing: Hearing, writer: EventWriter, patience_s: float) -> Response:
    """Headers go out with what is heard first, so that what fails before it still gets its own status."""
    events = hearing.happening()
    first, headers = await opened(events)
    return TurnStream(events, _as_events(first, events, writer), headers, patience_s)


async def _as_events(
    first: Happened, events: AsyncGenerator[Happened, None], writer: EventWriter
) -> AsyncGenerator[bytes, None]:
    heard: Heard | None = None
    try:
        async for happened in from_first(first, events):
            match happened:
                case Segment():
                    yield writer.delta(happened)
                case Heard():
                    heard = happened
                case Finished() if heard is not None:
                    yield writer.done(heard, happened.usage)
                case _:
                    pass  # the room is told in the headers
    except VivaError as error:
        # The status is long sent: official clients raise an APIError for this event.
        yield event(wire_errors.envelope(error))
    except Exception as error:
        log.exception("a streamed transcription failed: %s", type(error).__name__)
        yield event(wire_errors.envelope(VivaError("The server had an error while listening.")))
