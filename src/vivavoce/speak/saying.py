"""How an answer is to be said: voice, speed, and who stands in when the answer is in another language.

Knows no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from vivavoce.speak.base import Voice
from vivavoce.speak.language import written_language
from vivavoce.speak.voices import resolve_voice, stand_ins


@dataclass(frozen=True, slots=True)
class Saying:
    """How to speak: a voice of the speaker, speed in [0.25, 4], and the voice's language (ISO 639-1).

    `stand_ins`: voices by language, for an answer in another one. The first clause decides for the whole answer.
    """

    voice: str
    speed: float = 1.0
    language: str = "en"
    stand_ins: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def with_voice(cls, name: str, voices: Mapping[str, Voice], *, speed: float = 1.0, param: str = "voice") -> Saying:
        """By an OpenAI name or a voice's own id, with stand-ins for all languages that can be read on this machine.

        Raises `InvalidValue` that lists the names, at `param`.
        """
        voice = resolve_voice(name, voices, param=param)
        return cls(voice, speed, voices[voice].primary_language, stand_ins(voice, voices))

    def suited_to(self, text: str, likely: str | None) -> Saying:
        """The same with a voice that speaks the language of `text`; `likely` is the language of the question."""
        if not self.stand_ins:
            return self
        expected = likely if likely in self.stand_ins else self.language
        language = written_language(text, expected, self.stand_ins) or self.language
        if language not in self.stand_ins:
            return self
        return replace(self, voice=self.stand_ins[language], language=language)
