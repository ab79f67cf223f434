"""A thinker around another: passes everything on. What is built on it changes what it has to change."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from vivavoce.conversation import Message, Sampling
from vivavoce.think.base import Thinker, Thinking


class ThinkerAround:
    """Implements `Thinker` by `inner`."""

    def __init__(self, inner: Thinker) -> None:
        self._inner = inner

    @property
    def hears_audio(self) -> bool:
        return self._inner.hears_audio

    @property
    def goes_on(self) -> bool:
        return self._inner.goes_on

    @property
    def context_tokens(self) -> int | None:
        return self._inner.context_tokens

    @property
    def answer_tokens(self) -> int | None:
        return self._inner.answer_tokens

    def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        return self._inner.think(conversation, sampling or Sampling())

    async def tokenize(self, text: str) -> list[int] | None:
        return await self._inner.tokenize(text)

    async def count_tokens(self, text: str) -> int | None:
        return await self._inner.count_tokens(text)

    async def close(self) -> None:
        await self._inner.close()
