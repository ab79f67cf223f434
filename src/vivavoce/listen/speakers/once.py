"""A recording that comes again, as every earlier one of a chat does, is traced once: a small cache in memory.

What voices sound like never leaves memory, and nobody gets what another owner's recording left here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np

from vivavoce.audio import Audio
from vivavoce.listen.speakers.base import Diarizer, Embedding, VoiceWindow

MOST_SECONDS = 3600.0
"""Of recordings that are remembered, together: some 20 MB."""

Key = tuple[bytes, bytes]


class TracedOnce:
    """The cache of one process."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, tuple[float, tuple[VoiceWindow, ...]]] = OrderedDict()

    def diarizer(self, diarizer: Diarizer, owner: bytes) -> Diarizer:
        """`diarizer` for one owner, who does not make it trace a recording anew while it is remembered."""
        return _OnceDiarizer(self, diarizer, owner)

    def get(self, key: Key) -> tuple[VoiceWindow, ...] | None:
        if key not in self._known:
            return None
        self._known.move_to_end(key)
        return self._known[key][1]

    def put(self, key: Key, seconds: float, windows: tuple[VoiceWindow, ...]) -> None:
        self._known[key] = (seconds, windows)
        self._known.move_to_end(key)
        while len(self._known) > 1 and sum(length for length, _ in self._known.values()) > MOST_SECONDS:
            self._known.popitem(last=False)


class _OnceDiarizer:
    def __init__(self, cache: TracedOnce, diarizer: Diarizer, owner: bytes) -> None:
        self._cache = cache
        self._diarizer = diarizer
        self._owner = owner

    async def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        key = (self._owner, await asyncio.to_thread(_digest, audio))
        if (known := self._cache.get(key)) is not None:
            for window in known:
                yield window
            return
        windows: list[VoiceWindow] = []
        async with aclosing(self._diarizer.trace(audio)) as traced:
            async for window in traced:
                windows.append(window)
                yield window
        self._cache.put(key, audio.duration_s, tuple(windows))

    async def embed(self, audio: Audio) -> Embedding:
        return await self._diarizer.embed(audio)

    async def close(self) -> None:
        await self._diarizer.close()


def _digest(audio: Audio) -> bytes:
    digest = hashlib.sha256(audio.rate_hz.to_bytes(4, "big"))
    digest.update(np.ascontiguousarray(audio.samples).data)
    return digest.digest()
