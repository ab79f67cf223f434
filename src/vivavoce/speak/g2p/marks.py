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


_EAST_ASIAN_MARKS = str.maketrans("，。！？；：、（）", ",.!?;:,()")
_PHRASE = re.compile(r"([;:,.!?—…()]+)")


def split_marks(text: str) -> list[tuple[str, str]]:
    """`text` as pairs, each either (phrase, "") or ("", mark); East Asian marks folded, a line break is a comma."""
    folded = re.sub(r"\s*[\r\n]+\s*", ", ", text.strip().translate(_EAST_ASIAN_MARKS))
    pairs: list[tuple[str, str]] = []
    for part in _PHRASE.split(re.sub(r"\s+[-–—]+\s+", "—", folded)):
        if part and part[0] in PHRASE_MARKS:
            pairs += [("", mark) for mark in part]
        elif any(c.isalnum() for c in part):
            pairs.append((part.strip(), ""))
    return pairs
