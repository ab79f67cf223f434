"""Where recordings are cut: pure policy, fed with made-up speech probabilities."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.listen.base import Chunking
from vivavoce.listen.windows import Window, WindowPlanner, WindowPolicy, best_cut, chunked, encoder_s, pauses_in

FRAME_S = 0.032


def frames(seconds: float, probability: float) -> list[float]:
    return [probability] * round(seconds / FRAME_S)


def plan(probabilities: list[float], policy: WindowPolicy | None = None) -> list[Window]:
    planner = WindowPlanner(policy or WindowPolicy(), FRAME_S)
    return planner.feed(probabilities) + planner.finish()


def test_silence_makes_no_window() -> None:
    assert plan(frames(60, 0.05)) == []


def test_one_utterance_keeps_its_margins() -> None:
    [window] = plan(frames(3, 0.02) + frames(2, 0.95) + frames(5, 0.02))
    assert window.start_s == pytest.approx(3 - 0.5, abs=0.05)
    assert window.end_s == pytest.approx(5 + 0.5, abs=0.05)
    assert window.peak == 0.95


def test_speech_up_to_the_very_end_is_kept() -> None:
    [window] = plan(frames(2, 0.9))
    assert window.start_s == 0.0
    assert window.end_s >= 2.0 - FRAME_S


def test_a_short_pause_does_not_end_a_window_and_a_long_one_does() -> None:
    policy = WindowPolicy(gap_s=2.0)
    assert len(plan(frames(2, 0.9) + frames(1, 0.01) + frames(2, 0.9), policy)) == 1
    assert len(plan(frames(2, 0.9) + frames(3, 0.01) + frames(2, 0.9), policy)) == 2


def test_long_speech_is_cut_in_its_pause() -> None:
    policy = WindowPolicy(max_s=20.0)
    windows = plan(frames(13, 0.9) + frames(0.6, 0.01) + frames(13, 0.9), policy)
    assert len(windows) == 2
    assert 13.0 <= windows[0].end_s <= 13.7


def test_speech_without_any_pause_is_still_cut() -> None:
    policy = WindowPolicy(max_s=20.0)
    windows = plan(frames(100, 0.9), policy)
    assert len(windows) >= 5
    assert all(window.duration_s <= policy.max_s + 0.1 for window in windows)


def test_best_cut_prefers_the_longer_pause() -> None:
    probabilities = np.array([0.9] * 50 + [0.0] * 3 + [0.9] * 50 + [0.0] * 15 + [0.9] * 50, np.float32)
    assert 103 <= best_cut(probabilities, 0, len(probabilities), 9) <= 118


@pytest.mark.parametrize(("duration_s", "expected_s"), [(0.1, 10.0), (9.0, 10.0), (12.0, 13.0), (29.5, 30.0)])
def test_the_encoder_sees_speech_and_trailing_silence_but_never_more_than_it_can(
    duration_s: float, expected_s: float
) -> None:
    assert encoder_s(duration_s, WindowPolicy(min_encoder_s=10.0, trailing_s=1.0)) == pytest.approx(expected_s)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 25.0), st.sampled_from([0.02, 0.2, 0.5, 0.95])), min_size=1, max_size=12))
def test_windows_cover_all_speech_in_order_and_stay_short(stretches: list[tuple[float, float]]) -> None:
    policy = WindowPolicy()
    probabilities = [p for seconds, value in stretches for p in frames(seconds, value)]
    planner = WindowPlanner(policy, FRAME_S)
    windows: list[Window] = []
    for first in range(0, len(probabilities), 100):
        windows += planner.feed(probabilities[first : first + 100])
    windows += planner.finish()
    for before, after in pairwise(windows):
        assert before.end_s <= after.start_s + 1e-9
    for window in windows:
        assert 0 < window.duration_s <= policy.max_s + 0.1
    for index, probability in enumerate(probabilities):
        if probability >= policy.speech_probability:
            middle_s = (index + 0.5) * FRAME_S
            assert any(window.start_s <= middle_s <= window.end_s for window in windows)


@pytest.mark.parametrize(
    ("probabilities", "pauses"),
    [
        ([], []),
        ([0.9] * 5, []),
        ([0.1] * 5, [(0, 5)]),
        ([0.9, 0.1, 0.1, 0.1, 0.9], [(1, 4)]),
        ([0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1], [(0, 3), (7, 10)]),
    ],
)
def test_pauses_are_long_stretches_below_the_threshold(
    probabilities: list[float], pauses: list[tuple[int, int]]
) -> None:
    assert pauses_in(probabilities, 0.3, 3) == pauses


def test_a_window_knows_its_pauses() -> None:
    [window] = plan(frames(1, 0.0) + frames(2, 0.9) + frames(0.8, 0.05) + frames(2, 0.9))
    [(start_s, end_s)] = window.pauses
    assert (start_s, end_s) == (pytest.approx(3.0, abs=0.05), pytest.approx(3.8, abs=0.05))


@pytest.mark.parametrize("silence_s", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("padding_s", [None, 0.0, 3.0])
def test_chunks_hold_all_speech_and_never_overlap(silence_s: float, padding_s: float | None) -> None:
    policy = chunked(WindowPolicy(), Chunking(threshold=0.5, silence_s=silence_s, padding_s=padding_s))
    pieces = [(0.7, 1.3), (0.7, 0.4), (0.7, 2.0), (0.7, 0.9)]
    probabilities = [p for quiet_s, loud_s in pieces for p in frames(quiet_s, 0.02) + frames(loud_s, 0.9)]
    windows = plan(probabilities, policy)
    assert len(windows) == len(pieces)
    assert all(one.end_s <= two.start_s for one, two in pairwise(windows))
    assert all(window.start_s <= window.speech_start_s < window.speech_end_s <= window.end_s for window in windows)
    assert sum(w.speech_end_s - w.speech_start_s for w in windows) == pytest.approx(4.6, abs=0.2)


def test_a_threshold_that_nothing_reaches_finds_nothing() -> None:
    assert plan(frames(3, 0.9), chunked(WindowPolicy(), Chunking(threshold=0.95))) == []
