"""Run files: written line by line, read whole, taken up again after a kill, refused where they are something else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vivavoce.errors import InvalidValue, NotFound, TooBusy
from vivavoce.exam import papers
from vivavoce.exam.items import Item, Rotation, Sound, rotate
from vivavoce.exam.runner import FAILED
from vivavoce.exam.runs import Run, RunFile, Try, begin, read
from vivavoce.usage import Usage

RUN = Run(
    id="r1",
    label="one",
    model="m",
    base_url="http://127.0.0.1:1/v1",
    started="2026-11-25T10:00:00+00:00",
    tasks=("spoken-reasoning",),
    month="2026-11",
    seed=0,
    commit="abc",
    vivavoce="0.1.0",
)


def item(number: int, group: str = "change") -> Item:
    return Item(
        id=f"spoken-reasoning/{group}/{number}",
        task="spoken-reasoning",
        group=group,
        language="en",
        ask="How much is two and two?",
        key={"right": 4, "options": []},
        origin="synthetic",
        licence="Apache-2.0",
        checked_by="a test",
        sound=Sound(text="How much is two and two?", voice="espeak-ng:en-us+m3", surroundings="room", seed=number),
        facets={"voice": "espeak-ng:en-us+m3"},
    )


def tried(of: Item, mode: str = "typed", **more: object) -> Try:
    made = Try(
        of.id, of.task, mode, "2026-11-25T10:00:01+00:00", seconds=1.5, answer="Answer: 4", values={"right": 1.0}
    )
    return replace(made, **more)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, RUN, [item(1), item(2)])
    made = tried(item(1), usage=Usage(3, 10, 0, 4, 0), usd="0.0001", calls=(("f", "{}"),), heard="two")
    with RunFile(path) as file:
        file.add(made)
        file.end("done")
    record = read(path)
    assert record.run == RUN
    assert list(record.items.values()) == [item(1), item(2)]
    assert record.tries[0] == made
    assert record.ended == "done"


def test_a_line_cut_off_by_a_kill_is_dropped_and_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, RUN, [item(1), item(2)])
    with RunFile(path) as file:
        file.add(tried(item(1)))
        file.add(tried(item(1), "spoken"))
    with path.open("ab") as raw:
        raw.write(b'{"kind": "try", "item": "spoken-rea')
    assert len(read(path).tries) == 2
    with RunFile(path) as file:
        file.add(tried(item(2)))
    record = read(path)
    assert len(record.tries) == 3
    assert [(asked[1].id, asked[2]) for asked in papers.left(record)] == [(item(2).id, "spoken")]


def test_what_failed_is_left_to_ask_and_what_was_refused_is_not(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, RUN, [item(1)])
    with RunFile(path) as file:
        file.add(tried(item(1), finish=FAILED, values=None, unscored="no answer"))
        file.add(tried(item(1), "spoken", finish="refused", values=None, unscored="no"))
    assert [asked[2] for asked in papers.left(read(path))] == ["typed"]
    with RunFile(path) as file:
        file.add(tried(item(1)))
    record = read(path)
    assert papers.left(record) == []
    assert len(record.tries) == 2, "the later try of a question takes the place of the one that failed"


def test_two_sittings_do_not_write_one_run_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, RUN, [item(1)])
    with RunFile(path) as file:
        with pytest.raises(TooBusy, match="Another process is examining into"):
            RunFile(path)
        file.add(tried(item(1)))
    with RunFile(path) as file:
        file.end("done")
    assert read(path).ended == "done"


def test_a_run_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, RUN, [])
    with pytest.raises(InvalidValue, match="resume"):
        begin(path, RUN, [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "first line"),
        ('{"kind": "try"}\n', "line 1"),
        ("not json\n", "line 1"),
        ('{"kind": "run", "version": 99}\n', "format 99"),
        ('{"kind": "run", "version": 1, "strange": 1}\n', "line 1"),
        ('{"kind": "item", "sound": {"strange": 1}}\n', "no item"),
        ('{"kind": "try", "item": "nowhere", "task": "t", "mode": "typed", "asked_at": ""}\n', "line 1"),
    ],
)
def test_other_files_are_refused_with_the_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidValue, match=says):
        read(path)


def test_an_exam_of_another_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, replace(RUN, tasks=("juggling",)), [])
    with pytest.raises(NotFound, match="juggling"):
        papers.load(path)


def test_a_missing_run_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read(tmp_path / "none.jsonl")


def test_the_file_holds_no_key_and_every_line_is_json(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    begin(path, RUN, [item(1)])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["kind"] for row in rows] == ["run", "item"]
    assert not any("key" in name for name in rows[0])


POOL = [item(number, group) for group in ("change", "order", "sets") for number in range(40)]


def test_a_rotation_takes_turns_between_groups_and_is_the_same_each_time() -> None:
    chosen = rotate(POOL, Rotation("2026-11"), 30)
    assert chosen == rotate(list(reversed(POOL)), Rotation("2026-11"), 30)
    assert {group: sum(each.group == group for each in chosen) for group in ("change", "order", "sets")} == {
        "change": 10,
        "order": 10,
        "sets": 10,
    }


def test_months_and_seeds_choose_other_items() -> None:
    november = {each.id for each in rotate(POOL, Rotation("2026-11"), 30)}
    assert november != {each.id for each in rotate(POOL, Rotation("2026-12"), 30)}
    assert november != {each.id for each in rotate(POOL, Rotation("2026-11", 1), 30)}
    assert len(rotate(POOL, Rotation("2026-11"), 0)) == len(POOL)
