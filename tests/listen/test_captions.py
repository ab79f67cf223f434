"""Cutting segments into captions: pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from vivavoce.listen.base import Segment, TokenHeard, Word
from vivavoce.listen.captions import CaptionPolicy, captions


def segment(text: str, *, pace_s: float = 0.3, gaps_s: dict[str, float] | None = None, language: str = "en") -> Segment:
    """Words of `pace_s` each, with pauses after those in `gaps_s`; two tokens a word, and one more at the end."""
    words: list[Word] = []
    at_s = 10.0
    pieces = list(text) if language == "zh" else text.split()
    for piece in pieces:
        words.append(Word(piece, at_s, at_s + pace_s, 0.9, 2))
        at_s += pace_s + (gaps_s or {}).get(piece, 0.0)
    count = 2 * len(words) + 1
    return Segment(
        text,
        10.0,
        at_s,
        language,
        0.9,
        0.1,
        tuple(words),
        -0.2,
        tokens=tuple(range(count)),
        token_logprobs=tuple(TokenHeard((65,), -n / 10) for n in range(count)),
    )


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        (segment("One short line."), ["One short line."]),
        (
            segment("The museum opens at nine. It closes at five, but not on Sundays."),
            ["The museum opens at nine.", "It closes at five, but not on Sundays."],
        ),
        (segment("Dr. Smith is not in today."), ["Dr. Smith is not in today."]),
        (segment("Yes. That is what I said."), ["Yes. That is what I said."]),
        (segment("Yes. That is what I said.", gaps_s={"Yes.": 0.4}), ["Yes.", "That is what I said."]),
        (segment("Well then let us go", gaps_s={"then": 1.2}), ["Well then", "let us go"]),
        (segment('He said "come back soon." Then he left.'), ['He said "come back soon."', "Then he left."]),
        (
            segment("今天天气很好我们都出去走走。明天再说。", language="zh"),
            ["今天天气很好我们都出去走走。", "明天再说。"],
        ),
        (segment(""), [""]),
    ],
)
def test_captions_are_cut_where_a_reader_would(said: Segment, texts: list[str]) -> None:
    assert [part.text for part in captions(said)] == texts


LONG = "they went on " * 40 + "and on, " + "through hills and fields and woods " * 10 + "until night"


@pytest.mark.parametrize("pace_s", [0.1, 0.3, 0.9])
@pytest.mark.parametrize("text", [LONG, LONG.replace(" ", ", "), "x" * 200 + " and " + "y" * 200])
def test_captions_are_short_and_lose_nothing(text: str, pace_s: float) -> None:
    policy = CaptionPolicy()
    whole = segment(text, pace_s=pace_s)
    parts = captions(whole)
    assert " ".join(part.text for part in parts) == text.strip()
    assert sum((part.words for part in parts), ()) == whole.words
    assert sum((part.tokens for part in parts), ()) == whole.tokens
    assert sum((part.token_logprobs for part in parts), ()) == whole.token_logprobs
    assert (parts[0].start_s, parts[-1].end_s) == (whole.start_s, whole.end_s)
    assert all(one.end_s <= two.start_s for one, two in pairwise(parts))
    for part in parts:
        assert len(part.words) == 1 or len(part.text) <= policy.characters
        assert len(part.words) == 1 or part.words[-1].end_s - part.words[0].start_s <= policy.seconds + 1e-6


def test_a_long_line_is_cut_after_a_mark_of_its_second_half() -> None:
    text = "When the rain had stopped and the roads were dry at last, we went on to the harbour to see the boats"
    assert captions(segment(text))[0].text == "When the rain had stopped and the roads were dry at last,"


def test_a_segment_without_words_stays_whole() -> None:
    whole = replace(segment(LONG), words=())
    assert captions(whole) == [whole]
