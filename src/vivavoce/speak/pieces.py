"""Splits words or phonemes that are too long for one call of an engine. Knows no engine and no sound."""

from __future__ import annotations

_STRONG_MARKS = ".!?…"
_WEAK_MARKS = ";:,—)"


def split_text(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` characters that together are `text` without the spaces at the cuts.

    Cuts at the end of a sentence if there is one in the second half of the window, else at a weaker mark, else
    between words, else inside a word.
    """
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut_at(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [piece for piece in [*pieces, rest] if piece]


def _cut_at(text: str, limit: int) -> int:
    for marks in (_STRONG_MARKS, _WEAK_MARKS):
        cut = max(text.rfind(mark, limit // 2, limit) for mark in marks)
        if cut >= 0:
            return cut + 1
    space = text.rfind(" ", 1, limit + 1)
    return space if space > 0 else limit
