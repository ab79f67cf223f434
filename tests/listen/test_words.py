"""Grouping tokens into words and giving them times: pure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vivavoce.listen.base import TokenHeard, Word
from vivavoce.listen.windows import Window
from vivavoce.listen.words import group_tokens, logprobs_of, within_speech, words_of

PIECES = {
    1: b" Hello",
    2: b",",
    3: b" wor",
    4: b"ld",
    5: b".",
    6: " ¿".encode(),
    7: b"Que",
    8: "好".encode()[:2],
    9: "好".encode()[2:],
    10: "的".encode(),
    11: b' "',
    12: b"yes",
}


def decode(tokens: Sequence[int]) -> str:
    return b"".join(PIECES[token] for token in tokens).decode("utf-8", "replace")


def test_pieces_and_punctuation_join_their_word() -> None:
    assert group_tokens([1, 2, 3, 4, 5], "en", decode) == [(" Hello,", 2), (" world.", 3)]


def test_opening_marks_join_the_word_after_them() -> None:
    assert group_tokens([6, 7], "es", decode) == [(" ¿Que", 2)]
    assert group_tokens([11, 12, 5], "en", decode) == [(' "yes.', 3)]


def test_half_characters_are_gathered_until_they_decode() -> None:
    assert group_tokens([8, 9, 10], "zh", decode) == [("好", 2), ("的", 1)]


def test_a_character_that_never_completes_is_not_lost() -> None:
    groups = group_tokens([1, 8], "en", decode)
    assert sum(count for _, count in groups) == 2


def test_words_begin_at_their_first_step_and_end_where_the_next_begins() -> None:
    groups = [(" Hello,", 2), (" world.", 3)]
    pairs = [(0, 5), (0, 6), (1, 20), (2, 30), (3, 40), (4, 50), (5, 60)]
    words = words_of(groups, pairs, [0.9, 0.7, 0.5, 0.5, 0.8], offset_s=10.0, end_s=12.0)
    assert [word.text for word in words] == ["Hello,", "world."]
    assert (words[0].start_s, words[0].end_s) == pytest.approx((10.1, 10.6))
    assert (words[1].start_s, words[1].end_s) == pytest.approx((10.6, 11.2))
    assert words[0].probability == pytest.approx(0.8)


def test_times_never_leave_the_window_or_go_backwards() -> None:
    words = words_of([(" a", 1), (" b", 1)], [(0, 90), (1, 400)], [2.0, -1.0], offset_s=1.0, end_s=3.0)
    assert all(1.0 <= word.start_s <= word.end_s <= 3.0 for word in words)
    assert words[0].start_s <= words[1].start_s
    assert all(0.0 <= word.probability <= 1.0 for word in words)


def test_missing_alignments_still_give_every_word() -> None:
    assert [w.text for w in words_of([(" a", 1), (" b", 1)], [], [], 0.0, 1.0)] == ["a", "b"]


def test_tokens_are_counted_and_those_that_show_nothing_are_the_next_words() -> None:
    words = words_of([(" a", 1), (" ", 1), (" b", 2), (" ", 1)], [], [], 0.0, 1.0)
    assert [(word.text, word.token_count) for word in words] == [("a", 1), ("b", 3)]


@pytest.mark.parametrize(
    ("words", "pauses", "drawn"),
    [
        # Attention put the boundary into the pause, before it, after it.
        ([(0.0, 1.5), (1.5, 2.5)], [(1.0, 2.0)], [(0.0, 1.0), (2.0, 2.5)]),
        ([(0.0, 0.8), (0.8, 2.5)], [(1.0, 2.0)], [(0.0, 1.0), (2.0, 2.5)]),
        ([(0.0, 2.2), (2.2, 2.5)], [(1.0, 2.0)], [(0.0, 1.0), (2.0, 2.5)]),
        # Too far away to be the same boundary.
        ([(0.0, 2.4), (2.4, 2.6)], [(0.5, 2.0)], [(0.0, 2.4), (2.4, 2.6)]),
        # A short word that lies in the pause makes room for itself in its neighbour.
        ([(0.0, 1.0), (1.0, 1.9), (1.9, 2.6)], [(1.0, 2.0)], [(0.0, 1.0), (2.0, 2.06), (2.06, 2.6)]),
        ([(0.0, 1.1), (1.1, 1.9), (1.9, 2.6)], [(1.05, 1.8)], [(0.0, 1.05), (1.8, 1.9), (1.9, 2.6)]),
        # At both ends.
        ([(0.0, 1.0), (1.0, 3.0)], [(0.0, 0.6), (1.8, 3.0)], [(0.6, 1.0), (1.0, 1.8)]),
        # No way that leaves anything of the word.
        ([(0.0, 0.5)], [(0.01, 0.49)], [(0.0, 0.5)]),
        ([(0.0, 1.5), (1.5, 2.5)], [], [(0.0, 1.5), (1.5, 2.5)]),
    ],
)
def test_words_make_way_for_pauses(
    words: list[tuple[float, float]], pauses: list[tuple[float, float]], drawn: list[tuple[float, float]]
) -> None:
    window = Window(0.0, 3.0, 0.9, 0.0, 3.0, tuple(pauses))
    found = within_speech([Word("x", start_s, end_s, 0.9) for start_s, end_s in words], window)
    assert [(word.start_s, word.end_s) for word in found] == drawn


def test_logprobs_are_numbers_even_for_what_is_impossible() -> None:
    rows = logprobs_of([b" a", b"\xc3"], [1.0, 0.0])
    assert rows[0] == TokenHeard((32, 97), 0.0)
    assert rows[1].utf8 == (0xC3,)
    assert -30 < rows[1].logprob < -10
