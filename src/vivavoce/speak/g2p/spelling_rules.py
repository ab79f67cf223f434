"""Reads a word letter by letter by a list of spelling rules, the first that fits winning. Knows no language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Rules = tuple[tuple[re.Pattern[str], str], ...]


def spelling_rules(pairs: Iterable[tuple[str, str]]) -> Rules:
    """Rules from (regular expression for letters, sounds) pairs; group references in the sounds are filled in."""
    return tuple((re.compile(letters), sounds) for letters, sounds in pairs)


def read_word(word: str, rules: Rules, plain: Mapping[int, int], stressed: int | None) -> str:
    """Sounds of `word`; letters without a rule go through `plain`. ˈ stands before the letter at index `stressed`."""
    read: list[str] = []
    at = 0
    while at < len(word):
        letters, sounds = _read_at(word, at, rules) or (word[at], word[at].translate(plain))
        read.append(("ˈ" if at == stressed else "") + sounds)
        at += len(letters)
    return "".join(read)


def _read_at(word: str, at: int, rules: Rules) -> tuple[str, str] | None:
    for letters, sounds in rules:
        match = letters.match(word, at)
        if match is not None and match.group():
            return match.group(), match.expand(sounds)
    return None
