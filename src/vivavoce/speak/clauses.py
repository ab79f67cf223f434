"""Divides an answer into clauses while it is still being written, so that speaking can start on the first few words.

The first clause is short, for an early first sound; each next one may be longer, since it is synthesized while the one
before is heard. Every cut is decided from the text up to the first word after it, never from how the text happened to
arrive: any way of chunking the same text gives the same clauses. Knows no engine and pronounces nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from vivavoce.speak.clause_words import ABBREVIATIONS, CLINGING, JOINTS, NUMBERED_ABBREVIATIONS
from vivavoce.speak.pauses import NONE_S, PARAGRAPH_S, pause_after_s


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of the answer. `span`: its character offsets in the whole answer; clauses follow each other without
    gaps, white space belongs to the clause before it. `pause_s`: the natural rest after it, 0 after the last."""

    text: str
    span: tuple[int, int]
    pause_s: float


@dataclass(frozen=True, slots=True)
class _Limits:
    """Least words before a cut at the end of a sentence, at a comma, before a joining word; most words at all."""

    sentence: int
    comma: int
    joint: int
    most: int


# A clause takes about 0.4 s per word to hear and less than half of that to synthesize (docs/engines/speak.md), so each
# may have about twice the words of the one before without a gap. The last row serves all later clauses.
_LIMITS = (_Limits(3, 3, 4, 8), _Limits(3, 5, 9, 14), _Limits(3, 8, 14, 22), _Limits(3, 12, 24, 34))

_MOST_CHARACTERS = 220
_MOST_CODE_CHARACTERS = 500
_MOST_UNBROKEN_CHARACTERS = 1000
_LONGEST_JOINT = 12

_STRONG = ".!?…。！？।؟۔"
_WEAK = ",;:،、，；：—–-"
_OPENERS = tuple("([（")
_CLOSERS = "\"'”’“‘»›)]}」』）】》*_`~"
_EAST_ASIAN_CLOSERS = "\"'”’)]}」』）】》*_"
_EAST_ASIAN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_BOUNDARY = re.compile(
    rf"\s+|(?<=[。！？、，；：])[{re.escape(_EAST_ASIAN_CLOSERS)}]*(?=[^\s。！？、，；：{re.escape(_EAST_ASIAN_CLOSERS)}]|$)"
    rf"|(?<=[{_EAST_ASIAN}])(?=[{_EAST_ASIAN}])"
)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?$|^[^\W\d_]$")


class ClauseSplitter:
    """Fed with the pieces of one answer in order; hands out clauses as soon as they are certain."""

    def __init__(self) -> None:
        self._pending = ""
        self._start = 0
        self._count = 0

    def feed(self, delta: str) -> list[Clause]:
        """Take the next piece of text; return the clauses that it completes, often none."""
        self._pending += delta
        return list(self._complete(final=False))

    def flush(self) -> list[Clause]:
        """The answer has ended: return what is left. White space alone joins no clause and is returned as one."""
        clauses = list(self._complete(final=True))
        if self._pending:
            clauses.append(self._take(len(self._pending), NONE_S))
        return clauses

    def _complete(self, *, final: bool) -> Iterator[Clause]:
        while self._pending and (cut := self._find_cut(final=final)) is not None:
            yield self._take(*cut)

    def _take(self, length: int, pause_s: float) -> Clause:
        text, self._pending = self._pending[:length], self._pending[length:]
        clause = Clause(text, (self._start, self._start + length), pause_s)
        self._start += length
        self._count += bool(text.strip())
        return clause

    def _find_cut(self, *, final: bool) -> tuple[int, float] | None:
        """Length of the next clause and the rest after it; None: not certain yet (or, if `final`, all is one)."""
        text = self._pending
        opening = text.lstrip()[:3]
        if not final and opening in ("", "`", "``", "~", "~~"):
            return None
        fence = _FENCE.match(text)
        if fence is not None:
            return _end_of_fence(text, fence)
        limits = _LIMITS[min(self._count, len(_LIMITS) - 1)]
        for boundary in _BOUNDARY.finditer(text):
            if boundary.start() > _MOST_UNBROKEN_CHARACTERS:
                break
            if not text[: boundary.start()].strip():
                continue
            if boundary.end() == len(text):
                return None
            verdict = _judge(text, boundary, limits, final=final)
            if verdict is _WAIT:
                return None
            if verdict is not None:
                return boundary.end(), verdict
        return (_MOST_UNBROKEN_CHARACTERS, NONE_S) if len(text) > _MOST_UNBROKEN_CHARACTERS else None


