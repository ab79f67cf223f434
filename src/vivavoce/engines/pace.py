"""How fast this machine speaks: a `Speaker` around another that tells how many streams can be kept fed.

A stream needs a second of sound each second. What is made per second is measured while speech is made, listening and
thinking beside it, so the figure falls when they take more and rises again. Knows no queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from vivavoce.audio import Audio
from vivavoce.speak.base import Speaker, Voice

HEADROOM = 0.8
"""Share of the measured pace that is promised: clauses differ, and a stream that is just fed is one hiccup from dry."""

MEMORY_S = 60.0
"""Seconds of speaking that the figure looks back on."""


class PacedSpeaker:
    """Implements `Speaker`. The very first call, which finds everything cold, does not count."""

    def __init__(self, speaker: Speaker, clock: Callable[[], float] = time.monotonic) -> None:
        self._speaker = speaker
        self._clock = clock
        self._calls = 0
        self._warm = False
        self._since_s = 0.0
        self._busy_s = 0.0
        self._made_s = 0.0

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._speaker.voices

    @property
    def streams(self) -> int:
        """At least 1; 1 while nothing was measured."""
        return max(1, int(HEADROOM * self._made_s / self._busy_s)) if self._busy_s > 0 else 1

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        if not self._warm:
            audio = await self._speaker.speak(text, voice, speed)
            self._warm = True
            return audio
        self._tick()
        self._calls += 1
        try:
            audio = await self._speaker.speak(text, voice, speed)
            self._made_s += audio.duration_s
            return audio
        finally:
            self._tick()
            self._calls -= 1

    def _tick(self) -> None:
        """Count the time since the last call began or ended, if any ran; several at once count once."""
        now_s = self._clock()
        if self._calls:
            self._busy_s += now_s - self._since_s
        self._since_s = now_s
        if self._busy_s > MEMORY_S:
            self._made_s *= MEMORY_S / self._busy_s
            self._busy_s = MEMORY_S

    async def close(self) -> None:
        await self._speaker.close()
