"""Spanish to Kokoro's phonemes by the rules of its spelling (Castilian), which leave nothing open.

Source of the rules: the Real Academia Española's orthography (letters, diphthongs, stress). Knows no engine.
"""

from __future__ import annotations

import re
import unicodedata

from vivavoce.speak.g2p.marks import join_phonemes, split_marks
from vivavoce.speak.g2p.numbers import spell_numbers
from vivavoce.speak.g2p.spelling_rules import read_word, spelling_rules

_ACUTE = str.maketrans("áéíóúüï", "aeiouui")
_UNSTRESSED_WORDS = (
    "el la los las un de del al a en y e o u que se me te le lo les nos mi tu su mis tus sus con por si ni"
)
_UNSTRESSED = frozenset(_UNSTRESSED_WORDS.split())

# Longest spelling first; the sounds hold at the place where the spelling is found.
_RULES = spelling_rules(
    (
        (r"ch", "ʧ"),
        (r"ll", "ʎ"),
        (r"rr|^r|(?<=[nls])r", "r"),
        (r"r", "ɾ"),
        (r"qu(?=[eiéí])|q|k", "k"),
        (r"gü", "ɡw"),
        (r"(?:^|(?<=n))gu(?=[eiéí])", "ɡ"),
        (r"gu(?=[eiéí])", "ɣ"),
        (r"g(?=[eiéí])|j", "x"),
        (r"(?:^|(?<=n))g", "ɡ"),
        (r"g", "ɣ"),
        (r"c(?=[eiéí])|z", "θ"),
        (r"c", "k"),
        (r"(?:^|(?<=[mn]))[bv]", "b"),
        (r"[bv]", "β"),
        (r"(?:^|(?<=[nl]))d", "d"),
        (r"d", "ð"),
        (r"ñ", "ɲ"),
        (r"x", "ks"),
        (r"h", ""),
        (r"y$", "i"),
        (r"y", "ʝ"),
        (r"[iï](?=[aeoáéóuú])", "j"),
        (r"u(?=[aeoáéóií])", "w"),
    )
)


class SpanishPronouncer:
    """Implements `Pronouncer`."""

    def phonemes(self, text: str) -> str:
        return join_phonemes(mark or self._phrase(phrase) for phrase, mark in split_marks(spell_numbers(text, "es")))

    def _phrase(self, phrase: str) -> str:
        composed = unicodedata.normalize("NFC", phrase.lower())
        return " ".join(_word(word) for word in re.findall(r"[a-zñáéíóúüï]+", composed))


def _word(word: str) -> str:
    stressed = None if word in _UNSTRESSED else _stressed_letter(word)
    return read_word(word, _RULES, _ACUTE, stressed)


def _stressed_letter(word: str) -> int | None:
    """Index of the vowel that carries the stress: the accented one, else by the last letter."""
    accented = re.search(r"[áéíóú]", word)
    if accented is not None:
        return accented.start()
    nuclei = _nuclei(word)
    if not nuclei:
        return None
    ends_open = word[-1] in "aeiouns"
    return nuclei[-2] if ends_open and len(nuclei) > 1 else nuclei[-1]


def _nuclei(word: str) -> list[int]:
    """Index of the vowel at the heart of each syllable; weak i and u join a strong neighbour."""
    found: list[int] = []
    silent_u = {match.end() - 1 for match in re.finditer(r"[gq]u(?=[ei])", word)}
    for group in re.finditer(r"[aeiouüy]+", word):
        vowels = [at for at in range(*group.span()) if at not in silent_u and (word[at] != "y" or at == len(word) - 1)]
        strong = [at for at in vowels if word[at] in "aeo"]
        found += strong or vowels[-1:]
    return found
