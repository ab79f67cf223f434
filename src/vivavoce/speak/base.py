"""The speaking contract: one verb, `speak`, over a clause of text, plus `voices` and `close`.

Knows no engine. Clause boundaries (`clauses.py`) and making text fit to speak (`spoken_form.py`) belong to speaking in
general, not to an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from vivavoce.audio import Audio

MIN_SPEED: Final = 0.25
MAX_SPEED: Final = 4.0


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of an engine. language is BCP 47 (`en-US`); description is a few words for people.

    `engine` is the kind that makes it (`kokoro`). `readable`: its language can be read on this machine; where it
    can't, speaking says what is missing, and the voice stands in for no other.
    """

    id: str
    language: str
    gender: str
    description: str = ""
    engine: str = ""
    readable: bool = True

    @property
    def primary_language(self) -> str:
        """The language without its region: ISO 639-1 where it has such a code."""
        return self.language.split("-")[0]


class Speaker(Protocol):
    """A speaking engine. Safe to call from several tasks at once; native work runs off the event loop."""

    @property
    def voices(self) -> Mapping[str, Voice]:
        """By id, the preferred first."""
        ...

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        """Speak one clause, plain words already in spoken form, silence around it trimmed.

        `voice` is a key of `voices`; speed in [0.25, 4]. Returns 24 kHz (`SPEAK_RATE_HZ`); empty audio when nothing
        in `text` can be spoken. Raises `InvalidValue` for an unknown voice and `EngineFailed`.
        """
        ...

    async def close(self) -> None: ...
