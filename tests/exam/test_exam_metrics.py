"""Figures: always with n and bounds, unscored beside them and never as 0, nothing claimed where there is too little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from vivavoce.exam.items import Item
from vivavoce.exam.metrics import LEAST_TYPED, Drop, Figure, Gain, Middle, Ratio, Tried, difference, late
from vivavoce.exam.runs import Try

RIGHT = Ratio("right", "right", "right", better="higher")
WER = Ratio("wer", "word errors", "errors", "words", better="lower")


def tried(name: str, mode: str = "spoken", values: dict[str, float] | None = None, **more: object) -> Tried:
    item = Item(name, "t", "g", "en", "", None, "synthetic", "", "")
    return item, Try(name, "t", mode, "now", values=values, **more)


def shares(rights: Sequence[float], mode: str = "spoken") -> list[Tried]:
    return [tried(str(number), mode, {"right": right}) for number, right in enumerate(rights)]


def test_a_share_has_bounds_also_where_all_are_right() -> None:
    figure = RIGHT.figure(shares([1.0] * 20))
    assert (figure.estimate, figure.n) == (100.0, 20)
    assert figure.low is not None
    assert 80 < figure.low < 90, "Wilson's bound of 20 of 20 is 83.9 %"


def test_a_rate_is_all_errors_over_all_words() -> None:
    figure = WER.figure([tried("a", values={"errors": 1, "words": 2}), tried("b", values={"errors": 0, "words": 8})])
    assert figure.estimate == pytest.approx(10.0)
    assert figure.low is None, "two items are too few for bounds"


def test_a_rate_may_be_of_people_alone() -> None:
    person, voice = tried("a", values={"errors": 1, "words": 2}), tried("b", values={"errors": 8, "words": 8})
    person = replace(person[0], origin="human"), person[1]
    people = Ratio("wer", "word errors", "errors", "words", origin="human")
    assert people.figure([person, voice, tried("c", values=None)]).estimate == pytest.approx(50.0)
    assert people.figure([person, voice, tried("c", values=None)]).unscored == 0
    assert people.figure([voice]).withheld


def test_what_is_unscored_is_beside_and_not_in_a_figure() -> None:
    figure = RIGHT.figure([*shares([1.0, 1.0]), tried("x", values=None, unscored="no answer")])
    assert (figure.estimate, figure.n, figure.unscored) == (100.0, 2, 1)


def test_nothing_scored_is_no_figure_rather_than_0() -> None:
    figure = RIGHT.figure([tried("x", values=None)])
    assert (figure.estimate, figure.n, figure.unscored) == (None, 0, 1)
    assert figure.withheld


def pairs(typed: Sequence[float], spoken: Sequence[float]) -> Figure:
    return Drop("drop", "lost", "right").figure([*shares(typed, "typed"), *shares(spoken, "spoken")])


def test_the_drop_is_relative_and_paired() -> None:
    figure = pairs([1.0] * 8 + [0.0] * 2, [1.0] * 6 + [0.0] * 4)
    assert figure.estimate == pytest.approx(25.0)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 25.0 < figure.high


def test_no_drop_is_claimed_where_little_is_solved_when_typed() -> None:
    assert pairs([1.0] * 3 + [0.0] * 7, [0.0] * 10).estimate is None
    assert pairs([1.0] * 4 + [0.0] * 6, [0.0] * 10).estimate == pytest.approx(100.0)
    assert pytest.approx(0.4) == LEAST_TYPED


def test_only_items_put_both_ways_are_in_a_drop() -> None:
    figure = Drop("drop", "lost", "right").figure([*shares([1.0] * 3, "typed"), *shares([1.0] * 2, "spoken")])
    assert figure.n == 2


def test_a_drop_may_be_of_one_group() -> None:
    drop = Drop("drop", "lost", "right", group="h")
    assert drop.figure([*shares([1.0] * 3, "typed"), *shares([0.0] * 3)]).withheld
    own = [(replace(item, group="h"), made) for item, made in [*shares([1.0] * 4, "typed"), *shares([0.0, 1.0] * 2)]]
    assert drop.figure([*own, *shares([1.0] * 9)]).estimate == pytest.approx(50.0)


def test_what_the_voice_adds_is_in_points_and_paired() -> None:
    gain = Gain("gain", "gained", "right")
    figure = gain.figure([*shares([0.0] * 32 + [1.0] * 8, "typed"), *shares([1.0] * 28 + [0.0] * 12)])
    assert (figure.estimate, figure.n, figure.unit) == (pytest.approx(50.0), 40, "points")
    assert figure.low is not None
    assert figure.high is not None
    assert 0 < figure.low < 50 < figure.high
    assert gain.figure(shares([1.0])).withheld


def test_a_median_is_of_seconds_or_of_a_value() -> None:
    tries = [tried(str(n), seconds=float(n), values={"pace": 10.0 * n}) for n in range(1, 6)]
    assert Middle("s", "seconds").figure(tries).estimate == 3.0
    assert Middle("p", "pace", "pace").figure(tries).estimate == 30.0


def test_a_95th_percentile_is_stated_of_sixty_values() -> None:
    wait = late("p95", "wait", "first_sound_s")
    tries = [tried(str(n), values={"first_sound_s": n / 10}) for n in range(1, 61)]
    few = wait.figure(tries[:59])
    assert (few.estimate, few.withheld) == (None, "n = 59, and 60 are asked for")
    figure = wait.figure(tries)
    assert figure.estimate == pytest.approx(5.705)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < 5.705 < figure.high <= 6.0


def test_two_runs_differ_where_the_paired_interval_leaves_out_0() -> None:
    sure = difference(RIGHT, shares([1.0] * 40), shares([0.0] * 20 + [1.0] * 20))
    assert sure is not None
    assert (sure.paired, sure.sure, sure.estimate) == (True, True, pytest.approx(50.0))
    unsure = difference(RIGHT, shares([1.0] * 20 + [0.0] * 20), shares([0.0, *[1.0] * 20, *[0.0] * 19]))
    assert unsure is not None
    assert not unsure.sure


def test_other_items_or_sounds_are_not_paired() -> None:
    later = [tried(f"other-{n}", values={"right": 1.0}) for n in range(20)]
    found = difference(RIGHT, later, shares([0.0] * 20))
    assert found is not None
    assert not found.paired
    sounds = [tried(str(n), values={"right": 1.0}, question_sha256="other voice") for n in range(20)]
    found = difference(RIGHT, sounds, shares([1.0] * 20))
    assert found is not None
    assert not found.paired


def test_other_words_under_an_old_id_are_not_paired() -> None:
    now = [(replace(item, ask="other words"), made) for item, made in shares([1.0] * 20, "typed")]
    found = difference(RIGHT, now, shares([1.0] * 20, "typed"))
    assert found is not None
    assert not found.paired


def test_there_is_no_difference_to_nothing() -> None:
    assert difference(RIGHT, shares([1.0]), [tried("x", values=None)]) is None
