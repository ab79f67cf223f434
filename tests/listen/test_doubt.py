"""How sure a word is: more evidence of trouble makes it less so, and the weights are those that ship."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.listen.base import Word
from vivavoce.listen.doubt import EVIDENCE, calibrated, evidence, matters, probabilities, shipped_weights
from vivavoce.listen.words import with_certainty


def test_evidence_is_of_the_word_its_neighbours_and_the_window() -> None:
    found = evidence([[0.9], [0.5, 0.9], [0.2]], -0.3)
    assert found.shape == (3, len(EVIDENCE))
    even, middle = np.log(9), np.log(0.7 / 0.3)
    assert found[1] == pytest.approx([middle, 0.0, -0.3, even, np.log(0.2 / 0.8)])
    assert found[0, 3] == pytest.approx(even)  # nobody stands before the first word but itself
    assert found[2, 4] == pytest.approx(np.log(0.2 / 0.8))


def test_extreme_probabilities_and_words_without_tokens_are_no_infinities() -> None:
    assert np.isfinite(evidence([[0.0], [1.0], []], 0.0)).all()


@pytest.mark.parametrize("worse", [([[0.9], [0.3], [0.9]], -0.2), ([[0.9], [0.9], [0.9]], -1.5)])
def test_a_word_is_less_sure_where_its_tokens_or_its_window_are(worse: tuple[list[list[float]], float]) -> None:
    good = calibrated([[0.9], [0.9], [0.9]], -0.2)
    bad = calibrated(*worse)
    assert 0.0 < bad[1] < good[1] < 1.0


def test_no_words_have_no_probabilities() -> None:
    assert calibrated([], -0.5) == []


def test_the_shipped_weights_say_yes_to_good_words_and_no_to_bad_ones() -> None:
    bias, weights = shipped_weights()
    assert weights.shape == (len(EVIDENCE),)
    sure = probabilities(np.concatenate([evidence([[0.99]] * 3, -0.1), evidence([[0.1]] * 3, -1.2)]), bias, weights)
    assert (sure[:3] > 0.9).all()
    assert (sure[3:] < 0.3).all()


@pytest.mark.parametrize(
    ("word", "whether"),
    [
        ("cash", True),
        ("in", False),
        ("The", False),
        ("5.", True),
        ("50", True),
        ("rye,", False),
        ("中", True),
        ("że", False),
    ],
)
def test_short_words_carry_the_sentence_and_not_its_matter(word: str, whether: bool) -> None:
    assert matters(word) is whether


def test_words_take_the_probability_of_their_own_tokens() -> None:
    groups = [(" Cash", 1), (" ", 1), (" in", 1), (" validation.", 2)]
    words = [Word("Cash", 0, 1, 0.5), Word("in", 1, 2, 0.5), Word("validation.", 2, 3, 0.5)]
    tokens = [0.95, 0.01, 0.1, 0.9, 0.9]
    made = with_certainty(words, groups, tokens, -0.3)
    assert [word.text for word in made] == ["Cash", "in", "validation."]
    assert [word.probability for word in made] == calibrated([[0.95], [0.1], [0.9, 0.9]], -0.3)
