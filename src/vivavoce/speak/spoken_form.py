"""Makes text fit to speak: plain words and the marks that a voice breathes at, whatever was written.

Markdown loses its signs; numbers, dates, money, units, addresses and symbols become words in English, numbers and the
common symbols also in Spanish, French, German, Italian and Portuguese; in other languages digits and signs stay for
their own pronunciation. A code block is not read out but announced, once; a short stretch of code within a sentence
is. Of an address the host and the path are read, not the query. 1900 to 2099 are years unless the words around say
otherwise, and slashed dates are month first. Brackets become pauses, emoji and quotation marks are dropped. Any string
is taken.
Knows no engine and pronounces nothing.
"""

from __future__ import annotations

import re
import unicodedata

from vivavoce.speak.spoken_english import english
from vivavoce.speak.spoken_english_words import CODE_SIGNS
from vivavoce.speak.spoken_european import LANGUAGES, european
from vivavoce.speak.spoken_markup import FENCE, CodeWords, strip_markup

_ENGLISH_CODE = CodeWords(CODE_SIGNS, "Code is in the text.", "some code")
_OTHER_CODE = CodeWords({}, "", "")


def spoken_form(text: str, language: str = "en") -> str:
    """The words of `text`, "" where nothing can be said. `language` is BCP 47; only its first part counts."""
    return SpokenForm(language).feed(text)


class SpokenForm:
    """`spoken_form` over the clauses of one answer in order: remembers whether a code block is open across them."""

    def __init__(self, language: str = "en") -> None:
        self._language = re.split(r"[-_]", language.lower())[0]
        other = LANGUAGES.get(self._language)
        self._code = _ENGLISH_CODE if self._language == "en" else other.code_words if other else _OTHER_CODE
        self._fence = ""
        self._at_line_start = True

    def feed(self, clause: str) -> str:
        """The words of the next clause; white space and line breaks around it belong to it and matter."""
        began_line = self._at_line_start
        prose = self._outside_fences(clause)
        if clause.strip() or "\n" in clause:
            self._at_line_start = clause.rstrip(" \t").endswith("\n")
        prose = strip_markup(_normalized(prose), self._code, at_line_start=began_line)
        if self._language == "en":
            prose = english(prose)
        elif self._language in LANGUAGES:
            prose = european(prose, LANGUAGES[self._language])
        signs = "" if self._language == "en" or self._language in LANGUAGES else _SIGNS
        return _tidy(prose, signs, goes_on=clause.rstrip()[-1:] in _PAUSES)

    def _outside_fences(self, clause: str) -> str:
        """`clause` with each code block replaced by its announcement."""
        kept: list[str] = []
        at_line_start = self._at_line_start
        for line in re.split(r"\r\n|\r|\n", clause):
            mark = FENCE.match(line) if at_line_start else None
            if self._fence:
                if mark is not None and mark[1].startswith(self._fence) and not line.strip().strip("`~"):
                    self._fence = ""
            elif mark is not None:
                kept.append(f"\n{self._code.block}\n")
                self._fence = "" if mark[1] in line[mark.end() :] else mark[1]
            else:
                kept.append(line)
            at_line_start = True
        return "\n".join(kept)


_QUOTES = str.maketrans({"‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "″": '"',
                         "«": '"', "»": '"', "‹": '"', "›": '"', "…": "...", "‐": "-", "‑": "-", "﹣": "-", "－": "-",
                         "\u00b5": "μ"})  # fmt: skip


def _normalized(text: str) -> str:
    """One form for every quotation mark, hyphen and space; nothing invisible."""
    text = re.sub(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))", "", text)  # between thousands
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    return "".join(_visible(c) for c in text)


def _visible(c: str) -> str:
    if c == "\n" or c in "\u200c\u200d":  # joiners shape the letters of some scripts
        return c
    category = unicodedata.category(c)
    if category in ("Zs", "Zl", "Zp", "Cc"):
        return " "
    return "" if category in ("Cf", "Cs", "Co", "Cn") else c


_MARKS = ".,;:!?…"
_PAUSES = ",;:"
_SIGNS = "%€$£+=&@°/"
"""What a language whose numbers we leave alone may have its own words for."""

_EAST_ASIAN_MARKS = "。、，！？：；・「」『』"


def _tidy(text: str, signs: str, *, goes_on: bool) -> str:
    """Letters, digits, `signs`, apostrophes and hyphens within words, single marks; nothing at the start but words.
    `goes_on`: a comma at the end was written and stays; one that stands for a bracket does not."""
    text = re.sub(r"\s*[(\[{}\])|]\s*", " , ", text)
    text = re.sub(r"\s*[—―]\s*|\s+[-–]+\s+|--+|\s*–\s*", " , ", text)
    text = "".join(c if _is_spoken(c) or c in signs else " " for c in text)
    text = re.sub(r"(?<!\w)['-]+" + ("(?![0-9])" if signs else "") + r"|['-]+(?!\w)", " ", text)  # "-5" stays
    text = re.sub(r"\.{2,}", "…", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(rf"\s+(?=[{_MARKS}])", "", text)
    text = re.sub(rf"[{_MARKS}]{{2,}}", lambda match: _strongest(match[0]), text)
    text = re.sub(r"([,;:!?…])(?=\w)(?!(?<=[0-9][,:])[0-9])", r"\1 ", text)  # but 3,5 and 14:30 stay whole
    text = re.sub(rf"(?<=[{_EAST_ASIAN_MARKS}])\s*[{_PAUSES}]", "", text)
    text = re.sub(rf"^[\s{_MARKS}{_EAST_ASIAN_MARKS}]+", "", text.rstrip() if goes_on else text.rstrip(f" {_PAUSES}"))
    return text if any(c.isalnum() for c in text) else ""


def _is_spoken(c: str) -> bool:
    return c in _MARKS or c in _EAST_ASIAN_MARKS or c in "'- \u200c\u200d" or unicodedata.category(c)[0] in "LMN"


def _strongest(marks: str) -> str:
    """Of marks in a row, the one that is heard: a question before an exclamation before an end before a pause."""
    return next(mark for mark in "?!….;:," if mark in marks)
