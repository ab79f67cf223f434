"""Scoring of transcripts: normalise both sides, count word errors, or character errors where words aren't spaced.

Knows no audio and no engine. Normalisation is that of Whisper's paper, in English by the package whisper-normalizer,
elsewhere by our own lines, since the paper takes Hindi apart at every vowel sign: marks stay with their letters here.
Counting is jiwer's. Both packages come with the extra `bench` and are imported when first needed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from vivavoce.errors import MissingDependency

CHARACTER_LANGUAGES = frozenset({"zh", "ja", "ko", "th", "lo", "my", "yue"})
"""Languages scored by character (CER): word boundaries there are absent, or a matter of taste."""


@dataclass(frozen=True, slots=True)
class Score:
    """Errors (substitutions + deletions + insertions) against `units` reference words or characters."""

    errors: int
    units: int


def metric_of(language: str) -> str:
    return "CER" if language in CHARACTER_LANGUAGES else "WER"


def score(reference: str, heard: str, language: str) -> Score:
    """Count what `heard` got wrong. A reference without any word scores 0 of 0, whatever was heard.

    Raises `MissingDependency` without the extra `bench`.
    """
    [counted] = score_joined([reference], heard, language)
    return counted


def score_joined(references: Sequence[str], heard: str, language: str) -> list[Score]:
    """Count what was got wrong in a recording that says `references` one after another, reference by reference.

    The whole is aligned at once; a word too many counts for the reference at whose place it stands.
    Raises `MissingDependency` without the extra `bench`.
    """
    parts = [_units(reference, language) for reference in references]
    units = [len(part) for part in parts]
    owners = [index for index, count in enumerate(units) for _ in range(count)]
    errors = [0] * len(parts)
    guess = _units(heard, language)
    if not owners or not guess:
        return [Score(count, count) for count in units]
    counted = _import("jiwer").process_words(" ".join(unit for part in parts for unit in part), " ".join(guess))
    for chunk in counted.alignments[0]:
        if chunk.type == "insert":
            errors[owners[min(chunk.ref_start_idx, len(owners) - 1)]] += chunk.hyp_end_idx - chunk.hyp_start_idx
        elif chunk.type != "equal":
            for place in range(chunk.ref_start_idx, chunk.ref_end_idx):
                errors[owners[place]] += 1
    return [Score(wrong, count) for wrong, count in zip(errors, units, strict=True)]


def matched_words(reference: str, heard: Sequence[str], language: str) -> tuple[list[bool], bool]:
    """Whether each of the `heard` words is one that was said, and whether nothing that was said is missing.

    A word without a letter or a digit counts as right. Raises `MissingDependency` without the extra `bench`.
    """
    said = _units(reference, language)
    pieces = [_units(word, language) for word in heard]
    owners = [index for index, part in enumerate(pieces) for _ in part]
    right = [True] * len(heard)
    if not said or not owners:
        return [not part for part in pieces], not said
    guess = " ".join(unit for part in pieces for unit in part)
    counted = _import("jiwer").process_words(" ".join(said), guess)
    for chunk in counted.alignments[0]:
        if chunk.type in ("substitute", "insert"):
            for place in range(chunk.hyp_start_idx, chunk.hyp_end_idx):
                right[owners[place]] = False
    return right, not counted.deletions


def _units(text: str, language: str) -> list[str]:
    """Normalised words, or characters where words aren't spaced."""
    words = normalise(text, language).split()
    return list("".join(words)) if language in CHARACTER_LANGUAGES else words


def normalise(text: str, language: str) -> str:
    """Lower case, no punctuation; for English also numbers, contractions and spelling."""
    words = (_english_normaliser()(text) if language.startswith("en") else _plain(text)).split()
    # The English normaliser leaves stray full stops standing; a word has a letter or a digit.
    return " ".join(word for word in words if any(char.isalnum() for char in word))


_GROUPED = re.compile(r"(?<=\d)[.,'’\u00a0\u202f ](?=\d{3}(?!\d))")
"""What divides the thousands of a number outside English: 3.061, 3 061 and 3061 are one word."""

_ASIDE = re.compile(r"[<\[][^>\]]*[>\]]|\([^)]+?\)")


def _plain(text: str) -> str:
    """Letters with their marks, and digits; asides in brackets are nothing that was said."""
    aside_free = _GROUPED.sub("", _ASIDE.sub("", unicodedata.normalize("NFKC", text.lower())))
    return "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in aside_free)


@lru_cache(maxsize=1)
def _english_normaliser() -> Callable[[str], str]:
    return _import("whisper_normalizer.english").EnglishTextNormalizer()


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as fault:
        raise MissingDependency(
            "Scoring transcripts needs the extra `bench`: pip install 'vivavoce[bench]'."
        ) from fault
