"""DER by hand: what is missed, made up, confused and overlapped; names mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.exam.endpoint import Reply, Turn
from vivavoce.exam.subjects.speakers import TASK, diarisation_errors, rttm
from vivavoce.exam.tasks import Sources

AB: list[Turn] = [(0.0, 4.0, "a"), (4.0, 10.0, "b")]


@pytest.mark.parametrize(
    ("found", "error_s"),
    [
        (AB, 0.0),
        ([(0.0, 4.0, "x"), (4.0, 10.0, "y")], 0.0),
        ([(0.0, 4.0, "b"), (4.0, 10.0, "a")], 0.0),
        ([], 10.0),
        ([(0.0, 10.0, "x")], 4.0),
        ([(0.0, 5.0, "x"), (5.0, 10.0, "y")], 1.0),
        ([*AB, (2.0, 3.0, "c")], 1.0),
        ([(0.0, 4.0, "x"), (4.0, 7.0, "y"), (7.0, 10.0, "z")], 3.0),
        ([*AB, (10.0, 12.0, "b")], 2.0),
        ([(0.0, 4.0, "x"), (4.0, 10.0, "y"), (50.0, 60.0, "y")], 0.0),
    ],
)
def test_errors_are_counted_in_seconds(found: list[Turn], error_s: float) -> None:
    assert diarisation_errors(AB, found, 12.0) == (pytest.approx(error_s), pytest.approx(10.0))


def test_overlap_counts_for_each_speaker() -> None:
    both: list[Turn] = [(0.0, 4.0, "a"), (2.0, 4.0, "b")]
    assert diarisation_errors(both, [(0.0, 4.0, "x")], 4.0) == (pytest.approx(2.0), pytest.approx(6.0))


def test_many_names_are_no_trouble() -> None:
    found: list[Turn] = [(n / 10, (n + 1) / 10, str(n)) for n in range(100)]
    error_s, _ = diarisation_errors(AB, found, 10.0)
    assert error_s == pytest.approx(9.8)


def test_rttm_is_read() -> None:
    assert rttm("SPEAKER m 1 1.5 2.0 <NA> <NA> A <NA> <NA>\n;; a remark\n") == [(1.5, 3.5, "A")]


@pytest.mark.shared
def test_the_truth_of_recordings_scores_nothing_against_itself(shared_speech: Path) -> None:
    pool = TASK.pool(Sources((), shared_speech / "manifest.jsonl"))
    assert len(pool) > 5
    for item in pool:
        turns = tuple((start, end, name) for start, end, name in item.key["turns"])
        found = TASK.score(item, Reply("", 1.0, turns=turns))
        assert found.values is not None
        assert found.values["error_s"] == 0.0
        assert found.values["counted"] == 1.0
