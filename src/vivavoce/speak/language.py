"""Which language a clause is written in, so that a voice of that language reads it.

By the naive Bayes model of py3langid (139 languages, numpy only), with the language of the question as prior. Knows no
voice and no engine. Why this model, and how often it is right: docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from math import sqrt
from typing import Any, Final

LEAD: Final = 2.0
"""By how much another language must beat the expected one: nats of likelihood per square root of a byte.

Naive Bayes takes its features for independent and is far too sure of long texts; over the square root of the length its
odds mean the same at any length. At 2, another language must be about seven times as likely (e^2).
"""


def written_language(text: str, likely: str | None, known: Collection[str]) -> str | None:
    """The ISO 639-1 code among `known` that `text` is in, or `likely` where the text does not tell.

    `likely` is the language to expect (of the question, or of the voice): a wrong change of voice is worse than none.
    The first call loads the model (about 0.6 s); later ones take less than 0.1 ms for a clause.
    """
    if not any(character.isalpha() for character in text):
        return likely
    ranked: list[tuple[str, float]] = _identifier().rank(text)
    (best, score), (_, runner_up) = ranked[:2]
    if best not in known or score == runner_up:  # all are equal where the text holds nothing to go by
        return likely
    # An expected language that the model does not know is taken to be as likely as its second choice.
    rival = score if likely is None else dict(ranked).get(likely, runner_up)
    if likely is not None and score - rival < LEAD * sqrt(len(text.encode())):
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
