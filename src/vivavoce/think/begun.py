"""An answer whose first words are given: the thinker goes on from there. A `Thinker` around another that `goes_on`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from vivavoce.conversation import Message, Sampling
from vivavoce.think.around import ThinkerAround
from vivavoce.think.base import TextDelta, Thinker, Thinking, ThoughtEnd


class BegunThinker(ThinkerAround):
    """Implements `Thinker` for plain text. `beginning` comes as the first delta and is counted as thought."""

    def __init__(self, thinker: Thinker, beginning: str) -> None:
        super().__init__(thinker)
        self._beginning = beginning

    @property
    def goes_on(self) -> bool:
        return False

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        sampling = sampling or Sampling()
        yield TextDelta(self._beginning)
        tokens = await self._inner.count_tokens(self._beginning) or 0
        cap = None if sampling.max_tokens is None else max(1, sampling.max_tokens - tokens)
        rest = replace(sampling, begun=self._beginning, max_tokens=cap)
        async with aclosing(self._inner.think(conversation, rest)) as thoughts:
            async for thought in thoughts:
                yield thought.after(tokens) if isinstance(thought, ThoughtEnd) else thought
