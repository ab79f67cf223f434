"""Captions: a listener's segments cut where a reader would cut them, at sentences, and short enough to be read.

Pure: knows words and times, no model and no subtitle format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from unicodedata import east_asian_width

from vivavoce.listen.base import Segment, Word
from vivavoce.listen.decoding import compression_ratio

_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "।", "؟")
_CLAUSE_ENDS = (*_SENTENCE_ENDS, ",", ";", ":", "、", "，", "；", "：", "،")
_CLOSING = "\"'”’»)]」』）"


@dataclass(frozen=True, slots=True)
class CaptionPolicy:
    """Two lines of 42 characters (East Asian ones count double) for at most 7 s are what subtitling guidelines allow.

    sentence_characters: a sentence shorter than this does not stand alone ("Dr.", "Yes.") unless a pause of at least
    `breath_s` follows. pause_s: one of this length ends a caption, wherever it is.
    """

    characters: int = 84
    seconds: float = 7.0
    sentence_characters: int = 20
    breath_s: float = 0.3
    pause_s: float = 1.0


def captions(segment: Segment, policy: CaptionPolicy | None = None) -> list[Segment]:
    """`segment` in parts, with what belongs to each: text, times, words, tokens. One without words stays whole.

    How sure the listener was of the whole is told of every part; `compression_ratio` is the part's own.
    """
    if not segment.words:
        return [segment]
    columns = _columns(segment.text, _places(segment.text, segment.words))
    return divided(segment, list(_cuts(segment.words, columns, policy or CaptionPolicy())))


def divided(segment: Segment, cuts: Sequence[int]) -> list[Segment]:
    """`segment` in parts. cuts: indices of the words that begin a new part, in order, the first word's aside."""
    words = segment.words
    places = _places(segment.text, words)
    parts: list[Segment] = []
    first_token = 0
    for first, last in pairwise([0, *cuts, len(words)]):
        begin = 0 if first == 0 else places[first]
        text = segment.text[begin : places[last] if last < len(words) else None].strip()
        end_token = first_token + sum(word.token_count for word in words[first:last])
        tokens = slice(first_token, end_token if last < len(words) else None)
        parts.append(
            replace(
                segment,
                text=text,
                start_s=segment.start_s if first == 0 else words[first].start_s,
                end_s=segment.end_s if last == len(words) else words[last - 1].end_s,
                words=words[first:last],
                compression_ratio=compression_ratio(text),
                tokens=segment.tokens[tokens],
                token_logprobs=segment.token_logprobs[tokens],
            )
        )
        first_token = end_token
    return parts


def _places(text: str, words: Sequence[Word]) -> list[int]:
    """Where each word begins in the text; a word that is not found there begins where the one before it ended."""
    places: list[int] = []
    at = 0
    for word in words:
        found = text.find(word.text, at)
        places.append(at if found < 0 else found)
        at = places[-1] + (0 if found < 0 else len(word.text))
    return places


def columns(text: str) -> int:
    """How wide a text is on a screen."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _columns(text: str, places: Sequence[int]) -> list[int]:
    """How wide the text is before each place, and in all: East Asian characters take two columns."""
    before = list(accumulate(map(columns, text), initial=0))
    return [*(before[place] for place in places), before[-1]]


def _cuts(words: Sequence[Word], columns: Sequence[int], policy: CaptionPolicy) -> Iterator[int]:
    """Indices of the words that begin a new caption. columns: where each word begins, and the text ends."""
    first = 0
    for index in range(1, len(words)):
        before = words[index - 1]
        gap_s = words[index].start_s - before.end_s
        stands_alone = columns[index] - columns[first] >= policy.sentence_characters or gap_s >= policy.breath_s
        if gap_s >= policy.pause_s or (_ends_sentence(before) and stands_alone):
            first = index
            yield index
            continue
        stop = columns[index + 1]
        while stop - columns[first] > policy.characters or words[index].end_s - words[first].start_s > policy.seconds:
            if first == index:
                break  # a single word that is too long
            first = _best_cut(words, first, index)
            yield first


def _best_cut(words: Sequence[Word], first: int, last: int) -> int:
    """The word in (first, last] to begin anew with: after the last mark of the second half, or as late as possible."""
    for index in range(last, first + (last - first) // 2, -1):
        if words[index - 1].text.rstrip(_CLOSING).endswith(_CLAUSE_ENDS):
            return index
    return last


def _ends_sentence(word: Word) -> bool:
    return word.text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)
