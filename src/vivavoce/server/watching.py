"""Turns and engines as telemetry sees them: listeners around the events of a turn, and around each engine's contract.

What passes is passed on unchanged; only lengths, counts and times are told.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from vivavoce import memory
from vivavoce.audio import Audio
from vivavoce.conversation import Message, Sampling
from vivavoce.listen.base import Heard, Listener, ListenOptions, Segment
from vivavoce.listen.speakers.base import Diarizer, Embedding, VoiceWindow
from vivavoce.speak.base import Speaker, Voice
from vivavoce.telemetry.telemetry import Telemetry, TurnWatch
from vivavoce.think.around import ThinkerAround
from vivavoce.think.base import Thinker, Thinking, ThoughtEnd
from vivavoce.tickets import Room
from vivavoce.turn import Called, Engines, Event, Finished, PartHeard, Read, Spoke, Thought, Turn, run

Told = TypeVar("Told", bound=Event | Segment | Heard)


async def watched(happening: AsyncGenerator[Told, None], watch: TurnWatch) -> AsyncGenerator[Told, None]:
    """The events of `happening`, told to `watch`; it is closed with them. Broken off, its memory is given back soon."""
    whole = False
    try:
        with watch:
            async with aclosing(happening) as events:
                async for event in events:
                    match event:
                        case Thought() | Called() | Segment():  # by far the most frequent
                            watch.text()
                        case Read():
                            pass
                        case Room():
                            watch.admitted()
                        case PartHeard():
                            watch.heard(event.heard.duration_s)
                        case Heard():
                            watch.heard(event.duration_s)
                        case Spoke():
                            watch.sound(event.start_s, event.audio.duration_s)
                        case Finished():
                            watch.finished(event.usage)
                    yield event
        whole = True
    finally:
        if not whole:
            memory.tidy_soon()


def watched_run(turn: Turn, engines: Engines, watch: TurnWatch) -> AsyncGenerator[Event, None]:
    """`turn.run`, told to `watch`."""
    return watched(run(turn, engines), watch)


def watched_engines(engines: Engines, telemetry: Telemetry) -> Engines:
    """The same engines, each piece of their work timed."""
    return replace(
        engines,
        listener=_Listener(engines.listener, telemetry),
        thinker=_Thinker(engines.thinker, telemetry),
        speaker=_Speaker(engines.speaker, telemetry),
        diarizer=_Diarizer(engines.diarizer, telemetry) if engines.diarizer is not None else None,
    )


class _Listener:
    def __init__(self, listener: Listener, telemetry: Telemetry) -> None:
        self._listener = listener
        self._telemetry = telemetry

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        with self._telemetry.stage("listen") as watch:
            watch.sound(audio.duration_s)
            async with aclosing(self._listener.listen(audio, options or ListenOptions())) as segments:
                async for segment in segments:
                    yield segment
            watch.done()

    async def close(self) -> None:
        await self._listener.close()


class _Thinker(ThinkerAround):
    def __init__(self, thinker: Thinker, telemetry: Telemetry) -> None:
        super().__init__(thinker)
        self._telemetry = telemetry

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        first = True
        with self._telemetry.stage("think") as watch:
            async with aclosing(self._inner.think(conversation, sampling or Sampling())) as thoughts:
                async for thought in thoughts:
                    if isinstance(thought, ThoughtEnd):
                        watch.tokens(thought.prompt_tokens, thought.completion_tokens)
                    elif first:
                        watch.first()
                        first = False
                    yield thought
            watch.done()


class _Speaker:
    def __init__(self, speaker: Speaker, telemetry: Telemetry) -> None:
        self._speaker = speaker
        self._telemetry = telemetry

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._speaker.voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        with self._telemetry.stage("speak") as watch:
            audio = await self._speaker.speak(text, voice, speed)
            watch.sound(audio.duration_s)
            watch.done()
            return audio

    async def close(self) -> None:
        await self._speaker.close()


class _Diarizer:
    def __init__(self, diarizer: Diarizer, telemetry: Telemetry) -> None:
        self._diarizer = diarizer
        self._telemetry = telemetry

    async def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        with self._telemetry.stage("speakers") as watch:
            watch.sound(audio.duration_s)
            async with aclosing(self._diarizer.trace(audio)) as windows:
                async for window in windows:
                    yield window
            watch.done()

    async def embed(self, audio: Audio) -> Embedding:
        return await self._diarizer.embed(audio)

    async def close(self) -> None:
        await self._diarizer.close()
