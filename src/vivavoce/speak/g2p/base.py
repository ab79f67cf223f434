"""The pronouncing contract: one verb, `phonemes`, over plain text of one language.

Knows no engine and no sound.
"""

from __future__ import annotations

from typing import Protocol


class Pronouncer(Protocol):
    """Turns text of one language into phoneme symbols. Safe to call from several threads at once."""

    def phonemes(self, text: str) -> str:
        """Symbols of Kokoro's alphabet, words separated by one space, punctuation kept after its word.

        What the language cannot read (foreign scripts, emoji) is left out; "" when nothing is left to say.
        """
        ...
