"""Leaderboards and verdicts: ranks in groups, rotations flagged; and runs as others read them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from vivavoce.exam.board import leaderboard, verdicts
from vivavoce.exam.exporting import as_csv, as_json, publish
from vivavoce.exam.items import Item, Sound
from vivavoce.exam.runs import Record, Run, Try, read

NAME = "spoken-reasoning"
RUN = Run("r", "one", "m", "http://127.0.0.1/v1", "2026-11-01T00:00:00+00:00", (NAME,), "2026-11", 0, "abc", "0.1")


def record(
    label: str, rights: Sequence[bool], day: int = 1, first: int = 0, folder: Path = Path(), **more: object
) -> Record:
    started = f"2026-11-{day:02d}T00:00:00+00:00"
    name = re.sub(r"\W", "", label)
    run = replace(RUN, id=f"{name}-{day}", label=label, model=label, started=started, **more)
    items: dict[str, Item] = {}
    tries: list[Try] = []
    for number, right in enumerate(rights, start=first):
        name = f"{NAME}/change/{number}"
        sound = Sound(made="noise", duration_s=0.2, seed=number)
        items[name] = Item(
            name, NAME, "change", "en", "How much?", {"right": 4, "options": []}, "synthetic", "", "", sound
        )
        for mode in ("typed", "spoken"):
            made = Try(name, NAME, mode, started, 1.0, "Answer: 4", usd="0.01", values={"right": float(right)})
            tries.append(replace(made, question_s=2.0, question_sha256=f"{number:064x}") if mode == "spoken" else made)
    return Record(folder / f"{run.id}.jsonl", run, items, tries)


def test_those_that_cannot_be_told_apart_share_a_rank() -> None:
    good, alike, bad = [True] * 38 + [False] * 2, [False] * 2 + [True] * 37 + [False], [False] * 30 + [True] * 10
    found = leaderboard([record("bad", bad), record("good", good), record("alike", alike)], NAME)
    assert [(each.run.label, each.rank) for each in found.standings] == [("good", 1), ("alike", 1), ("bad", 3)]
    assert found.mixed == []


def test_previews_are_outside_the_average() -> None:
    found = leaderboard(
        [record("a", [True] * 10), record("b", [False] * 10), record("p", [True] * 10, preview=True)], NAME
    )
    assert found.average == 50.0


def test_a_run_without_a_score_has_no_rank() -> None:
    none = record("none", [True] * 6)
    none = replace(none, tries=[replace(made, values=None, unscored="no") for made in none.tries])
    found = leaderboard([none, record("some", [False] * 6)], NAME)
    assert [(each.run.label, each.rank) for each in found.standings] == [("some", 1), ("none", None)]


def test_other_rotations_are_flagged() -> None:
    found = leaderboard([record("a", [True] * 10), record("b", [True] * 10, first=5, month="2026-12")], NAME)
    assert any("different rotations (2026-11/0, 2026-12/0)" in sentence for sentence in found.mixed)
    assert any("5 are shared" in sentence for sentence in found.mixed)


def test_other_sounds_are_flagged() -> None:
    other = record("b", [True] * 10)
    other = replace(
        other, tries=[replace(made, question_sha256=made.question_sha256 and "f" * 64) for made in other.tries]
    )
    found = leaderboard([record("a", [True] * 10), other], NAME)
    assert any("10 items sounded different" in sentence for sentence in found.mixed)


def test_other_loads_are_flagged_where_times_are_compared() -> None:
    def timed(label: str, concurrency: int) -> Record:
        one = record(label, [True] * 6, concurrency=concurrency)
        items = {name: replace(item, task="speed") for name, item in one.items.items()}
        tries = [replace(made, task="speed", values={"first_sound_s": 1.0}) for made in one.tries]
        return replace(one, items=items, tries=tries)

    assert "as many questions at once as 1, 4" in leaderboard([timed("a", 1), timed("b", 4)], "speed").mixed[-1]
    assert leaderboard([timed("a", 4), timed("b", 4)], "speed").mixed == []


@pytest.mark.parametrize(
    ("later", "change"),
    [([True] * 40, "improved"), ([False] * 40, "regressed"), ([True] * 20 + [False] * 20, "stable")],
)
def test_a_verdict_compares_with_the_first_run_in_two_sentences(later: list[bool], change: str) -> None:
    first = [True] * 20 + [False] * 20
    found = verdicts([record("m", later, day=9), record("m", first, day=2)])
    assert [each.change for each in found] == ["baseline", change]
    for each in found:
        assert len(re.findall(r"\.(?= |$)", each.words)) == 2, each.words
        assert "n = 40" in each.words
    assert "2026-11-02" in found[1].words
    assert "over the same items" in found[1].words


def test_cost_and_seconds_stand_beside() -> None:
    [standing] = leaderboard([record("a", [True] * 10)], NAME).standings
    assert float(standing.usd or 0) == pytest.approx(0.2)
    assert standing.median_s == 1.0
    assert standing.usd_per_hour is None, "half of it was typed"


def test_figures_are_stated_by_group_and_voice_beside_the_whole() -> None:
    one = record("a", [True] * 4 + [False] * 4)
    items = [
        replace(item, group="change" if number % 2 else "order", facets={"voice": "a"} if number < 4 else {})
        for number, item in enumerate(one.items.values())
    ]
    [standing] = leaderboard([replace(one, items={item.id: item for item in items})], NAME).standings
    assert {value: figure.n for value, figure in standing.groups["group"].items()} == {"change": 4, "order": 4}
    assert standing.groups["group: solved when typed"]["order"].estimate == 50.0
    assert standing.groups["voice"]["a"].estimate == 100.0, "also where it is the only one, of some of the items"
    assert "surroundings" not in standing.groups
    assert list(leaderboard([one], NAME).standings[0].groups) == [], "one group that is the whole says nothing"


def test_one_unknown_price_makes_the_whole_unknown() -> None:
    some = record("a", [True] * 5)
    some = replace(some, tries=[replace(some.tries[0], usd=None), *some.tries[1:]])
    assert leaderboard([some], NAME).standings[0].usd is None


@pytest.mark.parametrize("file", ["de/recorded.wav", "/home/me/recorded.wav"])
def test_what_is_published_has_all_figures_and_no_words_of_others(tmp_path: Path, file: str) -> None:
    one = record("one", [True, False, True])
    names = list(one.items)
    sound = Sound(file=file, sha256="0")
    recorded = replace(one.items[names[0]], ask="their words", key="their words", sound=sound)
    tries = [
        replace(made, answer="their words", heard="their words") if made.item == names[0] else made
        for made in one.tries
    ]
    one = replace(one, items={**one.items, names[0]: recorded}, tries=tries, ended="done")
    publish(one, tmp_path / "public.jsonl")
    public = read(tmp_path / "public.jsonl")
    assert json.loads(as_json(public))["tasks"] == json.loads(as_json(one))["tasks"]
    assert [made for made in public.tries if made.item != names[0]] == [m for m in one.tries if m.item != names[0]]
    assert "in 1 recordings of others" in public.run.note
    assert public.ended == "done"
    text = (tmp_path / "public.jsonl").read_text()
    assert "recorded.wav" in text
    assert "their words" not in text
    assert "/home" not in text


def test_a_run_is_exported_try_by_try_and_figure_by_figure() -> None:
    one = record("one", [True, False])
    one = replace(
        one, tries=[replace(one.tries[0], answer="=HYPERLINK(1)"), replace(one.tries[1], values=None), *one.tries[2:]]
    )
    rows = list(csv.DictReader(io.StringIO(as_csv(one))))
    assert [row["value.right"] for row in rows] == ["1.0", "", "0.0", "0.0"]
    assert rows[0]["answer"] == "'=HYPERLINK(1)"
    figures = json.loads(as_json(one))["tasks"][NAME]["figures"]
    assert (figures[0]["n"], figures[0]["unscored"]) == (1, 1)
