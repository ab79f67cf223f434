"""What a turn is counted as. One written rule, deterministic; `docs/tokens.md` states it for people.

Audio in: 1 token per whole 100 ms of decoded sound. Audio out: 1 token per whole 50 ms of spoken sound. Both as the
original counted (see the contract's measured clips: 6.96 s is 69 tokens, 4.488 s is 44). Text: the thinker's tokenizer.
Knows no price.
"""

from __future__ import annotations

from dataclasses import dataclass

from vivavoce.audio import Audio

INPUT_TOKENS_PER_S = 10
OUTPUT_TOKENS_PER_S = 20


BYTES_PER_TOKEN = 4
"""Of text, where no tokenizer is at hand."""


def about_tokens(text: str) -> int:
    """Tokens of a text by its length, rounded up."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def audio_input_tokens(audio: Audio) -> int:
    """Whole 100 ms steps in the decoded sound; integer arithmetic, so no rounding surprises."""
    return len(audio.samples) * INPUT_TOKENS_PER_S // audio.rate_hz


def audio_output_tokens(samples: int, rate_hz: int) -> int:
    """Whole 50 ms steps in `samples` samples of spoken sound."""
    return samples * OUTPUT_TOKENS_PER_S // rate_hz


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn. Totals are sums of the details, always."""

    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    input_cached_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0

    @property
    def input_tokens(self) -> int:
        return self.input_text_tokens + self.input_audio_tokens

    @property
    def output_tokens(self) -> int:
        return self.output_text_tokens + self.output_audio_tokens

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens
