"""Scoring: what counts as an error and what doesn't."""

from __future__ import annotations

import pytest

from vivavoce.bench.scoring import Score, metric_of, normalise, score, score_joined


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
        ("Mon chiffre préféré est 3061.", "mon chiffre préféré est 3.061", "fr", Score(0, 5)),
        ("12 345 678 Euro", "12.345.678 Euro", "de", Score(0, 2)),
        ("3,5 Meter, 20 Grad", "3.5 Meter 20 Grad", "de", Score(0, 5)),
    ],
)
def test_errors_and_units(reference: str, heard: str, language: str, expected: Score) -> None:
    assert score(reference, heard, language) == expected


def test_unspaced_languages_are_scored_by_character() -> None:
    assert {code: metric_of(code) for code in ("ja", "de")} == {"ja": "CER", "de": "WER"}


def test_normalising_twice_changes_nothing() -> None:
    text = "Today, only platforms one and three are used!"
    assert normalise(normalise(text, "en"), "en") == normalise(text, "en")


def test_errors_in_a_joined_recording_belong_to_the_clip_in_which_they_lie() -> None:
    references = ["The red house.", "Nobody comes.", "", "Five little birds sing"]
    heard = "the red horse nobody ever comes five birds sing now"
    expected = [Score(1, 3), Score(1, 2), Score(0, 0), Score(2, 4)]
    assert score_joined(references, heard, "en") == [*expected]
    assert score_joined(references, "", "en") == [Score(n, n) for n in (3, 2, 0, 4)]
    assert score_joined(["砸自己", "的脚"], "扎自己的脚", "zh") == [Score(1, 3), Score(0, 2)]


def test_an_error_count_is_the_same_joined_or_whole() -> None:
    references = ["one house", "and two mice", "ran away"]
    heard = "one mouse and two mice ran far away home"
    parts = score_joined(references, heard, "de")
    assert sum(part.errors for part in parts) == score(" ".join(references), heard, "de").errors == 3
