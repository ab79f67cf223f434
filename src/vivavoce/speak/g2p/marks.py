"""Punctuation among phonemes, the same for every language. Knows no language."""

from __future__ import annotations

import re
from collections.abc import Iterable

PHRASE_MARKS = frozenset(";:,.!?—…()")
"""Marks that Kokoro was trained to pause or bend its voice at."""

_STRENGTH = {mark: rank for rank, mark in enumerate("()—,:;….!?")}


def join_phonemes(parts: Iterable[str]) -> str:
    """Words and marks as one string: words apart by a space, a mark right after its word, one mark at a time.

    Of several marks in a row the strongest stays. Returns "" where there is no word.
    """
    joined = ""
    for part in parts:
        if not part:
            continue
        if part not in PHRASE_MARKS:
            joined += (" " if joined and joined[-1] != "(" else "") + part
        elif part == "(":
            joined += " (" if joined else "("
        elif joined and joined[-1] in PHRASE_MARKS:
            if _STRENGTH[part] > _STRENGTH[joined[-1]]:
                joined = joined[:-1].rstrip() + part
        elif joined:
            joined += part
    joined = re.sub(r"\s+", " ", joined).strip()
    return joined if any(symbol not in PHRASE_MARKS and symbol != " " for symbol in joined) else ""
