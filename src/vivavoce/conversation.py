"""A conversation as a thinker sees it: roles, text, and the sound itself for thinkers that hear.

Knows no wire format and no engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vivavoce.audio import Audio

SPEAKING_NOTE = (
    "You are heard, not read: answer in the user's language, in short plain sentences, without lists or markup."
)
"""Default note to the thinker when sound is asked for. Short, because every prompt token costs time."""

Role = Literal["system", "user", "assistant"]
"""`developer` on the wire becomes `system` here."""


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class AudioPart:
    """Recorded speech of a turn. `param` is where it came from on the wire, for error messages."""

    audio: Audio
    param: str | None = None


Part = TextPart | AudioPart


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, one per line; audio parts are left out."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def has_audio(self) -> bool:
        return any(isinstance(part, AudioPart) for part in self.parts)

    @classmethod
    def of(cls, role: Role, text: str) -> Message:
        return cls(role, (TextPart(text),))


@dataclass(frozen=True, slots=True)
class JsonForm:
    """The answer is JSON: any object where `schema` is None, else what the JSON schema allows and
    `think.json_grammar` can hold an answer to. `name` and `strict` matter to remote servers only."""

    schema: Mapping[str, object] | None = None
    name: str = "answer"
    strict: bool = True


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the thinker picks words. Sentinel None: the engine's own default.

    temperature in [0, 2]; top_p in (0, 1]; at most four stop strings, none of them in the output; max_tokens caps
    the generated text tokens. Penalties in [-2, 2]; logit_bias in [-100, 100] by token id of the thinker's own
    tokenizer. top_logprobs: tell the log probability of each token, and of that many likely ones in [0, 20].
    """

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = field(default=())
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict[int, float])
    top_logprobs: int | None = None
    form: JsonForm | None = None
