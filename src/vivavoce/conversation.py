"""A conversation as a thinker sees it: roles, text, and the sound itself for thinkers that hear.

Knows no wire format and no engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vivavoce.audio import Audio

SPEAKING_NOTE = (
    "You are heard, not read: answer in the user's language, in short plain sentences, without lists or markup."
)
"""Default note to the thinker when sound is asked for. Short, because every prompt token costs time."""

Role = Literal["system", "user", "assistant", "tool"]
"""`developer` on the wire becomes `system` here, and `function` becomes `tool`."""


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
class ToolCall:
    """A call that an assistant made. `arguments`: JSON as it was written."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """`calls`: what an assistant called besides what it said. `call_id`: the call that a tool's message answers."""

    role: Role
    parts: tuple[Part, ...]
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None

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
class Tool:
    """A function that the caller offers. `parameters`: a JSON schema of an object; None: there are none.

    strict: refuse a schema that arguments cannot be held to in every part; otherwise such parts are left free."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] | None = None
    strict: bool = False

    @property
    def text(self) -> str:
        """All that was said of it, as one text: what is counted."""
        return json.dumps({"name": self.name, "description": self.description, "parameters": self.parameters})


@dataclass(frozen=True, slots=True)
class Tools:
    """What an answer may call. `only`: names of the tools that may be called just now; None: all of them.

    choice: an answer in words or calls (auto), in words (none), or calls (required). parallel: several calls at once.
    """

    offered: tuple[Tool, ...]
    choice: Literal["auto", "none", "required"] = "auto"
    only: tuple[str, ...] | None = None
    parallel: bool = True

    @property
    def callable(self) -> tuple[Tool, ...]:
        """The tools that this answer may call, in the order they are offered in."""
        if self.choice == "none":
            return ()
        return tuple(tool for tool in self.offered if self.only is None or tool.name in self.only)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the thinker picks words. Sentinel None: the engine's own default.

    temperature in [0, 2]; top_p in (0, 1]; at most four stop strings, none of them in the output; max_tokens caps
    the generated text tokens. Penalties in [-2, 2]; logit_bias in [-100, 100] by token id of the thinker's own
    tokenizer. top_logprobs: tell the log probability of each token, and of that many likely ones in [0, 20].
    begun: how the answer begins, where it was broken off; only what comes after it is thought (`Thinker.goes_on`).
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
    tools: Tools | None = None
    begun: str = ""
