"""Japanese to Kokoro's phonemes: kana by our table; kanji read by `pyopenjtalk` (MIT) where it is installed.

Without that package text in kana alone can be spoken, kanji cannot. Pitch accent is not written: Kokoro's alphabet for
Japanese has no mark for it. Knows no engine.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from vivavoce.errors import MissingDependency
from vivavoce.speak.g2p.marks import join_phonemes, split_marks
from vivavoce.speak.g2p.numbers import spell_numbers

_ROWS = {
    **{"アイウエオ": "", "カキクケコ": "k", "ガギグゲゴ": "ɡ", "サシスセソ": "s", "ザジズゼゾ": "ʣ", "タチツテト": "t"},
    **{"ダヂヅデド": "d", "ナニヌネノ": "n", "ハヒフヘホ": "h", "バビブベボ": "b", "パピプペポ": "p"},
    **{"マミムメモ": "m", "ラリルレロ": "ɾ"},
}
_VOWELS = ("a", "i", "ɯ", "e", "o")
_KANA = {
    **{kana: onset + vowel for row, onset in _ROWS.items() for kana, vowel in zip(row, _VOWELS, strict=True)},
    **{"キ": "kʲi", "ギ": "ɡʲi", "ビ": "bʲi", "ピ": "pʲi", "ミ": "mʲi", "リ": "ɾʲi"},
    **{"ヤ": "ja", "ユ": "jɯ", "ヨ": "jo", "ワ": "βa", "ヰ": "i", "ヱ": "e", "ヲ": "o", "ヴ": "vɯ"},
    **{"シ": "ɕi", "チ": "ʨi", "ジ": "ʥi", "ヂ": "ʥi", "ヒ": "çi", "ニ": "ɲi", "フ": "ɸɯ"},
    **{"ス": "sɨ", "ズ": "zɨ", "ツ": "ʦɨ", "ヅ": "zɨ"},
}
_SMALL = dict(zip("ァィゥェォャュョヮ", ("a", "i", "ɯ", "e", "o", "ja", "jɨ", "jo", "βa"), strict=True))
_PALATAL = frozenset("ɕʨʥçɲʲ")
_KANJI = re.compile("[\u3400-\u4dbf\u4e00-\u9fff々]")


class JapanesePronouncer:
    """Implements `Pronouncer`. `phonemes` raises `MissingDependency` for kanji without pyopenjtalk."""

    def __init__(self) -> None:
        self._reader: Any = None
        try:
            import pyopenjtalk  # pyright: ignore[reportMissingImports]  # noqa: PLC0415 - optional

            self._reader = pyopenjtalk
        except ImportError:
            pass

    def phonemes(self, text: str) -> str:
        return join_phonemes(mark or self._phrase(phrase) for phrase, mark in split_marks(spell_numbers(text, "ja")))

    def _phrase(self, phrase: str) -> str:
        if self._reader is not None:
            return " ".join(katakana_phonemes(word) for word in self._readings(phrase))
        if _KANJI.search(phrase):
            raise MissingDependency(
                "Reading Japanese kanji needs the package pyopenjtalk-plus: pip install pyopenjtalk-plus."
            )
        return katakana_phonemes(_to_katakana(phrase))

    def _readings(self, phrase: str) -> list[str]:
        words: list[dict[str, Any]] = self._reader.run_frontend(phrase)
        return [str(word["pron"]).replace("’", "") for word in words if word["pos"] != "記号"]


def _to_katakana(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in folded)


def katakana_phonemes(kana: str) -> str:
    """Sounds of a word in katakana: long vowels with ː, a doubled consonant with a stop before it."""
    sounds: list[str] = []
    for index, character in enumerate(kana):
        if character == "ー":
            sounds.append("ː")
        elif character == "ッ":
            sounds.append("ʔ")
        elif character in _SMALL and sounds:
            sounds[-1] = _glided(sounds[-1], _SMALL[character])
        elif character == "ン":
            sounds.append(_nasal(kana[index + 1 : index + 2]))
        else:
            sounds.append(_KANA.get(character, ""))
    return "".join(sounds)


def _glided(syllable: str, small: str) -> str:
    """キ + ャ is kʲa, シ + ャ is ɕa, フ + ァ is ɸa, テ + ィ is tʲi, ウ + ィ is βi."""
    onset = syllable[:-1] or ("β" if syllable == "ɯ" else "")
    if small[0] == "j" and onset:
        return onset + ("" if onset[-1] in _PALATAL else "ʲ") + small[1:]
    if small == "i" and onset and onset[-1] not in _PALATAL and onset != "β":
        return onset + "ʲi"
    return onset + small


def _nasal(following: str) -> str:
    """The nasal takes the place of the consonant after it."""
    sound = _KANA.get(following, "")[:1]
    for nasal, before in (("m", "pbm"), ("ŋ", "kɡ"), ("ɲ", "ɲʨʥ"), ("n", "tdnɾzʣʦs")):
        if sound and sound in before:
            return nasal
    return "ɴ"
