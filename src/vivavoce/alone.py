"""One stage of the flow on its own: a text said without anybody having thought it, a recording heard without an answer.

Like `turn.run`, each holds a ticket, counts what it made and ends with `Finished`. Knows no wire format.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from vivavoce import tasks
from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.counting import count_text
from vivavoce.errors import MissingDependency
from vivavoce.hearing import hear
from vivavoce.listen.base import Heard, ListenOptions, Segment
from vivavoce.listen.speakers.channels import as_one
from vivavoce.listen.speakers.finding import SpeakerQuestion, find_speakers, understood
from vivavoce.speak.saying import Saying
from vivavoce.think.base import Thinker
from vivavoce.tickets import Room
from vivavoce.turn import Engines, Finished, Spoke, Timings, say
from vivavoce.usage import Usage, about_tokens, audio_input_tokens, audio_output_tokens

CLAUSES_READY = 16
"""Clauses spoken ahead of whoever takes them: a slow reader does not keep the voice waiting, nor a book in memory."""

PIECE_CHARACTERS = 500
"""A text is handed to the clause splitter in pieces: its work grows with the square of what lies before it."""

NOBODY_TELLS = "Speakers cannot be told apart here: the setting 'speakers' is off."

LONG_S = 60.0
"""A recording of this length keeps the listener busy for longer than a turn usually takes."""


async def say_alone(text: str, saying: Saying, engines: Engines) -> AsyncGenerator[Room | Spoke | Finished, None]:
    """Speak `text`, however long: `Room` where turns are counted, `Spoke` per clause, then `Finished`.

    Memory does not grow with the text. Raises `TooBusy` and what speaking raises.
    """
    events: asyncio.Queue[Room | Spoke | Finished | None] = asyncio.Queue(CLAUSES_READY)
    speaking = asyncio.create_task(tasks.fill(events, _say(text, saying, engines, events)))
    try:
        while (event := await events.get()) is not None:
            yield event
        await speaking
    finally:
        await tasks.end(speaking)


async def _say(
    text: str, saying: Saying, engines: Engines, events: asyncio.Queue[Room | Spoke | Finished | None]
) -> None:
    started_s = time.perf_counter()
    samples = 0
    async with engines.admission.ticket(spoken=True, background=False) as ticket:
        timings = Timings(admitted_s=time.perf_counter() - started_s)
        if ticket.room is not None:
            await events.put(ticket.room)
        counting = asyncio.create_task(_count(engines.thinker, text))
        try:
            async with aclosing(say(engines.speaker, _pieces(text), saying, clear=ticket.clear)) as clauses:
                async for spoke in clauses:
                    if not samples:
                        timings = replace(timings, first_sound_s=time.perf_counter() - started_s)
                    samples += len(spoke.audio.samples)
                    await events.put(spoke)
            usage = Usage(
                input_text_tokens=await counting, output_audio_tokens=audio_output_tokens(samples, SPEAK_RATE_HZ)
            )
        finally:
            await tasks.end(counting)
    timings = replace(timings, total_s=time.perf_counter() - started_s)
    await events.put(Finished(("stop",), usage, timings))


async def hear_alone(
    audio: Audio,
    options: ListenOptions,
    engines: Engines,
    speakers: SpeakerQuestion | None = None,
    *,
    background: bool = False,
) -> AsyncGenerator[Room | Segment | Heard | Finished, None]:
    """Listen to a recording, however long: `Room` where turns are counted, segments of speech as they are heard,
    `Heard`, then `Finished`. speakers: tell who speaks, too. Raises `TooBusy`, what listening raises, and
    `MissingDependency` where speakers are asked for and nothing tells them apart.

    `background`: nobody waits for it. Text in are the caller's prompt and keywords, text out is the transcript, both in
    the thinker's tokenizer.
    """
    started_s = time.perf_counter()
    timings = Timings()
    usage = Usage()
    long = audio.duration_s >= LONG_S
    if speakers is not None and engines.diarizer is None:
        raise MissingDependency(NOBODY_TELLS)
    async with engines.admission.ticket(spoken=False, background=background, long=long) as ticket:
        timings = Timings(admitted_s=time.perf_counter() - started_s)
        if ticket.room is not None:
            yield ticket.room
        finding = None
        if speakers is not None and engines.diarizer is not None:
            # Clips that will not do are told before anything is heard.
            asked = await understood(engines.diarizer, speakers)
            finding = partial(find_speakers, engines.diarizer, audio, asked)
        async with aclosing(hear(engines.listener, audio, options, finding)) as happening:
            async for happened in happening:
                if isinstance(happened, Heard):
                    timings = replace(timings, heard_s=time.perf_counter() - started_s)
                    usage = Usage(
                        input_text_tokens=await _count(engines.thinker, options.hints),
                        input_audio_tokens=audio_input_tokens(audio),
                        output_text_tokens=await _count(engines.thinker, happened.transcript),
                    )
                    yield happened
                elif happened.text.strip():
                    if timings.first_text_s is None:
                        timings = replace(timings, first_text_s=time.perf_counter() - started_s)
                    yield happened
    yield Finished(("stop",), usage, replace(timings, total_s=time.perf_counter() - started_s))


async def hear_channels(
    channels: Mapping[str, Audio], options: ListenOptions, engines: Engines, *, background: bool = False
) -> AsyncGenerator[Room | Segment | Heard | Finished, None]:
    """`hear_alone` for a call in which each speaker has a channel. channels: by speaker; they count once."""
    started_s = time.perf_counter()
    timings = Timings()
    heard: dict[str, Heard] = {}
    longest = max(channels.values(), key=lambda audio: audio.duration_s)
    long = sum(audio.duration_s for audio in channels.values()) >= LONG_S
    async with engines.admission.ticket(spoken=False, background=background, long=long) as ticket:
        timings = Timings(admitted_s=time.perf_counter() - started_s)
        if ticket.room is not None:
            yield ticket.room
        for name, audio in channels.items():
            async with aclosing(hear(engines.listener, audio, options)) as happening:
                async for happened in happening:
                    if isinstance(happened, Heard):
                        heard[name] = happened
                    elif happened.text.strip():
                        yield replace(happened, speaker=name)
        whole = as_one(heard)
        timings = replace(timings, heard_s=time.perf_counter() - started_s)
        yield whole
        usage = Usage(
            input_text_tokens=await _count(engines.thinker, options.hints),
            input_audio_tokens=audio_input_tokens(longest),
            output_text_tokens=await _count(engines.thinker, whole.transcript),
        )
    yield Finished(("stop",), usage, replace(timings, total_s=time.perf_counter() - started_s))


async def _count(thinker: Thinker, text: str) -> int:
    """Tokens of a caller's text in the thinker's tokenizer; by its length where the thinker can't tell."""
    count = await count_text(thinker, text) if text else 0
    return about_tokens(text) if count is None else count


async def _pieces(text: str) -> AsyncGenerator[str, None]:
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield text[start : start + PIECE_CHARACTERS]
