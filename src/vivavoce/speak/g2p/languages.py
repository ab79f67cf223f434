"""Which pronouncer reads which language. Loads one when it is first asked for. Knows no engine."""

from __future__ import annotations

from functools import cache

from vivavoce.errors import MissingDependency
from vivavoce.speak.g2p.base import Pronouncer


@cache
def pronouncer(language: str) -> Pronouncer:
    """The pronouncer of a BCP 47 language that a voice speaks. Raises `MissingDependency` naming the cure."""
    if language in ("en-US", "en-GB"):
        from vivavoce.speak.g2p.english import EnglishPronouncer  # noqa: PLC0415 - loads dictionaries

        return EnglishPronouncer("gb" if language == "en-GB" else "us")
    raise MissingDependency(f"No pronunciation rules for the language {language} are installed.")