_WAIT = -1.0
"""Verdict: the text after the boundary is needed and has not come yet."""


def _judge(text: str, boundary: re.Match[str], limits: _Limits, *, final: bool) -> float | None:
    """The rest in seconds if the clause ends at `boundary`, None if it goes on, `_WAIT` if that can't be said yet."""
    before, gap, after = text[: boundary.start()], boundary.group(), text[boundary.end() :]
    words = _count_words(before)
    if "\n" in gap:
        if after[:1] in "`~" and len(after) < 3 and not final:
            return _WAIT
        if _FENCE.match(after):
            return PARAGRAPH_S
    elif before[before.rfind("\n") + 1 :].count("`") % 2 and len(before) < _MOST_CODE_CHARACTERS:
        return None
    closed = before + gap.rstrip()
    mark = closed.rstrip(_CLOSERS)[-1:]
    is_strong = _ends_sentence(closed, mark, after)
    if gap.count("\n") >= 2 or (words >= limits.sentence and (is_strong or "\n" in gap)):
        return pause_after_s(mark, gap)
    is_weak = mark in _WEAK and not _is_list_or_range(before, after)
    if words >= limits.comma and (is_weak or after[:1] in _OPENERS):
        return pause_after_s(mark, gap)
    return _between_words(before, after, words, limits, final=final)


def _between_words(before: str, after: str, words: float, limits: _Limits, *, final: bool) -> float | None:
    """Whether a clause that has grown long without a mark ends here."""
    too_long = words >= limits.most or len(before) >= _MOST_CHARACTERS
    last = before.rsplit(maxsplit=1)[-1].lower()
    if too_long and (last not in CLINGING or words >= limits.most + 3):
        return NONE_S
    if words < limits.joint or last in CLINGING:
        return None
    following = re.match(r"[^\W\d_]*", after)
    word = following.group() if following is not None else ""
    if len(word) == len(after) and len(word) <= _LONGEST_JOINT and not final:
        return _WAIT
    return NONE_S if word.lower() in JOINTS and len(word) < len(after) else None


def _ends_sentence(closed: str, mark: str, after: str) -> bool:
    """Whether `closed`, which ends in `mark` and perhaps closing quotes, ends a sentence that `after` follows."""
    if not mark or mark not in _STRONG:
        return False
    if after[0] in ".,;:!?…" or after[0].islower():
        return False
    if mark != ".":
        return True
    token = re.split(r"[\s(\[{\"“„'«]", closed.rstrip(_CLOSERS))[-1].rstrip(".")
    if token.isdigit() and len(token) <= 3:
        line = closed[closed.rfind("\n") + 1 :].strip()
        return line.rstrip(".") != token
    if token.lower() in NUMBERED_ABBREVIATIONS and after[0].isdigit():
        return False
    return token.lower() not in ABBREVIATIONS and not _DOTTED.search(token)


def _is_list_or_range(before: str, after: str) -> bool:
    """A dash that is a bullet or stands in a range, and a colon inside a time, end no clause."""
    if before[-1:] in "-–—":
        line = before[before.rfind("\n") + 1 :].strip()
        return len(line) == 1 or not before[:-1].endswith((" ", "\t")) or after[0].isdigit()
    return False


def _end_of_fence(text: str, fence: re.Match[str]) -> tuple[int, float] | None:
    """The end of a fenced code block with the white space after it; None while it is open."""
    closing = re.compile(rf"\n[ ]{{0,3}}{re.escape(fence[1])}[`~]*[ \t]*\n\s*").search(text, fence.end())
    if closing is None or closing.end() == len(text):
        return None
    return closing.end(), PARAGRAPH_S


def _count_words(text: str) -> float:
    """Words by white space. A Chinese or Japanese character counts as half a word, a bare mark as none, a number as
    about as many words as it is read in: one fewer than its digits, but at least one."""
    east_asian = len(re.findall(f"[{_EAST_ASIAN}]", text))
    spaced = re.sub(f"[{_EAST_ASIAN}]+", " ", text).split()
    return sum(_spoken_words(word) for word in spaced) + east_asian / 2


def _spoken_words(word: str) -> int:
    digits = sum(max(1, len(group) - 1) for group in re.findall(r"\d+", word))
    return max(digits, int(any(c.isalnum() for c in word)))
