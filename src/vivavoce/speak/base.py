"""The speaking contract: one verb, `speak`, over a clause of text, plus `voices` and `close`.

Knows no engine. Clause boundaries (`clauses.py`) and making text fit to speak (`spoken_form.py`) belong to speaking in
general, not to an engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from vivavoce.audio import Audio


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of an engine. language is BCP 47 (`en-US`); description is a few words for people."""

    id: str
    language: str
    gender: str
    description: str = ""


class Speaker(Protocol):
    """A speaking engine. Safe to call from several tasks at once; native work runs off the event loop."""

    @property
    def voices(self) -> Mapping[str, Voice]: ...

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        """Speak one clause, plain words already in spoken form, silence around it trimmed.

        `voice` is a key of `voices`; speed in [0.25, 4]. Returns 24 kHz (`SPEAK_RATE_HZ`); empty audio when nothing
        in `text` can be spoken. Raises `InvalidValue` for an unknown voice and `EngineFailed`.
        """
        ...

    async def close(self) -> None: ...
