"""Engines that answer or fail, and never hang: each stage must get on within its time, or the turn ends.

The time is for the next piece of a result (a segment, a token, a clause), not for the whole; and it grows with the work
that has to be done before the first one, so a long recording is never cut. Knows no engine and no process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from vivavoce.audio import Audio
from vivavoce.conversation import AudioPart, Message, Sampling
from vivavoce.errors import EngineTimeout
from vivavoce.listen.base import Listener, ListenOptions, Segment
from vivavoce.listen.manner import Tone, Voicing
from vivavoce.listen.speakers.base import Diarizer, Embedding, VoiceWindow
from vivavoce.listen.tone import ToneReader
from vivavoce.speak.base import Speaker, Voice
from vivavoce.think.around import ThinkerAround
from vivavoce.think.base import Thinker, Thinking
from vivavoce.turn import Engines

SECONDS_PER_SECOND = 0.25
"""More time for each second of sound: engines several times slower than ours still get through."""

CHARACTERS_PER_SECOND = 12
"""Text counts as the sound that it would be when spoken."""

Item = TypeVar("Item")


def with_deadlines(engines: Engines, stage_s: float) -> Engines:
    """`engines` that raise `EngineTimeout` where a stage stands still for `stage_s` and what its work takes."""
    return replace(
        engines,
        listener=_TimedListener(engines.listener, stage_s),
        thinker=_TimedThinker(engines.thinker, stage_s),
        speaker=_TimedSpeaker(engines.speaker, stage_s),
        tone=engines.tone and _TimedTone(engines.tone, stage_s),
        diarizer=_TimedDiarizer(engines.diarizer, stage_s) if engines.diarizer is not None else None,
    )


@asynccontextmanager
async def _within(limit_s: float, doing: str) -> AsyncGenerator[None, None]:
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise EngineTimeout(
            f"{doing} made no progress for {limit_s:.0f} s and was given up. Please try again."
        ) from None


async def _each_within(
    stream: AsyncGenerator[Item, None], limit_s: float, doing: str, *, first_limit_s: float | None = None
) -> AsyncGenerator[Item, None]:
    """The items of `stream`, which is closed however this ends."""
    waiting_s = limit_s if first_limit_s is None else first_limit_s
    async with aclosing(stream) as items:
        while True:
            async with _within(waiting_s, doing):
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            waiting_s = limit_s
            yield item


def _work_s(audio_s: float = 0.0, characters: int = 0) -> float:
    return SECONDS_PER_SECOND * (audio_s + characters / CHARACTERS_PER_SECOND)


class _TimedListener:
    def __init__(self, listener: Listener, stage_s: float) -> None:
        self._listener = listener
        self._stage_s = stage_s

    def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        # Where speech is gets found before anything is heard, and after the last segment there may be a long silence.
        limit_s = self._stage_s + _work_s(audio.duration_s)
        return _each_within(self._listener.listen(audio, options or ListenOptions()), limit_s, "Listening")

    async def close(self) -> None:
        await self._listener.close()


class _TimedThinker(ThinkerAround):
    def __init__(self, thinker: Thinker, stage_s: float) -> None:
        super().__init__(thinker)
        self._stage_s = stage_s

    def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        parts = [part for message in conversation for part in message.parts]
        audio_s = sum(part.audio.duration_s for part in parts if isinstance(part, AudioPart))
        characters = sum(len(message.text) for message in conversation)
        if sampling is not None and sampling.tools is not None:
            characters += sum(len(tool.text) for tool in sampling.tools.offered)
        first_limit_s = self._stage_s + _work_s(audio_s, characters)
        thoughts = self._inner.think(conversation, sampling or Sampling())
        return _each_within(thoughts, self._stage_s, "Thinking", first_limit_s=first_limit_s)

    async def tokenize(self, text: str) -> list[int] | None:
        async with _within(self._stage_s, "Counting tokens"):
            return await self._inner.tokenize(text)

    async def count_tokens(self, text: str) -> int | None:
        async with _within(self._stage_s, "Counting tokens"):
            return await self._inner.count_tokens(text)


class _TimedSpeaker:
    def __init__(self, speaker: Speaker, stage_s: float) -> None:
        self._speaker = speaker
        self._stage_s = stage_s

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._speaker.voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        async with _within(self._stage_s + _work_s(characters=len(text)), "Speaking"):
            return await self._speaker.speak(text, voice, speed)

    async def close(self) -> None:
        await self._speaker.close()


class _TimedTone:
    def __init__(self, tone: ToneReader, stage_s: float) -> None:
        self._tone = tone
        self._stage_s = stage_s

    async def read(self, utterances: Sequence[Voicing], known: Sequence[Voicing] = ()) -> list[Tone]:
        async with _within(self._stage_s, "Reading the tone"):
            return await self._tone.read(utterances, known)

    async def close(self) -> None:
        await self._tone.close()


class _TimedDiarizer:
    def __init__(self, diarizer: Diarizer, stage_s: float) -> None:
        self._diarizer = diarizer
        self._stage_s = stage_s

    def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        limit_s = self._stage_s + _work_s(audio.duration_s)
        return _each_within(self._diarizer.trace(audio), limit_s, "Telling speakers apart")

    async def embed(self, audio: Audio) -> Embedding:
        async with _within(self._stage_s, "Telling speakers apart"):
            return await self._diarizer.embed(audio)

    async def close(self) -> None:
        await self._diarizer.close()
