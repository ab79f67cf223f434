"""Italian to Kokoro's phonemes by the rules of its spelling, for machines without espeak-ng.

Stress falls on the last syllable but one unless an accent is written: right for most words, since spelling does not
show the others. Source of the rules: the standard description of Italian orthography. Knows no engine.
"""

from __future__ import annotations

import re
import unicodedata

from vivavoce.speak.g2p.marks import join_phonemes, split_marks
from vivavoce.speak.g2p.numbers import spell_numbers
from vivavoce.speak.g2p.spelling_rules import read_word, spelling_rules

_PLAIN = str.maketrans("àèéìíòóùú", "aɛeiiɔouu")
_UNSTRESSED_WORDS = "il lo la i gli le un di a da in con su per e o che si mi ti ci vi ne se del al nel dal sul una uno"
_UNSTRESSED = frozenset(_UNSTRESSED_WORDS.split())
_RULES = spelling_rules(
    (
        (r"gli(?=[aeou])", "ʎ"),
        (r"gl(?=i)", "ʎ"),
        (r"gn", "ɲ"),
        (r"sci(?=[aou])", "ʃ"),
        (r"sc(?=[eièéì])", "ʃ"),
        (r"cch", "kː"),
        (r"ch|q(?=u)|c?qu?(?=$)", "k"),
        (r"cci(?=[aou])|cc(?=[eièéì])", "tʧ"),
        (r"ci(?=[aouàòù])|c(?=[eièéì])", "ʧ"),
        (r"cc", "kː"),
        (r"c|k", "k"),
        (r"ggi(?=[aou])|gg(?=[eièéì])", "dʤ"),
        (r"gi(?=[aouàòù])|g(?=[eièéì])", "ʤ"),
        (r"gh", "ɡ"),
        (r"gg", "ɡː"),
        (r"g", "ɡ"),
        (r"zz", "tʦ"),
        (r"^z", "ʣ"),
        (r"z", "ʦ"),
        (r"(?<=[aeiouàèéìòù])s(?=[aeiouàèéìòù])|s(?=[bdgvmnlr])", "z"),
        (r"([bdflmnprstv])\1", "\\1ː"),
        (r"h", ""),
        (r"(?<=q)u|u(?=[aeioàèéìò])", "w"),
        (r"i(?=[aeouàèéòù])", "j"),
        (r"j|y", "j"),
        (r"x", "ks"),
        (r"r", "ɾ"),
    )
)


class ItalianPronouncer:
    """Implements `Pronouncer`."""

    def phonemes(self, text: str) -> str:
        return join_phonemes(mark or self._phrase(phrase) for phrase, mark in split_marks(spell_numbers(text, "it")))

    def _phrase(self, phrase: str) -> str:
        composed = unicodedata.normalize("NFC", phrase.lower()).replace("’", "'")
        return " ".join(_word(word) for word in re.findall(r"[a-zàèéìíòóùú]+", composed))


def _word(word: str) -> str:
    stressed = None if word in _UNSTRESSED else _stressed_letter(word)
    return read_word(word, _RULES, _PLAIN, stressed)


def _stressed_letter(word: str) -> int | None:
    accented = re.search(r"[àèéìíòóùú]", word)
    if accented is not None:
        return accented.start()
    nuclei = [
        match.start()
        for match in re.finditer(r"(?<![cg])i(?![aeou])|(?<=[cg])i(?![aeou])|[aeo]|(?<!q)u(?![aeio])", word)
    ]
    if not nuclei:
        return None
    return nuclei[-2] if len(nuclei) > 1 else nuclei[-1]
