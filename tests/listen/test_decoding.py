"""When a decoding is believed: pure policy."""

from __future__ import annotations

import pytest

from vivavoce.listen.decoding import (
    Decoding,
    LanguagePolicy,
    TrustPolicy,
    among,
    best_of,
    better_language,
    collapse_loops,
    compression_ratio,
    doubts,
    language_candidates,
    longest_run,
    nothing_said,
    token_bound,
)

POLICY = TrustPolicy()


def decoding(
    text: str = "a fine day",
    *,
    tokens: tuple[int, ...] = (1, 2, 3),
    log_probability: float = -0.3,
    no_speech: float = 0.05,
    ended: bool = True,
) -> Decoding:
    return Decoding(tokens, text, log_probability, no_speech, ended)


def test_plain_speech_is_believed() -> None:
    assert doubts(decoding(), POLICY) == ()


def test_a_loop_is_doubted_by_its_text_and_by_its_tokens() -> None:
    assert "loop" in doubts(decoding("thank you very much " * 12), POLICY)
    assert "loop" in doubts(decoding(tokens=(5, 6, 7) * 5), POLICY)


def test_text_without_an_end_and_unlikely_text_are_doubted() -> None:
    assert doubts(decoding(ended=False), POLICY) == ("endless",)
    assert doubts(decoding(log_probability=-1.4), POLICY) == ("unlikely",)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [((), 1), ((1, 2, 3), 1), ((1, 2, 1, 2, 1, 2), 3), ((9, 9, 9), 1), ((9,) * 8, 6), ((0, 1, 2, 3, 1, 2, 3), 2)],
)
def test_longest_run(tokens: tuple[int, ...], expected: int) -> None:
    assert longest_run(tokens) == expected


def test_collapsing_keeps_one_turn_of_a_loop_and_leaves_honest_repeats() -> None:
    assert collapse_loops((1, 2, 3) * 9 + (4,)) == (1, 2, 3, 4)
    assert collapse_loops((7,) * 3 + (8,)) == (7, 7, 7, 8)
    assert collapse_loops((0, 5, 5, 5, 5, 5, 5, 1)) == (0, 5, 1)


def test_the_bound_grows_with_the_sound_and_stays_within_the_context() -> None:
    assert token_bound(0.3, POLICY) < token_bound(3.0, POLICY) < token_bound(12.0, POLICY)
    assert token_bound(600.0, POLICY) == 224


def test_no_text_is_nothing_said() -> None:
    assert nothing_said(decoding(" "), peak=0.99, policy=POLICY)


def test_unlikely_text_over_probable_silence_is_nothing_said() -> None:
    assert nothing_said(decoding(no_speech=0.7, log_probability=-1.3), peak=0.75, policy=POLICY)
    assert not nothing_said(decoding(no_speech=0.7, log_probability=-0.3), peak=0.75, policy=POLICY)
    assert nothing_said(decoding(no_speech=0.9, log_probability=-0.8), peak=0.75, policy=POLICY)


def test_where_somebody_clearly_spoke_a_poor_guess_beats_nothing() -> None:
    assert not nothing_said(decoding(no_speech=0.7, log_probability=-1.2), peak=0.95, policy=POLICY)
    assert nothing_said(decoding(no_speech=0.7, log_probability=-2.0), peak=0.95, policy=POLICY)


def test_where_voice_is_faint_whisper_must_be_sure() -> None:
    assert nothing_said(decoding("Thank you.", no_speech=0.65), peak=0.4, policy=POLICY)
    assert nothing_said(decoding("Thank you.", log_probability=-1.05), peak=0.4, policy=POLICY)
    assert not nothing_said(decoding("seven", no_speech=0.1), peak=0.4, policy=POLICY)


def test_among_doubtful_attempts_a_loop_comes_last() -> None:
    loop = decoding("no " * 40, tokens=(4,) * 40, log_probability=-0.1)
    unlikely = decoding(log_probability=-1.5)
    assert best_of([loop, unlikely], POLICY) is unlikely


def test_compression_ratio_of_repeats_is_high_and_of_nothing_zero() -> None:
    assert compression_ratio("") == 0.0
    assert compression_ratio("so it goes " * 30) > 2.4 > compression_ratio("The quick brown fox jumps.")


TONGUES = LanguagePolicy()


def test_a_sure_language_is_taken_as_it_is_and_an_unsure_one_gets_a_rival() -> None:
    assert language_candidates((("de", 0.95), ("nl", 0.03)), None, TONGUES) == (("de", 0.95),)
    assert language_candidates((("zh", 0.6), ("en", 0.35)), None, TONGUES) == (("zh", 0.6), ("en", 0.35))
    assert language_candidates((("zh", 0.6), ("en", 0.05)), None, TONGUES) == (("zh", 0.6),)


def test_languages_that_whisper_hardly_knows_come_after_likely_ones() -> None:
    assert language_candidates((("la", 0.56), ("en", 0.26)), None, TONGUES)[0] == ("en", 0.26)
    assert language_candidates((("cy", 0.97), ("en", 0.01)), None, TONGUES) == (("cy", 0.97),)


def test_a_recording_stays_in_its_language_unless_another_is_sure_or_reads_better() -> None:
    assert language_candidates((("en", 0.4), ("zh", 0.3)), "en", TONGUES) == (("en", 0.4),)
    assert language_candidates((("zh", 0.97), ("en", 0.01)), "en", TONGUES) == (("zh", 0.97),)
    assert language_candidates((("zh", 0.7), ("en", 0.2)), "en", TONGUES) == (("en", 0.2), ("zh", 0.7))


def test_the_decoding_that_reads_better_wins_unless_it_loops() -> None:
    candidates = (("zh", 0.66), ("en", 0.24))
    gibberish, sense = decoding(log_probability=-1.4), decoding(log_probability=-0.2)
    assert better_language(candidates, [gibberish, sense], TONGUES) == 1
    loop = decoding("la " * 60, log_probability=-0.05)
    assert better_language(candidates, [gibberish, loop], TONGUES) == 0


def test_only_languages_that_can_be_share_the_probability() -> None:
    detected = (("en", 0.6), ("es", 0.2), ("pt", 0.1), ("de", 0.05))
    assert among(detected, ("pt", "es")) == (("es", pytest.approx(2 / 3)), ("pt", pytest.approx(1 / 3)))
    assert among(detected, ("ja", "zh")) == (("ja", 0.5), ("zh", 0.5))
