"""Who speaks when in a recording: every window traced, then gathered. The one way to use a `Diarizer` on a whole."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.errors import InvalidValue
from vivavoce.listen.speakers.base import (
    FRAME_S,
    WINDOW_SAMPLES,
    Diarizer,
    Embedding,
    SpeakerOptions,
    SpeakerTurn,
    VoiceWindow,
    speakers_of,
)
from vivavoce.listen.speakers.gathering import gather


@dataclass(frozen=True, slots=True)
class SpeakerQuestion:
    """Who is asked for. known: name -> a clip in which that speaker alone speaks. count: how many, where it is known.

    param: the field that the clips came from, for errors.
    """

    known: Mapping[str, Audio] = field(default_factory=dict[str, Audio])
    count: int | None = None
    param: str | None = None


async def understood(diarizer: Diarizer, question: SpeakerQuestion) -> SpeakerOptions:
    """What is asked, with the voices of known speakers. Raises as `known_voices` does."""
    return SpeakerOptions(await known_voices(diarizer, question), question.count)


async def find_speakers(
    diarizer: Diarizer, audio: Audio, options: SpeakerOptions | None = None
) -> tuple[SpeakerTurn, ...]:
    """The turns in `audio`, in order of time. Raises `EngineFailed`."""
    windows: list[VoiceWindow] = []
    async with aclosing(diarizer.trace(audio)) as traced:
        async for window in traced:
            windows.append(window)
    return await asyncio.to_thread(gather, windows, options)


async def find_quickly(diarizer: Diarizer, audio: Audio) -> tuple[SpeakerTurn, ...]:
    """`find_speakers` with a quarter of the work where one speaker is heard, as mostly when nobody asked who speaks.

    One look at each ten seconds tells that. Who speaks for a moment only may be missed.
    """
    step_s = WINDOW_SAMPLES / LISTEN_RATE_HZ
    glances: list[VoiceWindow] = []
    for number in range(math.ceil(audio.duration_s / step_s)):
        first = round(number * step_s / FRAME_S)
        async with aclosing(diarizer.trace(audio.slice(number * step_s, (number + 1) * step_s))) as traced:
            glances += [replace(window, first_frame=first) async for window in traced]
    turns = await asyncio.to_thread(gather, glances) if glances else ()
    return turns if len(speakers_of(turns)) < 2 or len(glances) < 2 else await find_speakers(diarizer, audio)


async def known_voices(diarizer: Diarizer, question: SpeakerQuestion) -> dict[str, Embedding]:
    """What the known speakers sound like. Raises `InvalidValue` for a clip in which nobody speaks."""
    voices: dict[str, Embedding] = {}
    for number, (name, clip) in enumerate(question.known.items()):
        voices[name] = await diarizer.embed(clip)
        if not len(voices[name]):
            param = question.param and f"{question.param}[{number}]"
            raise InvalidValue(
                f"Invalid '{param}': nobody is heard to speak in the clip for '{name}'. Send two to ten seconds of "
                "that speaker alone.",
                param=param,
            )
    return voices
