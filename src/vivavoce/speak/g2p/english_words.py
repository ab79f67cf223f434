"""Single English words to phonemes: dictionary, endings, compounds, abbreviations, and a guess for the rest.

Knows no sentence: where a word has several readings, `readings` hands them out for `english_context` to choose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vivavoce.speak.g2p.english_context import VOWEL_SYMBOLS
from vivavoce.speak.g2p.letter_to_sound import guess
from vivavoce.speak.g2p.lexicon import Accent, Entry, Lexicon

_SPELLED_THOUGH_A_WORD = frozenset(
    ["IT", "US", "WHO", "IP", "PR", "ID", "AI", "ER", "HR", "PC", "TV", "DOS", "AC", "DC", "AD", "BC", "AM", "PM", "LA"]
)
"""Capitals that are an abbreviation even though the dictionary has the word ("it", "us")."""

_LONGEST_ABBREVIATION = 5
_CONTRACTIONS: dict[Accent, dict[str, str]] = {
    "us": {"'ll": "əl", "'ve": "əv", "'re": "əɹ", "'m": "m", "n't": "ᵊnt"},
    "gb": {"'ll": "əl", "'ve": "əv", "'re": "ə", "'m": "m", "n't": "ᵊnt"},
}
_PREFIXES = {
    "un": "ˌʌn",
    "re": "ɹˌi",
    "non": "nˌɑn",
    "pre": "pɹˌi",
    "de": "dˌi",
    "multi": "mˌʌlti",
    "auto": "ˌɔTO",
}
_SUFFIXES = {
    "ly": "li",
    "ness": "nəs",
    "less": "ləs",
    "er": "əɹ",
    "ers": "əɹz",
    "able": "əbᵊl",
    "like": "lˌIk",
}
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z']+|[A-Z]+")
_VOICELESS = "ptkfθ"
_SIBILANT = "szʃʒʧʤ"


class EnglishWords:
    """Pronounces words of one accent. Immutable, so safe in threads."""

    def __init__(self, lexicon: Lexicon, accent: Accent) -> None:
        self._lexicon = lexicon
        self._accent: Accent = accent
        self._weak_i = "ᵻ" if accent == "us" else "ɪ"

    def readings(self, written: str) -> Mapping[str, str | None] | None:
        """The dictionary's readings of a word that has several, None for every other word."""
        if self._is_spelled(written):
            return None
        entry = self._entry(written)
        return None if entry is None or isinstance(entry, str) else entry

    def phonemes(self, written: str) -> str:
        """One pronunciation of any word in letters, hyphens and apostrophes; "" for bare marks."""
        word = written.strip("-")
        if not word.strip("'"):
            return ""
        if self._is_spelled(word):
            return self.spelled(word)
        abbreviation = self._abbreviation(word)
        if abbreviation is not None:
            return abbreviation
        known = self._known(word)
        if known is not None:
            return _emphasized(known, word)
        if "-" in word:
            return " ".join(filter(None, (self.phonemes(part) for part in word.split("-"))))
        return self._inflected(word) or self._mixed_case(word) or self._built(word)

    def spelled(self, word: str) -> str:
        """The names of the letters, the last one stressed most."""
        names = [self._letter(letter) for letter in word if letter.isalpha()]
        return "".join([*(name.replace("ˈ", "ˌ") for name in names[:-1]), *names[-1:]])

    def _letter(self, letter: str) -> str:
        entry = self._lexicon.gold.get(letter.upper(), "")
        return entry if isinstance(entry, str) else entry["DEFAULT"] or ""

    def _entry(self, word: str) -> Entry | None:
        entry = self._lexicon.find(word)
        return self._lexicon.find(word.lower()) if entry is None else entry

    def _known(self, word: str) -> str | None:
        entry = self._entry(word)
        return entry if entry is None or isinstance(entry, str) else entry["DEFAULT"]

    def _is_spelled(self, word: str) -> bool:
        """Whether capitals are letters to name: FBI, GPU; not NASA (a word by now) nor STOP (a word anyway)."""
        if len(word) < 2 or not word.isupper() or not word.isalpha() or word in self._lexicon.own:
            return False
        if word in _SPELLED_THOUGH_A_WORD:
            return True
        entry = self._lexicon.gold.get(word)
        if entry is not None:
            return False
        if self._lexicon.is_common(word.lower()) or self._lexicon.is_common(word.capitalize()):
            return False
        return len(word) <= _LONGEST_ABBREVIATION or not re.search(r"[AEIOUY]", word)

    def _abbreviation(self, word: str) -> str | None:
        """Plural and possessive of spelled letters: APIs, GPUs, FBI's."""
        match = re.fullmatch(r"([A-Z]{2,})'?s", word)
        if match is None:
            return None
        stem = match[1]
        return self._with_s(self.spelled(stem) if self._is_spelled(stem) else self.phonemes(stem))

    def _inflected(self, word: str) -> str | None:
        """Endings whose sound follows from the stem: 's, -s, -ed, -ing, and the contractions."""
        lower = word.lower()
        if lower.endswith("'s"):
            return self._with_s(self.phonemes(word[:-2]))
        if lower.endswith("'"):
            return self.phonemes(word[:-1])
        for ending, sound in _CONTRACTIONS[self._accent].items():
            if lower.endswith(ending) and len(lower) > len(ending):
                return self.phonemes(word[: -len(ending)]) + sound
        if lower.endswith("'d"):
            return self._with_ed(self.phonemes(word[:-2]))
        if "'" in lower:
            return self.phonemes(word.replace("'", ""))
        return self._plural(word) or self._past(word) or self._progressive(word)

    def _plural(self, word: str) -> str | None:
        if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
            return None
        stems = [word[:-1]]
        if word.endswith("ies"):
            stems.insert(0, word[:-3] + "y")
        elif word.endswith("es"):
            stems.append(word[:-2])
        stem = self._first_known(stems)
        return None if stem is None else self._with_s(stem)

    def _past(self, word: str) -> str | None:
        if len(word) < 5 or not word.endswith("ed"):
            return None
        stems = [word[:-1], word[:-2]]
        if word[-3] == word[-4]:
            stems.append(word[:-3])
        if word.endswith("ied"):
            stems.insert(0, word[:-3] + "y")
        stem = self._first_known(stems)
        return None if stem is None else self._with_ed(stem)

    def _progressive(self, word: str) -> str | None:
        if len(word) < 6 or not word.endswith("ing"):
            return None
        stems = [word[:-3], word[:-3] + "e"]
        if word[-4] == word[-5]:
            stems.append(word[:-4])
        stem = self._first_known(stems)
        if stem is None:
            return None
        link = "ɹ" if self._accent == "gb" and stem[-1] in "əː" and re.search(r"re?$", word[:-3] + "e") else ""
        return self._flapped(stem) + link + "ɪŋ"

    def _first_known(self, stems: list[str]) -> str | None:
        return next((known for stem in stems if len(stem) > 2 and (known := self._known(stem))), None)

    def _with_s(self, stem: str) -> str:
        if not stem:
            return ""
        if stem[-1] in _SIBILANT:
            return stem + self._weak_i + "z"
        return stem + ("s" if stem[-1] in _VOICELESS else "z")

    def _with_ed(self, stem: str) -> str:
        if not stem:
            return ""
        if stem[-1] in "td":
            return self._flapped(stem) + self._weak_i + "d"
        return stem + ("t" if stem[-1] in "pkfθʃsʧ" else "d")

    def _flapped(self, stem: str) -> str:
        """American t between vowels softens: waited, waiting."""
        after_vowel = len(stem) > 1 and stem[-1] == "t" and (stem[-2] in VOWEL_SYMBOLS or stem[-2] == "ɹ")
        return stem[:-1] + "ɾ" if after_vowel and self._accent == "us" else stem

    def _mixed_case(self, word: str) -> str | None:
        """PostgreSQL, iPhone, McDonald: the parts between changes of case."""
        parts = _CAMEL.findall(word)
        if len(parts) < 2 or word.isupper():
            return None
        return " ".join(filter(None, (self.phonemes(part) for part in parts)))

    def _built(self, word: str) -> str:
        """A word made of known ones (webhook, unboxable), else the guess; letters by name where even that fails."""
        lower = word.lower()
        if word == lower or len(word) > 7:
            made = self._compound(lower) or self._affixed(lower)
            if made is not None:
                return made
        return guess(lower, self._accent) or self.spelled(word)

    def _compound(self, word: str) -> str | None:
        """Two common words of at least four letters each, the split nearest to the middle."""
        middle = len(word) / 2
        for cut in sorted(range(4, len(word) - 3), key=lambda at: abs(at - middle)):
            if self._lexicon.is_common(word[:cut]) and self._lexicon.is_common(word[cut:]):
                first, second = self._known(word[:cut]), self._known(word[cut:])
                if first and second:
                    return first + second.replace("ˈ", "ˌ")
        return None

    def _affixed(self, word: str) -> str | None:
        if self._accent != "us":
            return None
        for prefix, sound in _PREFIXES.items():
            stem = self._known(word[len(prefix) :]) if word.startswith(prefix) and len(word) > len(prefix) + 3 else None
            if stem:
                return sound + stem
        for suffix, sound in _SUFFIXES.items():
            base = word[: -len(suffix)]
            if word.endswith(suffix) and len(base) > 3:
                stem = self._first_known([base, base + "e"] if suffix[0] in "ea" else [base])
                if stem:
                    return stem + sound
        return None


def _emphasized(phonemes: str, written: str) -> str:
    """A capital lends an unstressed word a light stress, capitals throughout a full one."""
    if written == written.lower() or "ˈ" in phonemes or "ˌ" in phonemes:
        return phonemes
    mark = "ˈ" if written.isupper() and len(written) > 1 else "ˌ"
    at = next((index for index, symbol in enumerate(phonemes) if symbol in VOWEL_SYMBOLS), None)
    return phonemes if at is None else phonemes[:at] + mark + phonemes[at:]
