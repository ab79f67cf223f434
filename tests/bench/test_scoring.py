"""Scoring: what counts as an error and what doesn't."""

from __future__ import annotations

import pytest

from vivavoce.bench.scoring import Score, metric_of, normalise, score


@pytest.mark.parametrize(
    ("reference", "heard", "language", "expected"),
    [
        ("Der Lappen liegt.", "der lappen liegt", "de", Score(0, 3)),
        ("a fine red house", "a vine red house there", "en", Score(2, 4)),
        ("The colour isn't grey, it's 20 percent.", "the color is not gray it is 20%", "en", Score(0, 8)),
        ("zero", "", "en", Score(1, 1)),
        ("砸自己的脚", "扎自己的脚", "zh", Score(1, 5)),
        ("...", "whatever", "en", Score(0, 0)),
        ("मेरी बहन ने रोटी खरीदी।", "मेरी बहन ने रोती खरीदी", "hi", Score(1, 5)),
        ("L'été (rires) fut beau.", "l été fut beau", "fr", Score(0, 4)),
        ("no", "no no no", "en", Score(2, 1)),
    ],
)
def test_errors_and_units(reference: str, heard: str, language: str, expected: Score) -> None:
    assert score(reference, heard, language) == expected


def test_unspaced_languages_are_scored_by_character() -> None:
    assert {code: metric_of(code) for code in ("ja", "de")} == {"ja": "CER", "de": "WER"}


def test_normalising_twice_changes_nothing() -> None:
    text = "Today, only platforms one and three are used!"
    assert normalise(normalise(text, "en"), "en") == normalise(text, "en")
