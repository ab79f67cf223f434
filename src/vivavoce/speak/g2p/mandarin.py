"""Mandarin Chinese to Kokoro's phonemes: characters to pinyin by `pypinyin` (MIT), pinyin to sounds by our table.

Third tones are softened by pypinyin's sandhi rules; tones are arrows after the vowel, as Kokoro learnt them. Latin
letters inside are left out. Knows no engine.
"""

from __future__ import annotations

import re
from typing import Any

from vivavoce.errors import MissingDependency
from vivavoce.speak.g2p.marks import join_phonemes, split_marks
from vivavoce.speak.g2p.numbers import spell_numbers

_INITIALS = {
    **{"b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ"},
    **{"h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ", "z": "ʦ", "c": "ʦʰ"},
    **{"s": "s", "": ""},
}
# The final in two parts: up to its vowel, and what follows the tone.
_FINALS = {
    **{"a": ("a", ""), "ai": ("ai", ""), "an": ("a", "n"), "ang": ("a", "ŋ"), "ao": ("au", ""), "e": ("ɤ", "")},
    **{"ei": ("ei", ""), "en": ("ə", "n"), "eng": ("ə", "ŋ"), "er": ("ɚ", ""), "i": ("i", ""), "ia": ("ja", "")},
    **{"ian": ("jɛ", "n"), "iang": ("ja", "ŋ"), "iao": ("jau", ""), "ie": ("je", ""), "in": ("i", "n")},
    **{"iou": ("jou", ""), "ing": ("i", "ŋ"), "iong": ("jʊ", "ŋ"), "ong": ("ʊ", "ŋ"), "ou": ("ou", "")},
    **{"u": ("u", ""), "uei": ("wei", ""), "ua": ("wa", ""), "uai": ("wai", ""), "uan": ("wa", "n")},
    **{"uen": ("wə", "n"), "uang": ("wa", "ŋ"), "ueng": ("wə", "ŋ"), "uo": ("wo", ""), "o": ("wo", "")},
    **{"v": ("y", ""), "ve": ("ɥe", ""), "van": ("ɥɛ", "n"), "vn": ("y", "n"), "ê": ("ɛ", ""), "io": ("jɔ", "")},
}
_BUZZED = {"zh", "ch", "sh", "r", "z", "c", "s"}
"""After these the final i is a mere buzz of the consonant."""

_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_CHARACTERS = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]+")


class MandarinPronouncer:
    """Implements `Pronouncer`. Raises `MissingDependency` without pypinyin."""

    def __init__(self) -> None:
        try:
            import pypinyin  # noqa: PLC0415 - optional, and slow to load
            from pypinyin.seg.mmseg import seg  # noqa: PLC0415
        except ImportError as error:
            raise MissingDependency("Speaking Chinese needs the package pypinyin: pip install pypinyin.") from error
        self._pinyin: Any = pypinyin
        self._segmenter: Any = seg

    def phonemes(self, text: str) -> str:
        return join_phonemes(mark or self._phrase(phrase) for phrase, mark in split_marks(spell_numbers(text, "zh")))

    def _phrase(self, phrase: str) -> str:
        return " ".join(self._run_of_characters(run) for run in _CHARACTERS.findall(phrase))

    def _run_of_characters(self, run: str) -> str:
        style = self._pinyin.Style
        options = {"strict": True, "tone_sandhi": True, "errors": "ignore"}
        initials: list[str] = self._pinyin.lazy_pinyin(run, style=style.INITIALS, **options)
        finals: list[str] = self._pinyin.lazy_pinyin(
            run, style=style.FINALS_TONE3, neutral_tone_with_five=True, **options
        )
        syllables = [_syllable(initial, final) for initial, final in zip(initials, finals, strict=True)]
        words: list[str] = []
        for word in self._segmenter.cut(run):
            words.append("".join(syllables[: len(word)]))
            syllables = syllables[len(word) :]
        return " ".join([*words, *syllables])


def _syllable(initial: str, final: str) -> str:
    tone = _TONES.get(final[-1:], "")
    vowel, coda = _FINALS.get(final.rstrip("12345"), ("", ""))
    if vowel == "i" and not coda and initial in _BUZZED:
        vowel = "ɨ"
    return _INITIALS.get(initial, "") + vowel + tone + coda
