"""The file of a run: everything that was asked and answered, as JSON Lines that are only ever appended to.

    {"kind": "run", "version": 1, …}     the first line: what was examined, with what, by which version
    {"kind": "item", …}                  each item that is to be asked, with its key, licence and origin
    {"kind": "try", …}                   each question put: the answer, its sound or the sound's hash, the judgement
    {"kind": "session", …}               each sitting's end and why it ended

A last line that was cut off by a crash is dropped when the run is taken up again. Knows no endpoint.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vivavoce.errors import InvalidValue, NotFound, StorageFailed, TooBusy
from vivavoce.exam.endpoint import Turn
from vivavoce.exam.items import Item, Mode, Rotation
from vivavoce.usage import Usage

VERSION = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What was examined, and how. tasks: in the order asked. pools: how many items each had to be drawn from.

    label: what reports call it; preview: badged and left out of averages. base_url: who answered, without any key.
    rehearer: who heard spoken answers again; speech_url: who spoke items; voice: of spoken answers.
    """

    id: str
    label: str
    model: str
    base_url: str
    started: str
    tasks: Sequence[str]
    month: str
    seed: int
    commit: str
    vivavoce: str
    transcriber: str = ""
    rehearer: str = ""
    speech_url: str = ""
    voices: Sequence[str] = ()
    voice: str = "alloy"
    preview: bool = False
    sound_out: bool = False
    concurrency: int = 1
    machine: str = ""
    note: str = ""
    pools: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def rotation(self) -> Rotation:
        return Rotation(self.month, self.seed)


@dataclass(frozen=True, slots=True)
class Try:
    """One item put in one mode. values: what the scorer found, None where it is unscored, and `unscored` says why.

    question_sha256: of the WAV file that was sent; audio_sha256: of the one that came, kept beside the run where asked
    for. usd: by the price book, None where it knows no price.
    """

    item: str
    task: str
    mode: Mode
    asked_at: str
    seconds: float | None = None
    first_text_s: float | None = None
    first_sound_s: float | None = None
    answer: str = ""
    heard: str | None = None
    reheard: str | None = None
    calls: Sequence[tuple[str, str]] = ()
    turns: Sequence[Turn] = ()
    finish: str = ""
    usage: Usage | None = None
    usd: str | None = None
    question_sha256: str = ""
    question_s: float | None = None
    audio_sha256: str = ""
    audio_s: float | None = None
    values: Mapping[str, float] | None = None
    unscored: str = ""
    note: str = ""

    @property
    def place(self) -> tuple[str, Mode]:
        """What no two tries of a run share."""
        return self.item, self.mode


@dataclass(frozen=True, slots=True)
class Record:
    """A whole run as read. `ended`: why its last sitting ended, empty where it is under way or was killed."""

    path: Path
    run: Run
    items: Mapping[str, Item]
    tries: Sequence[Try]
    ended: str = ""

    def of(self, task: str) -> list[tuple[Item, Try]]:
        return [(self.items[each.item], each) for each in self.tries if each.task == task]


class RunFile:
    """A run that is being written. Safe from several threads; every line is on the disk when `add` returns."""

    def __init__(self, path: Path) -> None:
        """Opens for appending what `begin` has made, for this process alone. Raises `StorageFailed`, or `TooBusy` where
        another process is writing it: both would ask the same."""
        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = path.open("a", encoding="utf-8")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel's, given up however we end
            _drop_torn_line(path)
        except BlockingIOError:
            self._file.close()
            raise TooBusy(f"Another process is examining into {path}. End that one first, or wait for it.") from None
        except OSError as fault:
            raise StorageFailed(f"The run {path} cannot be written: {fault}") from fault

    def add(self, made: Try) -> None:
        row = {name: value for name, value in asdict(made).items() if value not in ("", (), None) or name == "values"}
        self._write({"kind": "try", **row})

    def end(self, reason: str) -> None:
        self._write({"kind": "session", "at": now(), "reason": reason})

    def _write(self, row: Mapping[str, Any]) -> None:
        with self._lock:
            try:
                self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as fault:
                raise StorageFailed(f"The run {self.path} cannot be written: {fault}") from fault

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def begin(path: Path, run: Run, items: Sequence[Item]) -> None:
    """Write a run's first lines, all or none. Raises `InvalidValue` where there is a file, or `StorageFailed`."""
    if path.exists():
        raise InvalidValue(f"There is a file {path} already; go on with it by `viva exam resume`, or name another.")
    rows: list[dict[str, Any]] = [{"kind": "run", "version": VERSION, **asdict(run)}]
    rows += [{"kind": "item", **item.to_json()} for item in items]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        part.replace(path)
    except OSError as fault:
        raise StorageFailed(f"The run {path} cannot be written: {fault}") from fault


def read(path: Path) -> Record:
    """A run, whole or under way. Raises `NotFound`, or `InvalidValue` with the line that is no line of a run."""
    if not path.is_file():
        raise NotFound(f"There is no run {path}.")
    run: Run | None = None
    items: dict[str, Item] = {}
    tries: dict[tuple[str, str], Try] = {}
    ended = ""
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):  # what comes after the last line's end was cut off
        try:
            row: dict[str, Any] = json.loads(line)
            kind = row.pop("kind")
            if kind == "run":
                run = _run(row, path)
            elif kind == "item":
                item = Item.from_json(row)
                items[item.id] = item
            elif kind == "try":
                made = _try(row)
                tries[items[made.item].id, made.mode] = made
                ended = ""
            elif kind == "session":
                ended = str(row["reason"])
        except (ValueError, TypeError, KeyError) as fault:
            raise InvalidValue(f"{path}, line {number}, is no line of a run: {fault}") from fault
    if run is None:
        raise InvalidValue(f"{path} is no run of an exam: its first line does not say what was examined.")
    return Record(path, run, items, list(tries.values()), ended)


def _run(row: dict[str, Any], path: Path) -> Run:
    version = row.pop("version", None)
    if version != VERSION:
        raise InvalidValue(f"{path} is of format {version}; this version of Viva Voce reads format {VERSION}.")
    row |= {name: tuple(row.get(name, ())) for name in ("tasks", "voices")}
    return Run(**row)


def _try(row: dict[str, Any]) -> Try:
    usage: dict[str, int] | None = row.pop("usage", None)
    row["calls"] = tuple((str(name), str(arguments)) for name, arguments in row.get("calls", ()))
    row["turns"] = tuple((float(start), float(end), str(name)) for start, end, name in row.get("turns", ()))
    return Try(**row, usage=Usage(**usage) if usage is not None else None)


def _drop_torn_line(path: Path) -> None:
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
