"""The thinking contract: one verb, `think`, over a conversation, plus `tokenize`, `count_tokens` and `close`.

Knows no engine and no wire format.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from vivavoce.conversation import Message, Sampling

FinishReason = Literal["stop", "length"]
"""Whether the answer was ended by the thinker, or cut: only then may a call or a JSON answer be broken off."""


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A piece of the answer with its natural log probability, before penalties, bias and temperature; `top` are the
    likeliest at its place, of themselves without `top`. Usually a token; where text was held back, several."""

    token: str
    logprob: float
    raw: bytes
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer; never empty. `logprobs` only if asked for, and where the engine can tell."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class CallDelta:
    """The next piece of a tool call, the `index`-th of the answer (from 0). `name` comes whole, with the first piece of
    each; `arguments` are joined to JSON."""

    index: int
    arguments: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ThoughtEnd:
    """Always the last event. Token counts as the engine saw them: the whole prompt with its template, how much of it
    came from the prompt cache, and the generated text."""

    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    def after(self, begun_tokens: int) -> ThoughtEnd:
        """The end of a whole answer, of which `begun_tokens` were read (`Sampling.begun`) and the rest was thought."""
        prompt, completion = self.prompt_tokens - begun_tokens, self.completion_tokens + begun_tokens
        return replace(
            self, prompt_tokens=prompt, completion_tokens=completion, cached_tokens=min(self.cached_tokens, prompt)
        )


Thinking = TextDelta | CallDelta | ThoughtEnd


class Thinker(Protocol):
    """A thinking engine. Safe to call from several tasks at once; native work runs off the event loop."""

    @property
    def hears_audio(self) -> bool:
        """Whether messages may carry `AudioPart`s; if not, `turn` replaces them by what was heard."""
        ...

    @property
    def goes_on(self) -> bool:
        """Whether an answer that was broken off can be thought on from there: it takes `Sampling.begun` for plain text,
        without a form or tools. True of engines on this machine, which others may need."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """Most tokens of prompt and answer together; None where unknown (a remote server)."""
        ...

    @property
    def answer_tokens(self) -> int | None:
        """The cap on an answer where the caller sets none, in text tokens; None where unknown (a remote server)."""
        ...

    def think(self, conversation: Sequence[Message], sampling: Sampling = ...) -> AsyncGenerator[Thinking, None]:
        """Yield text deltas, then pieces of calls where `sampling.tools` allows any, then one `ThoughtEnd`.

        No text delta is ever a part of a call: what may still become one is held back.

        Closing the generator frees the engine's slot at the next token or prefill chunk. Raises
        `ContextLengthExceeded`, `EngineFailed`, `UpstreamFailed`, `TooBusy`.
        """
        ...

    async def tokenize(self, text: str) -> list[int] | None:
        """Ids of the tokens of `text` alone, as `Sampling.logit_bias` names them; None where the engine can't tell."""
        ...

    async def count_tokens(self, text: str) -> int | None:
        """Tokens of `text` alone, without template or special tokens; None where the engine can't tell."""
        ...

    async def close(self) -> None: ...
