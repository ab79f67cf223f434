"""`viva bench doubt`: what is counted and how, on recordings and answers that are made up."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from vivavoce.audio import Audio
from vivavoce.bench.babble import in_babble
from vivavoce.bench.confusable import Trial, outcome, put_questions, questions
from vivavoce.bench.doubt import (
    Utterance,
    calibration,
    found_weights,
    marks,
    unseen_probabilities,
    utterance,
)
from vivavoce.bench.doubt_console import DoubtReport, doubt_tables
from vivavoce.bench.doubt_svg import reliability_svg
from vivavoce.bench.exchange import Answered
from vivavoce.bench.scoring import matched_words
from vivavoce.listen.base import Segment, TokenHeard, Word
from vivavoce.listen.doubt import EVIDENCE, probabilities


def tone(hz: float, seconds: float = 1.0) -> Audio:
    return Audio(np.sin(2 * np.pi * hz * np.arange(round(16_000 * seconds)) / 16_000).astype(np.float32) / 2, 16_000)


def made_up(count: int = 240, speakers: int = 12) -> list[Utterance]:
    """Words that are right as often as a known law says."""
    random = np.random.default_rng(3)
    out: list[Utterance] = []
    for number in range(count):
        found = random.normal(0.5, 1.5, (8, len(EVIDENCE)))
        right = random.random(8) < probabilities(found, 0.3, np.array([1.0, 0.5, 0.0, 0.2, 0.0]))
        out.append(
            Utterance(f"c{number}", f"s{number % speakers}", "clear", ("word",) * 8, found, right, True, number % 3 > 0)
        )
    return out


@pytest.mark.parametrize(
    ("said", "heard", "right", "complete"),
    [
        ("Cache rules are hard.", ["Cash", "in", "rules", "are", "hard."], [False, False, True, True, True], True),
        ("It is fine.", ["It", "is", "fine", "–"], [True, True, True, True], True),
        ("It is fine.", ["It", "fine."], [True, True], False),
        ("你好吗", ["你", "号", "吗"], [True, False, True], True),
    ],
)
def test_words_are_right_that_were_said(said: str, heard: list[str], right: list[bool], complete: bool) -> None:
    language = "zh" if "你" in said else "en"
    assert matched_words(said, heard, language) == (right, complete)


def test_an_utterance_takes_its_tokens_from_the_segment() -> None:
    words = (Word("It", 0, 1, 0.5, 1), Word("works.", 1, 2, 0.5, 2))
    logprobs = tuple(TokenHeard((), math.log(each)) for each in (0.9, 0.8, 0.4))
    segment = Segment("It works.", 0, 2, "en", 1.0, 0.0, words, -0.2, token_logprobs=logprobs)
    made = utterance("c", "s", "clear", [segment], "It works.", "en", may_train=True)
    assert made.right.all()
    assert made.found[1, 0] == pytest.approx(np.log(0.6 / 0.4))
    assert made.found[1, 1] == pytest.approx(np.log(0.4 / 0.6))


def test_weights_are_found_again_that_made_the_facts() -> None:
    bias, weights = found_weights(made_up(2000))
    assert bias == pytest.approx(0.3, abs=0.1)
    assert weights == pytest.approx([1.0, 0.5, 0.0, 0.2, 0.0], abs=0.1)


def test_probabilities_that_fit_have_little_error_and_others_much() -> None:
    utterances = made_up()
    sure = unseen_probabilities(utterances)
    good = calibration(utterances, sure)
    bad = calibration(utterances, [np.full(len(p), 0.99) for p in sure])
    assert good.error.upper < 0.06
    assert bad.error.estimate > 0.25
    assert good.error.low <= good.error.estimate <= good.error.high
    assert good.ranking > 0.75
    assert bad.ranking == pytest.approx(0.5)
    assert sum(each.words for each in good.bins) == good.words == 240 * 8


def test_weights_of_a_speaker_are_found_without_it_and_without_closed_recordings() -> None:
    utterances = made_up()
    before = unseen_probabilities(utterances)
    for each in utterances:
        if each.speaker == "s0" or not each.may_train:
            each.right[:] = ~each.right  # what is said of s0 must not change by what is right of s0, nor by closed ones
    after = unseen_probabilities(utterances)
    own = [n for n, each in enumerate(utterances) if each.speaker == "s0"]
    assert all(np.allclose(before[n], after[n]) for n in own)


def test_marks_are_counted_where_all_is_right_and_where_a_word_that_matters_is_wrong() -> None:
    def one(right: list[bool]) -> Utterance:
        return Utterance("c", "s", "clear", ("rather", "is"), np.zeros((2, 5)), np.array(right), True, True)

    counted = marks(
        [one([True, True]), one([True, True]), one([False, True]), one([True, False])],
        [np.array([0.2, 0.9]), np.array([0.9, 0.1]), np.array([0.3, 0.9]), np.array([0.9, 0.9])],
    )
    assert (counted.right, counted.right_marked, counted.wrong, counted.wrong_marked) == (2, 1, 1, 1)


def test_babble_is_as_loud_as_it_should_be() -> None:
    audio, others = tone(440.0), [tone(hz) for hz in (200.0, 310.0, 620.0)]
    mixed = in_babble(audio, others, 6.0, np.random.default_rng(0))
    scale = float(np.dot(mixed.samples, audio.samples) / np.dot(audio.samples, audio.samples))
    noise = mixed.samples - scale * audio.samples
    snr_db = 10 * np.log10(np.mean((scale * audio.samples) ** 2) / np.mean(noise**2))
    assert snr_db == pytest.approx(6.0, abs=0.2)
    assert float(np.abs(mixed.samples).max()) <= 1.0
    with pytest.raises(ValueError, match="others"):
        in_babble(audio, [], 6.0, np.random.default_rng(0))


def trial(heard: str, answer: str, *, noisy: bool = True, told: bool = True, key: str = "cache invalidation") -> Trial:
    return Trial(key, f"What about {key}?", noisy, told, heard, answer)


@pytest.mark.parametrize(
    ("made", "built"),
    [
        (trial("Why is cash in validation hard?", "Cash is hard to count."), True),
        (trial("Why is cash in validation hard?", "Did you say cash in validation?"), False),
        (trial("Why is cash in validation hard?", "I'm not sure what you mean."), False),
        (trial("Why is cash in validation hard?", "Cache invalidation is hard since copies grow old."), False),
        (
            trial("Why is cache in validation hard?", "Because copies grow old."),
            False,
        ),  # only the words are divided otherwise
    ],
)
def test_an_answer_is_built_on_a_phantom_if_it_takes_it_for_said(made: Trial, built: bool) -> None:
    assert made.built_on_phantom is built


def test_questions_are_put_in_four_ways_and_counted() -> None:
    def ask(wav: bytes, told: bool) -> Answered:
        asked.append((wav, told))
        return Answered("Did you say that?" if told else "So it is.", "something else", None)

    asked: list[tuple[bytes, bool]] = []
    spoken = [tone(200.0 + number, 0.1) for number in range(len(questions()))]
    trials = put_questions(ask, spoken, seed=1)
    assert len(trials) == len(asked) == 4 * len(questions()) >= 240
    assert len({wav for wav, _ in asked}) == 2 * len(questions())  # with doubt told and not, the same recording
    found = outcome(trials)
    assert (found.misheard, found.built_untold, found.built_told) == (len(questions()), len(questions()), 0)
    assert (found.clear, found.needless) == (0, 0)


def test_asking_back_on_what_was_clear_is_needless() -> None:
    both = [
        trial("What about cache invalidation?", text, noisy=False, told=told)
        for text, told in (("Did you say so?", True), ("It is hard.", False))
    ]
    found = outcome(both)
    assert (found.clear, found.needless, found.misheard, found.rest) == (1, 1, 0, None)


def test_the_tables_and_the_drawing_tell_the_figures() -> None:
    utterances = made_up()
    whole = calibration(utterances, unseen_probabilities(utterances))
    report = DoubtReport(
        "2026-11-25",
        "machine",
        2,
        "whisper:whisper-base",
        0,
        {"bias": 1.0},
        whole,
        whole,
        None,
        outcome([trial("cash", "Cash.", told=told) for told in (True, False)]),
    )
    console = Console(file=io.StringIO(), width=200)
    for table in doubt_tables(report):
        console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "calibration error" in text
    assert "answers built on it" in text
    drawn = reliability_svg(whole)
    assert drawn.count("<circle") == sum(bool(each.words) for each in whole.bins)
    assert f"{whole.words} words" in drawn
