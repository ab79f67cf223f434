"""Which language a clause is written in, so that a voice of that language reads it.

By the naive Bayes model of py3langid (139 languages, numpy only), with the language of the question as prior. Knows no
voice and no engine. Why this model, and how often it is right: docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from math import inf, sqrt
from typing import Any, Final

LEAD: Final = 2.0
"""By how much another language must beat the expected one: nats of likelihood per square root of a byte.

Naive Bayes takes its features for independent and is far too sure of long texts; over the square root of the length its
odds mean the same at any length. At 2, another language must be about seven times as likely (e^2).
"""

LEAST_BYTES: Final = 36
"""Shorter texts must lead by as much as this many bytes: "Paris." or "Queen." alone looks like many a language."""


def written_language(text: str, likely: str | None, known: Collection[str]) -> str | None:
    """The ISO 639-1 code among `known` that `text` is in, or `likely` where the text does not tell.

    `likely` is the language to expect (of the question, or of the voice): a wrong change of voice is worse than none.
    The first call loads the model (about 0.6 s); later ones take less than 0.1 ms for a clause.
    """
    if not any(character.isalpha() for character in text):
        return likely
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    (_, top), (_, second) = ranked[:2]
    best, score = next((pair for pair in ranked if pair[0] in known), (None, -inf))
    lead = LEAD * sqrt(max(len(text.encode()), LEAST_BYTES))
    # All are equal where the text holds nothing to go by; and a language that nobody here speaks may be clearly ahead.
    if top == second or top - score >= lead / 2:
        return likely
    # An expected language that the model does not know is taken to be as likely as its second choice.
    if likely is not None and score - dict(ranked).get(likely, second) < lead:
        return likely
    return best


def load() -> None:
    """Load the model now, so that no answer waits for it."""
    _identifier()


@cache
def _identifier() -> Any:
    from py3langid.langid import (  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        MODEL_FILE,
        LanguageIdentifier,
    )

    untyped: Any = LanguageIdentifier
    return untyped.from_model_file(MODEL_FILE)
