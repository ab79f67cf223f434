"""Whisper's calls as a task sees them: one window in, one result out, shared with other windows' calls where possible.

Here is decided which calls may share (windows of equal length, the same search) and how many. Knows no policy of
hearing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from weakref import WeakKeyDictionary

from vivavoce.audio import Samples
from vivavoce.errors import EngineFailed
from vivavoce.listen.base import Task
from vivavoce.listen.batching import Batcher
from vivavoce.listen.decoding import Decoding, Languages
from vivavoce.listen.mel import FRAMES_PER_S, Features, LogMel
from vivavoce.listen.whisper_model import CALLS_AT_ONCE, Alignment, Encoded, Passage, Search, WhisperModel

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """Most windows in one call of the encoder and in one of the decoder."""

    encode: int
    decode: int


CPU_BATCHES = BatchSizes(encode=1, decode=4)
"""Encoding is bound by arithmetic, so windows gain nothing from company. Decoding reads all weights for each token:
company shares that. More than four would keep a short question waiting for over a second."""
GPU_BATCHES = BatchSizes(encode=16, decode=16)


class WhisperCalls:
    """A `WhisperModel` behind a `Batcher`. Foreign exceptions become `EngineFailed` here and only here."""

    def __init__(self, model: WhisperModel, sizes: BatchSizes) -> None:
        self._model = model
        self._sizes = sizes
        self._mel = LogMel(model.n_mels)
        self._languages: WeakKeyDictionary[Encoded, Languages] = WeakKeyDictionary()
        self.batcher = Batcher(CALLS_AT_ONCE, "whisper")

    async def run(self, work: Callable[[], Result], *, urgent: bool) -> Result:
        """Any other work, on its own."""
        try:
            return await self.batcher.call(work, urgent=urgent)
        except RuntimeError as fault:
            raise EngineFailed(f"Listening failed: {fault}") from fault

    async def encode(self, sound: Samples, seconds: float, *, urgent: bool) -> Encoded:
        """The encoder's view of `sound` (16 kHz) in a window of `seconds`, filled up with silence."""
        frames = 2 * round(seconds * FRAMES_PER_S / 2)

        def encode(sounds: Sequence[Samples]) -> list[Encoded]:
            features: list[Features] = [self._mel(each, frames) for each in sounds]
            return self._model.encode(features)

        return await self._batched(encode, sound, ("encode", frames), self._sizes.encode, urgent)

    async def languages(self, encoded: Encoded, *, urgent: bool) -> Languages:
        """The likeliest languages of a window; asked again of the same one, the model is not."""
        if encoded not in self._languages:
            key = ("languages", encoded.seconds)
            found = await self._batched(self._model.detect_languages, encoded, key, self._sizes.decode, urgent)
            self._languages[encoded] = found
        return self._languages[encoded]

    async def languages_of(
        self, encoded: Encoded, stretches: Sequence[tuple[float, float]], *, urgent: bool
    ) -> list[Languages]:
        """The likeliest languages of stretches of one window, all equally long, in one call."""
        return await self.run(
            lambda: self._model.detect_languages([encoded.between(*stretch) for stretch in stretches]), urgent=urgent
        )

    async def generate(self, passage: Passage, search: Search, *, urgent: bool) -> Decoding:
        key = ("generate", passage.encoded.seconds, len(passage.start), search)
        return await self._batched(
            partial(self._model.generate, search=search), passage, key, self._sizes.decode, urgent
        )

    async def align(
        self, encoded: Encoded, language: str, tokens: Sequence[int], duration_s: float, *, task: Task, urgent: bool
    ) -> Alignment:
        return await self.run(lambda: self._model.align(encoded, language, tokens, duration_s, task), urgent=urgent)

    async def close(self) -> None:
        """Wait for the calls in flight, then let the weights go."""
        await asyncio.to_thread(self.batcher.close)
        await asyncio.to_thread(self._model.close)

    async def _batched(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        item: Item,
        key: Hashable,
        most: int,
        urgent: bool,
    ) -> Result:
        try:
            return await self.batcher.batched(work, item, key=key, most=most, urgent=urgent)
        except RuntimeError as fault:
            raise EngineFailed(f"Listening failed: {fault}") from fault
