"""Several speakers as one: the union of their voices, each clause spoken by the one that has its voice.

Knows no engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vivavoce.audio import Audio
from vivavoce.speak.base import Speaker, Voice
from vivavoce.speak.voices import check_asked


class SeveralSpeakers:
    """Implements `Speaker`. Earlier parts are preferred: their voices come first, and win where two have one id."""

    def __init__(self, parts: Sequence[Speaker]) -> None:
        self._parts = tuple(parts)
        self._speaker_of = {voice: part for part in reversed(self._parts) for voice in part.voices}
        self._voices = {
            voice.id: voice
            for part in self._parts
            for voice in part.voices.values()
            if self._speaker_of[voice.id] is part
        }

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        check_asked(voice, speed, self._voices)
        return await self._speaker_of[voice].speak(text, voice, speed)

    async def close(self) -> None:
        for part in self._parts:
            await part.close()
