"""The diary: what was written is read, whatever else happened to its files."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from probe_world import START, URL, FakeClock, eventually, soon, written

from vivavoce.errors import InvalidValue, StorageFailed
from vivavoce.probe.diary import Diary
from vivavoce.probe.rows import End, Gap, NewerRow, Probe, Row, Watch, from_line, to_line
from vivavoce.probe.writing import Writer

WATCH = Watch(START, "home", "m", URL, 60.0, "alloy", 2.0, "0.1.0", every_s=60, offset_s=17)
PROBE = Probe("home", "m", START + 17, 0.002, "ok", 2.31, 200, None, 0.41, 0.78, 2.4, "req_1", "0.000123")
ROWS: list[Row] = [
    WATCH,
    replace(WATCH, every_s=None, offset_s=0),
    PROBE,
    Probe("home", "m", START + 77, 0.0, "refused", 0.4, 429, "rate_limit_exceeded"),
    Probe("héros\n\u2028", "m", START + 77, 0.0, "timeout", 60.0, usd_about="0.003"),
    Gap("home", "m", START + 137, START + 617, 60, "asleep"),
    End(START + 700, "home", "m"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_every_row_is_one_line_that_reads_as_it_was(row: Row) -> None:
    line = to_line(row)
    assert line.count("\n") == 1
    assert from_line(line.encode()) == row


def test_a_line_can_be_read_by_people() -> None:
    assert to_line(PROBE) == (
        '{"v": 1, "kind": "probe", "target": "home", "model": "m", "due": "2026-11-25T20:00:17Z", "late_s": 0.002, '
        '"outcome": "ok", "end_s": 2.31, "status": 200, "first_text_s": 0.41, "first_sound_s": 0.78, "sound_s": 2.4, '
        '"request_id": "req_1", "usd": "0.000123"}\n'
    )


def broken(**changes: object) -> bytes:
    told = json.loads(to_line(PROBE)) | changes
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[1]",
        b"null",
        b'{"v": 1}',
        b"\xff\xfe",
        broken(kind="dance"),
        broken(due="yesterday"),
        broken(due=-1),
        broken(due=10**15),
        broken(outcome="splendid"),
        broken(late_s=float("nan")),
        broken(end_s=float("inf")),
        broken(first_sound_s=-1),
        broken(usd="a lot"),
        broken(target=None),
        broken(status="<script>"),
        to_line(Gap("home", "m", START, START, 60, "down")).replace("60", "0").encode(),
        to_line(Gap("home", "m", START, START, 60, "down")).replace("down", "bored").encode(),
    ],
)
def test_a_line_that_is_none_is_counted_and_harms_no_other(tmp_path: Path, line: bytes) -> None:
    with pytest.raises(ValueError, match="no line"):
        from_line(line)
    diary = Diary(tmp_path)
    diary.add([PROBE], START)
    [path] = tmp_path.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(line + b"\n")
    diary.add([PROBE], START)
    rows = diary.read(START)
    assert rows.damaged == 1
    assert rows.of(PROBE.key).probes == [PROBE, PROBE]


def test_lines_of_a_later_version_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NewerRow):
        from_line(broken(v=2))
    diary = Diary(tmp_path)
    diary.add([PROBE], START)
    with (tmp_path / "2026-11.jsonl").open("ab") as file:
        file.write(broken(v=2, outcome="splendid") + b"\n")
    rows = diary.read(START)
    assert (rows.damaged, rows.newer) == (0, 1)
    assert rows.of(PROBE.key).probes == [PROBE]


def test_fields_that_a_later_version_adds_are_passed_over() -> None:
    assert from_line(broken(weather="fine")) == PROBE


def test_a_write_that_was_cut_off_anywhere_harms_no_other(tmp_path: Path) -> None:
    later = replace(PROBE, due=START + 77)
    line = to_line(later).encode()
    for cut in range(1, len(line), 7):
        diary = Diary(tmp_path / str(cut))
        diary.add([PROBE, later], START)
        [path] = diary.folder.glob("*.jsonl")
        path.write_bytes(path.read_bytes()[:-cut])
        assert diary.read(START).of(PROBE.key).probes[0] == PROBE
        diary.add([replace(PROBE, due=START + 137)], START)
        rows = Diary(diary.folder).read(START)
        whole = [PROBE] if cut > 1 else [PROBE, later]  # only its end of line was lost
        assert rows.of(PROBE.key).probes == [*whole, replace(PROBE, due=START + 137)]
        assert rows.damaged == (cut > 1)


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from vivavoce.probe.rows import from_line
from vivavoce.probe.diary import Diary
diary, PROBE = Diary(Path(sys.argv[1])), from_line(sys.argv[2].encode())
for number in range(10**9):
    diary.add([replace(PROBE, due=PROBE.due + number, request_id="r" * 40)] * 50, PROBE.due)
"""


@pytest.mark.slow
def test_a_kill_while_it_writes_loses_nothing_that_was_written(tmp_path: Path) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", KILLED, str(tmp_path), to_line(PROBE)]
        with subprocess.Popen(command) as process:
            size = sum(path.stat().st_size for path in tmp_path.glob("*.jsonl"))
            eventually(lambda size=size: sum(path.stat().st_size for path in tmp_path.glob("*.jsonl")) > size + 10**5)
            process.kill()
        rows = Diary(tmp_path).read(START)
        dues = [probe.due - PROBE.due for probe in rows.of(PROBE.key).probes]
        assert rows.damaged <= 3, "at most the one line of each kill"
        assert len(dues) > 100
        for number in range(max(dues) - 1):
            assert dues.count(number) >= 50


