"""A folder of runs as it may be: empty, growing, cut off, of a later version, hostile. Nothing of it raises."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from invented_runs import write_run

from vivavoce.board.library import Library


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def rewrite(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.parametrize("folder", [None, Path("/nowhere/at/all")])
def test_no_folder_is_an_empty_one(folder: Path | None) -> None:
    shelf = Library(folder).shelf()
    assert (shelf.runs, shelf.unreadable) == ((), ())


def test_files_are_read_once_until_they_change(tmp_path: Path) -> None:
    write_run(tmp_path / "a.jsonl", "a", exams=("safety",), items=4)
    write_run(tmp_path / "b.jsonl", "b", exams=("safety",), items=4)
    library = Library(tmp_path)
    first = library.shelf()
    assert library.shelf() is first
    write_run(tmp_path / "b.jsonl", "b", exams=("safety",), items=6)
    second = library.shelf()
    by_label = {run.run.label: run for run in second.runs}
    assert by_label["a"] is next(run for run in first.runs if run.run.label == "a")
    assert len(by_label["b"].record.tries) > 4
    (tmp_path / "a.jsonl").unlink()
    assert [run.run.label for run in library.shelf().runs] == ["b"]


def test_a_run_that_is_cut_off_shows_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write_run(path, "one", exams=("safety",), items=8)
    whole = Library(tmp_path).shelf().runs[0]
    os.truncate(path, path.stat().st_size - 400)
    [run] = Library(tmp_path).shelf().runs
    assert 0 < len(run.record.tries) < len(whole.record.tries)
    assert run.record.ended == ""


def _no_time(rows: list[dict[str, Any]]) -> None:
    rows[0]["started"] = "yesterday"


def _no_zone(rows: list[dict[str, Any]]) -> None:
    rows[0]["started"] = "2026-11-25T20:00:00"


def _later(rows: list[dict[str, Any]]) -> None:
    rows[0]["version"] = 99


def _number_for_label(rows: list[dict[str, Any]]) -> None:
    rows[0]["label"] = 7


def _text_for_value(rows: list[dict[str, Any]]) -> None:
    rows[-2]["values"] = {"right": "yes"}


def _endless(rows: list[dict[str, Any]]) -> None:
    rows[-2]["seconds"] = float("inf")


def _no_money(rows: list[dict[str, Any]]) -> None:
    rows[-2]["usd"] = "a lot"


def _unknown_item(rows: list[dict[str, Any]]) -> None:
    rows[-2]["item"] = "none"


def _list_for_facets(rows: list[dict[str, Any]]) -> None:
    rows[1]["facets"] = ["voice"]


def _answer_of_numbers(rows: list[dict[str, Any]]) -> None:
    rows[-2]["answer"] = 42


BROKEN = [_no_time, _no_zone, _later, _number_for_label, _text_for_value, _endless, _no_money, _unknown_item]
BROKEN += [_list_for_facets, _answer_of_numbers]


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda each: each.__name__.strip("_"))
def test_what_cannot_be_read_is_named_beside_the_rest(tmp_path: Path, breaks: Any) -> None:
    write_run(tmp_path / "good.jsonl", "good", exams=("safety",), items=4)
    path = tmp_path / "bad.jsonl"
    write_run(path, "bad", exams=("safety",), items=4)
    rows = rows_of(path)
    breaks(rows)
    rewrite(path, rows)
    shelf = Library(tmp_path).shelf()
    assert [run.run.label for run in shelf.runs] == ["good"]
    [unreadable] = shelf.unreadable
    assert unreadable.name == "bad.jsonl"
    assert unreadable.why.endswith((".", ")")) or unreadable.why
    assert str(tmp_path) not in unreadable.why


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{", b"[1]\n", b'"text"\n', b"\xff\xfe\x00\n", b"null\n", b"{}\n"])
def test_files_that_are_no_run_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.jsonl").write_bytes(content)
    shelf = Library(tmp_path).shelf()
    assert shelf.runs == ()
    assert [each.name for each in shelf.unreadable] == ["odd.jsonl"]


def test_exams_that_this_version_lacks_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write_run(path, "one", exams=("safety",), items=4)
    rows = rows_of(path)
    rows[0]["tasks"].append("juggling")
    rewrite(path, rows)
    [run] = Library(tmp_path).shelf().runs
    assert list(run.run.tasks) == ["safety"]
    assert "juggling" in run.run.note


def test_of_copies_the_longest_is_shown(tmp_path: Path) -> None:
    write_run(tmp_path / "a.jsonl", "one", exams=("safety",), items=8)
    shutil.copy(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    os.truncate(tmp_path / "a.jsonl", (tmp_path / "a.jsonl").stat().st_size - 900)
    shelf = Library(tmp_path).shelf()
    assert [run.record.path.name for run in shelf.runs] == ["b.jsonl"]
    assert [(each.name, each.why) for each in shelf.unreadable] == [("a.jsonl", "It is the same run as b.jsonl.")]


def test_only_the_named_files(tmp_path: Path) -> None:
    write_run(tmp_path / "a.jsonl", "a", exams=("safety",), items=4)
    write_run(tmp_path / "b.jsonl", "b", exams=("safety",), items=4)
    assert [run.run.label for run in Library(None, [tmp_path / "b.jsonl"]).shelf().runs] == ["b"]
