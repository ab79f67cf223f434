"""Bare digits to words, in case the text did not come in spoken form. Knows no phonemes."""

from __future__ import annotations

import re
from typing import Any

import num2words as _library  # pyright: ignore[reportMissingTypeStubs]

_NUM2WORDS: Any = _library.num2words  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
_LONGEST_NUMBER = 12


def spell_numbers(text: str, language: str) -> str:
    """`text` with every run of digits in words; long runs and those that start with 0 digit by digit."""
    return re.sub(r"[0-9]+", lambda match: f" {_spelled(match.group(), language)} ", text)


def _spelled(digits: str, language: str) -> str:
    if len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(_in_words(int(digit), language) for digit in digits)
    return _in_words(int(digits), language)


def _in_words(number: int, language: str) -> str:
    if language != "zh":
        return str(_NUM2WORDS(number, lang=language))
    # Japanese writes numbers in the same characters, but leaves out the leading one of a hundred or thousand.
    return re.sub(r"(?<![一二三四五六七八九])(?=[百千])", "一", str(_NUM2WORDS(number, lang="ja")))
