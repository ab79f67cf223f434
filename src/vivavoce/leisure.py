"""Thinking and speaking for work that nobody waits for: dropped when others need the machine, and taken up again.

A clause is spoken anew. Plain words are thought on from where they broke off, at the price of reading the prompt out of
the cache again; an answer bound to a grammar (JSON, tools) can't be, and is thought to its end. Listening is left as it
is: its native calls are short, and those for whoever waits go first (`listen.batching`).

Knows no queue: a `tickets.Ticket` says when to rest and when to go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from vivavoce import tasks
from vivavoce.audio import Audio
from vivavoce.conversation import Message, Sampling
from vivavoce.counting import count_text
from vivavoce.speak.base import Speaker, Voice
from vivavoce.think.around import ThinkerAround
from vivavoce.think.base import TextDelta, Thinker, Thinking, ThoughtEnd
from vivavoce.tickets import Ticket

Item = TypeVar("Item")


class LeisurelySpeaker:
    """Implements `Speaker`."""

    def __init__(self, speaker: Speaker, ticket: Ticket) -> None:
        self._speaker = speaker
        self._ticket = ticket

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._speaker.voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        while True:
            await self._ticket.clear()
            calling_off = asyncio.create_task(self._ticket.called_off())
            speaking = asyncio.create_task(self._speaker.speak(text, voice, speed))
            try:
                if await _first(speaking, calling_off):
                    return speaking.result()
            finally:
                await tasks.end(speaking)
                await tasks.end(calling_off)

    async def close(self) -> None:
        await self._speaker.close()


class LeisurelyThinker(ThinkerAround):
    """Implements `Thinker`. Of an answer that was broken off it is not known what came from the prompt cache: 0."""

    def __init__(self, thinker: Thinker, ticket: Ticket) -> None:
        super().__init__(thinker)
        self._ticket = ticket

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        sampling = sampling or Sampling()
        may_break_off = self._inner.goes_on and sampling.form is None and sampling.tools is None
        cap = self._inner.answer_tokens if sampling.max_tokens is None else sampling.max_tokens
        told, told_tokens = "", 0
        while True:
            await self._ticket.clear()
            left = None if cap is None else max(1, cap - told_tokens)  # read, a text may be more tokens than thought
            rest = replace(sampling, begun=sampling.begun + told, max_tokens=left)
            thoughts = self._inner.think(conversation, rest)
            if may_break_off:
                thoughts = _until_called_off(thoughts, self._ticket)
            async with aclosing(thoughts):
                async for thought in thoughts:
                    if isinstance(thought, ThoughtEnd):
                        yield replace(thought.after(told_tokens), cached_tokens=0) if told else thought
                        return
                    if isinstance(thought, TextDelta):
                        told += thought.text
                    yield thought
            told_tokens = await count_text(self._inner, told) or 0


async def _until_called_off(stream: AsyncGenerator[Item, None], ticket: Ticket) -> AsyncGenerator[Item, None]:
    """The items of `stream`, which is closed when `ticket` is called off."""
    calling_off = asyncio.create_task(ticket.called_off())
    try:
        async with aclosing(stream) as items:
            while not calling_off.done():
                coming = asyncio.ensure_future(anext(items, None))
                try:
                    if not await _first(coming, calling_off) or (item := coming.result()) is None:
                        return
                finally:
                    await tasks.end(coming)
                yield item
    finally:
        await tasks.end(calling_off)


async def _first(work: asyncio.Task[Any], calling_off: asyncio.Task[None]) -> bool:
    """Whether `work` was done, or failed, before it was called off."""
    await asyncio.wait({work, calling_off}, return_when=asyncio.FIRST_COMPLETED)
    return work.done()
