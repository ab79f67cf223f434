"""Bare digits to words, in case the text did not come in spoken form. Knows no phonemes."""

from __future__ import annotations

import re
from typing import Any

import num2words as _library  # pyright: ignore[reportMissingTypeStubs]

_NUM2WORDS: Any = _library.num2words
_LONGEST_NUMBER = 12


def spell_numbers(text: str, language: str) -> str:
    """`text` with every run of digits in words; long runs and those that start with 0 digit by digit."""
    return re.sub(r"[0-9]+", lambda match: f" {_spelled(match.group(), language)} ", text)


def _spelled(digits: str, language: str) -> str:
    if len(digits) > _LONGEST_NUMBER or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(str(_NUM2WORDS(int(digit), lang=language)) for digit in digits)
    return str(_NUM2WORDS(int(digits), lang=language))
