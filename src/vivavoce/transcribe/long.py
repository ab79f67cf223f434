"""A recording of any length, heard chunk by chunk in little memory, noted as it goes, with who speaks.

Like `hearing.hear`, for what is too long to be held. Knows no file format and no terminal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from vivavoce import tasks
from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.listen.base import Heard, Listener, ListenOptions, Segment
from vivavoce.listen.speakers.base import Diarizer, SpeakerOptions, VoiceWindow
from vivavoce.listen.speakers.gathering import gather
from vivavoce.transcribe.chunks import Chunker
from vivavoce.transcribe.journal import Journal
from vivavoce.transcribe.tracing import Tracer


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears. Without a diarizer nobody tells who speaks."""

    listener: Listener
    diarizer: Diarizer | None = None
    options: ListenOptions = field(default_factory=ListenOptions)
    speakers: SpeakerOptions = field(default_factory=SpeakerOptions)


async def hear_long(blocks: Iterator[Samples], ears: Ears, journal: Journal) -> AsyncGenerator[float | Heard, None]:
    """How many seconds are done with, after each chunk; then what was heard in the whole.

    blocks: mono at 16 kHz, from the beginning, also where the journal knows some of it: that is stepped over.
    Raises what listening, decoding and the journal raise.
    """
    so_far = await asyncio.to_thread(journal.read)
    chunker = Chunker(so_far.end)
    tracer = Tracer(ears.diarizer, so_far.windows) if ears.diarizer is not None else None
    position = 0
    if so_far.end:
        yield so_far.end / LISTEN_RATE_HZ
    ended = False
    while not ended:
        chunk: Samples | None = None
        start = chunker.position
        while chunk is None and not ended:
            block = await asyncio.to_thread(next, blocks, None)
            if block is None:
                ended, chunk = True, chunker.finish()
                break
            if tracer is not None:
                tracer.feed(block[max(0, tracer.position - position) :] if position < tracer.position else block)
            chunk = chunker.feed(block[max(0, so_far.end - position) :])
            position += len(block)
        tracing = asyncio.create_task(_traced(tracer, last=ended))
        try:
            segments = [] if chunk is None else await _heard(chunk, start / LISTEN_RATE_HZ, ears)
            windows = await tracing
        finally:
            await tasks.end(tracing)
        so_far.segments += segments
        so_far.windows += windows
        await asyncio.to_thread(journal.note, chunker.position, segments, windows)
        yield chunker.position / LISTEN_RATE_HZ
    heard = Heard.of(so_far.segments, chunker.position / LISTEN_RATE_HZ)
    yield replace(heard, speakers=await asyncio.to_thread(gather, so_far.windows, ears.speakers))


async def _traced(tracer: Tracer | None, *, last: bool) -> list[VoiceWindow]:
    return [] if tracer is None else [window async for window in tracer.windows(last=last)]


async def _heard(chunk: Samples, start_s: float, ears: Ears) -> list[Segment]:
    """The segments of speech in a chunk that begins at `start_s`. A chunk of silence has none."""
    segments: list[Segment] = []
    async with aclosing(ears.listener.listen(Audio(chunk, LISTEN_RATE_HZ), ears.options)) as stream:
        async for segment in stream:
            if segment.text.strip():
                segments.append(later(segment, start_s))
    return segments


def later(segment: Segment, by_s: float) -> Segment:
    """The same, `by_s` seconds later."""
    words = tuple(replace(word, start_s=word.start_s + by_s, end_s=word.end_s + by_s) for word in segment.words)
    return replace(segment, start_s=segment.start_s + by_s, end_s=segment.end_s + by_s, words=words)
