"""From aligned tokens to words: grouping, times, probabilities.

Pure: takes what cross-attention alignment found (token and 20 ms step pairs) and a way to decode tokens to text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from math import log

import numpy as np

from vivavoce.listen.base import TokenHeard, Word
from vivavoce.listen.doubt import calibrated
from vivavoce.listen.windows import Window

STEP_S = 0.02
UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces: every character group that decodes on its own counts as a word."""
_OPENING = "\"'“¿([{-"
_CLOSING = "\"'.。,，!！?？:：”)]}、;…"
_BROKEN = "\ufffd"
_SHORTEST_S = 0.1
_SQUEEZED_S = 0.06
"""What is left at least of words between which a pause is fitted: three steps."""
_MISS_S = 0.3
"""How far from a pause cross-attention may put the boundary between the words around it."""
_LEAST_PROBABILITY = 1e-9
"""What an impossible token is told as: a logarithm of minus infinity is no JSON."""

Decode = Callable[[Sequence[int]], str]


def group_tokens(tokens: Sequence[int], language: str | None, decode: Decode) -> list[tuple[str, int]]:
    """Words as (text, number of tokens), in order; the texts joined are the whole text.

    A token may hold part of a character: tokens are gathered until they decode cleanly. Punctuation joins its word.
    """
    groups: list[tuple[str, int]] = []
    pending: list[int] = []
    for index, token in enumerate(tokens):
        pending.append(token)
        piece = decode(pending)
        if _BROKEN in piece and index + 1 < len(tokens):
            continue
        starts = not groups or language in UNSPACED or piece.startswith(" ")
        bare = piece.strip()
        if bare and all(char in _CLOSING for char in bare) and groups:
            starts = False
        if groups and groups[-1][0].strip() and all(char in _OPENING for char in groups[-1][0].strip()):
            starts = False
        if starts:
            groups.append((piece, len(pending)))
        else:
            text, count = groups[-1]
            groups[-1] = (text + piece, count + len(pending))
        pending = []
    return groups


def words_of(
    groups: Sequence[tuple[str, int]],
    alignments: Sequence[tuple[int, int]],
    token_probabilities: Sequence[float],
    offset_s: float,
    end_s: float,
) -> tuple[Word, ...]:
    """Words with times within [offset_s, end_s], never going backwards.

    alignments: (token index, 20 ms step) pairs of the warping path; a token begins at the first step that it is paired
    with, and a word ends where the next one begins. Probability: the mean over the word's tokens. Tokens that show
    nothing count as the next word's.
    """
    total = sum(count for _, count in groups)
    starts_s = _token_starts_s(alignments, total)
    words: list[Word] = []
    first, floor_s, blank = 0, offset_s, 0
    for text, count in groups:
        start_s = min(end_s, max(floor_s, offset_s + starts_s[first]))
        stop_s = min(end_s, max(start_s, offset_s + starts_s[first + count]))
        probabilities = token_probabilities[first : first + count]
        probability = float(np.mean(probabilities)) if len(probabilities) else 0.0
        if text.strip():
            sure = min(1.0, max(0.0, probability))
            words.append(Word(text.strip(), round(start_s, 3), round(stop_s, 3), sure, blank + count))
        blank = 0 if text.strip() else blank + count
        first, floor_s = first + count, start_s
    return tuple(words)


def with_certainty(
    words: Sequence[Word],
    groups: Sequence[tuple[str, int]],
    token_probabilities: Sequence[float],
    mean_log_probability: float,
) -> tuple[Word, ...]:
    """The words that `words_of` made of `groups`, with the calibrated probability that each is right."""
    starts = accumulate((count for _, count in groups), initial=0)
    spans = [(at, at + count) for at, (text, count) in zip(starts, groups, strict=False) if text.strip()]
    tokens = [token_probabilities[start:end] for start, end in spans]
    sure = calibrated(tokens, mean_log_probability)
    return tuple(replace(word, probability=each) for word, each in zip(words, sure, strict=True))


def logprobs_of(spelled: Sequence[bytes], token_probabilities: Sequence[float]) -> tuple[TokenHeard, ...]:
    """Each token's bytes with the logarithm of its probability."""
    return tuple(
        TokenHeard(tuple(utf8), log(min(1.0, max(_LEAST_PROBABILITY, probability))))
        for utf8, probability in zip(spelled, token_probabilities, strict=False)
    )


def within_speech(words: Sequence[Word], window: Window) -> tuple[Word, ...]:
    """Words with their edges drawn in to where voice activity begins, pauses and ends.

    Cross-attention starts the first word at the window's first step and stretches the words around a pause into it. An
    outer edge is never moved so that less than a tenth of a second remains of its word.
    """
    if not words:
        return ()
    drawn = list(words)
    for start_s, end_s in window.pauses:
        _part(drawn, start_s, end_s)
    first = drawn[0]
    start_s = max(first.start_s, min(window.speech_start_s, first.end_s - _SHORTEST_S))
    drawn[0] = replace(first, start_s=round(start_s, 3))
    last = drawn[-1]
    end_s = min(last.end_s, max(window.speech_end_s, last.start_s + _SHORTEST_S))
    drawn[-1] = replace(last, end_s=round(end_s, 3))
    return tuple(drawn)


def _part(words: list[Word], start_s: float, end_s: float) -> None:
    """Move the edges at the boundary nearest to a pause out of it, where that leaves enough of each word."""
    edges_s = [*(word.start_s for word in words), words[-1].end_s]
    far_s = sorted((max(start_s - edge_s, edge_s - end_s, 0.0), at) for at, edge_s in enumerate(edges_s))
    for at in (at for miss_s, at in far_s if miss_s <= _MISS_S):
        before, after = _until(words[:at], start_s), _from(words[at:], end_s)
        if before is not None and after is not None:
            words[:] = [*before, *after]
            return


def _until(words: Sequence[Word], end_s: float) -> list[Word] | None:
    """Words of which the last ends at `end_s`, if need be at the cost of the one before it; None where neither can."""
    if not words:
        return []
    *rest, last = words
    start_s = min(last.start_s, end_s - _SQUEEZED_S)
    if start_s < last.start_s and (not rest or start_s - rest[-1].start_s < _SQUEEZED_S):
        return None
    if rest:
        rest[-1] = replace(rest[-1], end_s=round(min(rest[-1].end_s, start_s), 3))
    return [*rest, replace(last, start_s=round(start_s, 3), end_s=round(end_s, 3))]


def _from(words: Sequence[Word], start_s: float) -> list[Word] | None:
    """The same for words of which the first begins at `start_s`."""
    if not words:
        return []
    first, *rest = words
    end_s = max(first.end_s, start_s + _SQUEEZED_S)
    if end_s > first.end_s and (not rest or rest[0].end_s - end_s < _SQUEEZED_S):
        return None
    if rest:
        rest[0] = replace(rest[0], start_s=round(max(rest[0].start_s, end_s), 3))
    return [replace(first, start_s=round(start_s, 3), end_s=round(end_s, 3)), *rest]


def _token_starts_s(alignments: Sequence[tuple[int, int]], total: int) -> list[float]:
    """Start of each token and of the end-of-text after them, in seconds from the window's start."""
    starts: dict[int, int] = {}
    last_step = 0
    for token, step in alignments:
        starts.setdefault(token, step)
        last_step = max(last_step, step)
    out: list[float] = []
    for token in range(total + 1):
        step = starts.get(token, last_step + 1)
        out.append(max(step * STEP_S, out[-1] if out else 0.0))
    return out
