"""What people ask the price of: a typical conversation, an hour heard, a call of five minutes. Defined here, once.

By seconds of sound and tokens of text, not by tokens of sound: vendors count those differently. Every second counts
once. A client that sends the past again with each turn, as realtime sessions do by themselves, pays for it again, so
that the prices of these are the least that they can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from vivavoce.usage import INPUT_TOKENS_PER_S, OUTPUT_TOKENS_PER_S

TEXT_TO_SPEECH = 7
"""Audio tokens that an answer has for each token of its text, by our rule; `docs/tokens.md` says 6 to 8."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """turns: questions, each with its answer. heard_s: what the caller says; spoken_s: what the model says.

    input_text_tokens: instructions, once. output_text_tokens: the words of what is spoken.
    """

    key: str
    title: str
    turns: int
    heard_s: Decimal
    spoken_s: Decimal
    input_text_tokens: int
    output_text_tokens: int

    @property
    def tokens(self) -> int:
        """By our counting rule, which is OpenAI's."""
        sound = self.heard_s * INPUT_TOKENS_PER_S + self.spoken_s * OUTPUT_TOKENS_PER_S
        return int(sound) + self.input_text_tokens + self.output_text_tokens


CONVERSATION = Scenario("conversation", "conversation of 800 tokens", 2, Decimal(30), Decimal("17.5"), 100, 50)
"""Two questions of 15 s, each answered in 8.75 s: 300 audio tokens in, 350 out, 100 of text in and 50 out."""

HOUR_HEARD = Scenario("hour", "hour of audio in", 1, Decimal(3600), Decimal(0), 0, 0)
"""Only what is heard. The text that comes of it is not in it: about 12,000 tokens where somebody talks all the time."""

CALL = Scenario("call", "call of five minutes", 10, Decimal(150), Decimal(105), 100, 300)
"""The caller speaks for half of it (150 s in ten turns), the model for 105 s, and 45 s nobody does."""

SCENARIOS = (CONVERSATION, HOUR_HEARD, CALL)
CALL_S = Decimal(300)
"""How long the call lasts, its silences included."""
