"""English text to Kokoro's phonemes, American or British, without GPL code.

Words come from the dictionaries (`lexicon`), read in their context (`english_context`), with rules for endings,
possessives, compounds and abbreviations; what is left goes to `letter_to_sound`. Expects spoken form, but takes
anything: what it cannot read is left out. Knows no engine and no sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from vivavoce.speak.g2p.english_context import VOWEL_SYMBOLS, Context, choose_reading, function_word
from vivavoce.speak.g2p.english_words import EnglishWords
from vivavoce.speak.g2p.lexicon import Accent, load_lexicon
from vivavoce.speak.g2p.marks import PHRASE_MARKS, join_phonemes
from vivavoce.speak.g2p.numbers import spell_numbers

_TOKEN = re.compile(r"(?P<word>[^\W\d_]+(?:['-][^\W\d_]+)*'?)|(?P<number>[0-9]+)|(?P<mark>[;:,.!?—…()])|(?P<other>\S)")
_SYMBOL_WORDS = {
    **{"&": "and", "%": "percent", "+": "plus", "@": "at", "=": "equals", "°": "degrees", "§": "section"},
    **{"$": "dollars", "€": "euros", "£": "pounds", "<": "less than", ">": "greater than", "×": "times"},
}
_LETTER_REPAIRS = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "œ": "oe", "đ": "d"})


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_word: bool


class EnglishPronouncer:
    """Implements `Pronouncer` for one accent."""

    def __init__(self, accent: Accent) -> None:
        self._british = accent == "gb"
        self._words = EnglishWords(load_lexicon(accent), accent)
        self._settled = lru_cache(maxsize=20_000)(self._words.phonemes)

    def phonemes(self, text: str) -> str:
        tokens = list(_tokens(text))
        lowered = [token.text.lower() if token.is_word else "" for token in tokens]
        clause = frozenset(lowered)
        words = [token.text for token in tokens if token.is_word]
        shouted = len(words) > 2 and all(word.isupper() for word in words)
        spoken: list[str] = []
        next_is_vowel: bool | None = None
        for index in range(len(tokens) - 1, -1, -1):
            token = tokens[index]
            if not token.is_word:
                spoken.append(token.text)
                next_is_vowel = None if token.text in PHRASE_MARKS else next_is_vowel
                continue
            context = Context(
                previous=lowered[index - 1] if index else "",
                following=lowered[index + 1] if index + 1 < len(tokens) else "",
                next_is_vowel=next_is_vowel,
                clause=clause,
            )
            said = self._word(token.text.lower() if shouted else token.text, context)
            spoken.append(said)
            # Kokoro's training texts looked through the article "ɐ" at the word behind it: "tə ɐ dˈɛd".
            next_is_vowel = next((s in VOWEL_SYMBOLS for s in said if s not in "ˈˌɐ "), next_is_vowel)
        return join_phonemes(reversed(spoken))

    def _word(self, written: str, context: Context) -> str:
        word = written.lower()
        fixed = function_word(word, written, context, british=self._british)
        if fixed is not None:
            return fixed
        readings = self._words.readings(written)
        if readings is not None:
            chosen = choose_reading(word, readings, context)
            return _finished(chosen if chosen is not None else self._words.spelled(written))
        return _finished(self._settled(written))


def _finished(phonemes: str) -> str:
    """The dictionaries' flap and glottal stop as this version of Kokoro was trained to take them."""
    return phonemes.replace("ɾ", "T").replace("ʔ", "t")


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(_normalized(text)):
        token = match.group()
        if match.lastgroup == "mark":
            yield _Token(token, is_word=False)
        elif match.lastgroup == "number":
            yield from (_Token(word, is_word=True) for word in re.findall(r"[a-z]+", spell_numbers(token, "en")))
        elif match.lastgroup == "word":
            readable = _readable(token)
            if readable:
                yield _Token(readable, is_word=True)
        else:
            yield from (_Token(word, is_word=True) for word in _SYMBOL_WORDS.get(token, "").split())


def _normalized(text: str) -> str:
    """Typographic variants folded: quotes, dashes, ligatures; a line break becomes a pause."""
    text = re.sub(r"\.{2,}", "…", unicodedata.normalize("NFKC", text.replace("…", "\ufff9")))
    text = text.replace("\ufff9", "…").replace("’", "'").replace("‘", "'").replace("ʼ", "'")
    text = re.sub(r"\s+[-–]+\s+|\s*—\s*|--+", " — ", text).replace("–", "-").replace("‑", "-").replace("‐", "-")
    return re.sub(r"\s*[\r\n]+\s*", ", ", text.strip())


def _readable(token: str) -> str:
    """The word in letters a-z: accents dropped, a single Greek letter named, other scripts left out."""
    if len(token) == 1 and unicodedata.name(token, "").startswith("GREEK"):
        return unicodedata.name(token).split()[-1].lower()
    bare = "".join(
        c for c in unicodedata.normalize("NFD", token.translate(_LETTER_REPAIRS)) if not unicodedata.combining(c)
    )
    return bare if re.fullmatch(r"[A-Za-z'-]+", bare) else ""
