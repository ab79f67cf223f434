"""Where the language changes: from what stretches sound like to spans, and which reading is kept. No model."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ
from vivavoce.listen.base import Heard, LanguageSpan, ListenOptions, Segment
from vivavoce.listen.decoding import LanguagePolicy, Languages
from vivavoce.listen.language_spans import SwitchingPolicy, denied, pieces, slices, spans, unsure
from vivavoce.listen.recording import Recording, noted
from vivavoce.listen.switching import reads_better
from vivavoce.listen.windows import Window

POLICY = SwitchingPolicy()


def sounds(*likely: tuple[str, float]) -> Languages:
    """The rest goes to a language that nobody speaks here."""
    return (*likely, ("xx", max(0.0, 1.0 - sum(probability for _, probability in likely))))


GERMAN, ENGLISH, POLISH = sounds(("de", 0.97)), sounds(("en", 0.98)), sounds(("pl", 0.96))
TORN = sounds(("nl", 0.45), ("de", 0.4))


@pytest.mark.parametrize(
    ("found", "path"),
    [
        ([GERMAN, GERMAN, GERMAN], ["de"]),
        ([GERMAN, ENGLISH], ["de", "en"]),
        ([ENGLISH, GERMAN, GERMAN, ENGLISH], ["en", "de", "en"]),
        ([GERMAN, ENGLISH, GERMAN], ["de", "en", "de"]),
        ([GERMAN, ENGLISH, POLISH, POLISH], ["de", "en", "pl"]),
        ([GERMAN, TORN, GERMAN], ["de"]),
        ([sounds(("nl", 0.65)), ENGLISH], ["nl", "en"]),
        ([GERMAN, sounds(("la", 0.7), ("de", 0.2))], ["de"]),
        ([sounds(("la", 0.6), ("it", 0.3))], ["it"]),
    ],
)
def test_a_change_must_be_worth_it(found: list[Languages], path: list[str]) -> None:
    parts = [(2.0 * number, 2.0 * number + 2.0) for number in range(len(found))]
    told = spans(parts, found, POLICY, LanguagePolicy())
    assert [span.language for span in told] == path
    assert (told[0].start_s, told[-1].end_s) == (0.0, 2.0 * len(found))
    assert all(before.end_s == after.start_s for before, after in pairwise(told))


def test_a_short_piece_weighs_less_than_a_long_one() -> None:
    doubtful = sounds(("en", 0.6), ("de", 0.03))
    for seconds, path in ((1.5, ["de", "en"]), (0.8, ["de"])):
        told = spans([(0.0, 3.0), (3.0, 3.0 + seconds)], [GERMAN, doubtful], POLICY, LanguagePolicy())
        assert [span.language for span in told] == path


def test_a_span_is_as_sure_as_its_seconds_are() -> None:
    [told] = spans([(0.0, 3.0), (3.0, 4.0)], [GERMAN, sounds(("de", 0.57))], POLICY, LanguagePolicy())
    assert told.probability == pytest.approx((3 * 0.97 + 0.57) / 4)


def test_speech_is_cut_where_it_is_quiet() -> None:
    sound = np.random.default_rng(0).standard_normal(6 * LISTEN_RATE_HZ).astype(np.float32)
    for at_s in (2.0, 4.1):
        sound[round(at_s * LISTEN_RATE_HZ) : round((at_s + 0.15) * LISTEN_RATE_HZ)] *= 0.01
    cut = pieces(sound, (0.0, 6.0), POLICY)
    assert [end_s for _, end_s in cut] == pytest.approx([2.07, 4.17, 6.0], abs=0.1)
    assert cut[0][0] == 0.0
    assert all(before[1] == after[0] for before, after in pairwise(cut))


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.4, 2.6, 7.3, 15.0])
def test_no_piece_is_shorter_or_longer_than_it_may_be(seconds: float) -> None:
    sound = np.random.default_rng(1).standard_normal(16 * LISTEN_RATE_HZ).astype(np.float32)
    cut = pieces(sound, (0.5, 0.5 + seconds), POLICY)
    assert (cut[0][0], cut[-1][1]) == (0.5, 0.5 + seconds)
    lengths_s = [end_s - start_s for start_s, end_s in cut]
    assert max(lengths_s) <= POLICY.piece_s + 1e-9
    assert len(cut) == 1 or min(lengths_s) >= POLICY.least_s - 0.02


def test_only_long_speech_is_sliced_and_all_of_it() -> None:
    assert slices((0.0, 4.9), POLICY) == []
    for end_s in (5.0, 9.7, 15.0):
        cut = slices((0.4, end_s + 0.4), POLICY)
        assert (cut[0][0], cut[-1][1]) == pytest.approx((0.4, end_s + 0.4))
        assert [end - start for start, end in cut] == pytest.approx([POLICY.slice_s] * len(cut))
        assert all(after[0] - before[0] <= 1.5 * POLICY.hop_s for before, after in pairwise(cut))


def test_what_calls_for_a_closer_look() -> None:
    assert unsure(sounds(("de", 0.89)), POLICY)
    assert not unsure(sounds(("de", 0.91)), POLICY)
    assert denied("de", [GERMAN, TORN, ENGLISH], POLICY)
    assert not denied("de", [GERMAN, TORN], POLICY)


def test_a_window_is_parted_without_a_gap_and_its_pauses_are_no_speech() -> None:
    window = Window(1.0, 11.0, 0.9, 1.5, 10.5, ((3.0, 3.4), (5.9, 6.3), (8.0, 8.2)))
    first, second = window.parted([6.0])
    assert (first.start_s, first.end_s, second.start_s, second.end_s) == (1.0, 6.0, 6.0, 11.0)
    assert (first.speech_start_s, first.speech_end_s) == (1.5, 5.9)
    assert (second.speech_start_s, second.speech_end_s) == (6.3, 10.5)
    assert (first.pauses, second.pauses) == (((3.0, 3.4),), ((8.0, 8.2),))
    assert window.parted([]) == [window]


def said(text: str, language: str, mean: float, sure: float, start_s: float = 0.0, end_s: float = 1.0) -> Segment:
    tokens = tuple(range(len(text.split())))
    return Segment(text, start_s, end_s, language, sure, 0.0, mean_log_probability=mean, tokens=tokens)


WHOLE = said("die Küche is open", "de", -0.5, 0.7)
PARTS = [said("die Küche", "de", -0.2, 0.95), said("is open", "en", -0.3, 0.95)]


@pytest.mark.parametrize(
    ("parts", "whole", "better"),
    [
        (PARTS, WHOLE, True),
        (PARTS, replace(WHOLE, mean_log_probability=-0.1, language_probability=0.95), False),
        ([replace(part, language_probability=0.4) for part in PARTS], replace(WHOLE, mean_log_probability=-0.3), False),
        (PARTS, said("die Küche", "de", -0.1, 0.95), True),
        (PARTS[:1], WHOLE, False),
        ([PARTS[0], replace(PARTS[1], text="", language=None)], WHOLE, False),
        ([PARTS[0], replace(PARTS[1], language="de")], WHOLE, False),
        (PARTS, replace(WHOLE, text=""), True),
    ],
)
def test_parts_are_kept_where_they_read_better(parts: list[Segment], whole: Segment, better: bool) -> None:
    assert reads_better(parts, whole, POLICY) is better


def test_a_recording_goes_on_in_the_language_that_it_was_in_last() -> None:
    recording = Recording(np.zeros(1, np.float32), np.float32(1.0), ListenOptions(), long=False)
    assert noted(recording, PARTS) == PARTS
    assert (recording.language, recording.heard) == ("en", 1)
    assert noted(recording, [Segment("", 0.0, 1.0, None, 0.0, 0.7)]) == []
    assert (recording.language, recording.heard, recording.no_speech_probability) == ("en", 2, 0.7)


def test_spans_join_neighbours_of_one_language() -> None:
    segments = [
        said("Guten Tag.", "de", -0.1, 0.9, 0.0, 1.0),
        said("Wie geht es?", "de", -0.1, 0.9, 1.0, 2.5),
        said("See you!", "en", -0.1, 0.9, 2.6, 3.4),
        said("早上", "zh", -0.1, 0.9, 3.5, 4.0),
        said("好", "zh", -0.1, 0.9, 4.0, 4.5),
    ]
    heard = Heard.of(segments, 5.0)
    assert heard.languages == (
        LanguageSpan("de", 0.0, 2.5, "Guten Tag. Wie geht es?"),
        LanguageSpan("en", 2.6, 3.4, "See you!"),
        LanguageSpan("zh", 3.5, 4.5, "早上好"),
    )
    assert Heard.of([Segment("", 0.0, 1.0, None, 0.0, 0.9)], 1.0).languages == ()