def test_many_writers_at_once_never_mix_their_lines(tmp_path: Path) -> None:
    def write(name: str) -> None:
        diary = Diary(tmp_path)
        for number in range(40):
            diary.add([replace(PROBE, target=name, due=START + number)], START)

    threads = [threading.Thread(target=write, args=(f"target {number}" * 20,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = Diary(tmp_path).read(START)
    assert rows.damaged == 0
    assert [len(series.probes) for series in rows.series.values()] == [40] * 6


def test_a_writer_waits_for_another_to_end_its_line(tmp_path: Path) -> None:
    diary = Diary(tmp_path)
    diary.add([PROBE], START)
    [path] = tmp_path.glob("*.jsonl")
    line = to_line(replace(PROBE, due=START + 77)).encode()
    with path.open("ab", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(line[:20])
        waiting = threading.Thread(target=diary.add, args=([replace(PROBE, due=START + 137)], START))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        other.write(line[20:])
    waiting.join(10)
    rows = diary.read(START)
    assert [(probe.due - START) // 60 for probe in rows.of(PROBE.key).probes] == [0, 1, 2]
    assert rows.damaged == 0


def test_reading_again_parses_only_what_was_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    diary = Diary(tmp_path)
    diary.add([PROBE] * 3, START)
    assert len(diary.read(START).of(PROBE.key).probes) == 3
    parsed: list[bytes] = []
    monkeypatch.setattr("vivavoce.probe.diary.from_line", lambda line: (parsed.append(line), from_line(line))[1])
    diary.add([PROBE], START)
    assert len(diary.read(START).of(PROBE.key).probes) == 4
    assert len(parsed) == 1
    path = tmp_path / "2026-11.jsonl"
    path.write_text(to_line(PROBE))
    assert len(diary.read(START).of(PROBE.key).probes) == 1, "another file took its place"


def test_months_are_files_and_a_window_reads_only_those_it_needs(tmp_path: Path) -> None:
    months = [datetime(2026, month, 3, tzinfo=UTC).timestamp() for month in (6, 8, 10, 11)]
    diary = Diary(tmp_path)
    for at in months:
        diary.add([replace(PROBE, due=int(at))], at)
    (tmp_path / "notes.jsonl").write_text("of somebody else")
    assert sorted(path.name for path in tmp_path.glob("2*.jsonl")) == [
        *("2026-06.jsonl", "2026-08.jsonl", "2026-10.jsonl", "2026-11.jsonl")
    ]
    assert [probe.due for probe in diary.read(months[2]).of(PROBE.key).probes] == [int(at) for at in months[1:]]
    assert diary.read(months[0]).damaged == 0
    assert Diary(tmp_path / "none").read(0).series == {}


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot be written"):
        Diary(tmp_path / "file").add([PROBE], START)


def test_a_target_is_asked_by_one_process_at_a_time(tmp_path: Path) -> None:
    refused = pytest.raises(InvalidValue, match="asks home already")
    with Diary(tmp_path).alone("home"), Diary(tmp_path).alone("there"), refused, Diary(tmp_path).alone("home"):
        pass
    with Diary(tmp_path).alone("home"):
        pass


async def test_each_month_says_how_its_targets_are_asked(tmp_path: Path) -> None:
    clock, diary = FakeClock(), Diary(tmp_path)
    async with Writer(diary, clock, print) as writer:
        writer.watch(WATCH, None)
        writer.note(PROBE)
    clock.set_by(10 * 86_400)
    async with Writer(diary, clock, print) as writer:
        later = replace(WATCH, at=int(clock.now()))
        writer.watch(later, WATCH)
        writer.note(replace(PROBE, due=later.at))
    async with Writer(diary, clock, print) as writer:
        writer.watch(later, later)
        writer.note(replace(PROBE, due=later.at + 60))
    kinds = [(json.loads(line)["kind"]) for line in written(tmp_path)]
    assert kinds == ["watch", "probe", "watch", "probe", "probe"]


async def test_to_be_asked_once_more_ends_no_fixed_times(tmp_path: Path) -> None:
    loose = replace(WATCH, at=START + 60, every_s=None, offset_s=0)
    diary = Diary(tmp_path)
    for known, kinds in ((WATCH, ["probe"]), (None, ["watch", "probe"]), (End(START, "home", "m"), ["watch", "probe"])):
        before = len(written(tmp_path))
        async with Writer(diary, FakeClock(), print) as writer:
            writer.watch(loose, known)
            writer.note(PROBE)
        assert [json.loads(line)["kind"] for line in written(tmp_path)[before:]] == kinds


async def test_what_cannot_be_written_is_kept_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.probe.writing.AGAIN_S", 0.01)
    folder, said = tmp_path / "probe", []
    folder.write_text("in the way")
    async with Writer(Diary(folder), FakeClock(), said.append) as writer:
        writer.watch(WATCH, None)
        writer.note(PROBE)
        await soon(lambda: len(said) > 1)
        folder.unlink()
        await soon(folder.is_dir)
    assert Diary(folder).read(START).of(PROBE.key).probes == [PROBE]
    assert "cannot be written" in said[0]
    folder.rename(tmp_path / "away")
    folder.write_text("in the way")
    with pytest.raises(StorageFailed):
        async with Writer(Diary(folder), FakeClock(), said.append) as writer:
            writer.note(PROBE)
