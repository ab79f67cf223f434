"""The runs of a folder: read once for each state of a file, with what could not be read and why.

A page must never break because a file did: what is cut off, of another version or no run at all is listed beside the
runs. Knows no page.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from vivavoce.board.judged import Judged
from vivavoce.errors import InvalidValue, VivaError
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.items import Item
from vivavoce.exam.runs import Record, Run, Try, read

log = logging.getLogger(__name__)

Stamp = tuple[int, int]
"""(mtime in ns, size) of a file: what tells that it has changed."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file of the folder that is no run that this version can show. `why`: a sentence for people."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every run of the folder, the oldest first, and every file that is none."""

    runs: Sequence[Judged] = ()
    unreadable: Sequence[Unreadable] = ()

    def run(self, name: str) -> Judged | None:
        return next((each for each in self.runs if each.run.id == name), None)


class Library:
    """Safe from several threads. A folder that isn't there, or None, is an empty one."""

    def __init__(self, folder: Path | None, only: Sequence[Path] | None = None) -> None:
        """only: these files, wherever they lie, in place of all in the folder."""
        self._folder = folder
        self._only = only
        self._lock = threading.Lock()
        self._stamps: Mapping[Path, Stamp] = {}
        self._read: dict[Path, tuple[Stamp, Judged | Unreadable]] = {}
        self._shelf = Shelf()

    def shelf(self) -> Shelf:
        """What is there now. The same object as before where no file has changed."""
        with self._lock:
            stamps = _stamps(self._paths())
            if stamps != self._stamps:
                self._read = {path: self._one(path, stamp) for path, stamp in stamps.items()}
                self._shelf = _shelf([found for _, found in self._read.values()])
                self._stamps = stamps
            return self._shelf

    def _paths(self) -> Sequence[Path]:
        if self._only is not None:
            return self._only
        try:
            return sorted(self._folder.glob("*.jsonl")) if self._folder is not None else []
        except OSError:
            return []

    def _one(self, path: Path, stamp: Stamp) -> tuple[Stamp, Judged | Unreadable]:
        known = self._read.get(path)
        return known if known is not None and known[0] == stamp else (stamp, _open(path))


def _stamps(paths: Sequence[Path]) -> dict[Path, Stamp]:
    found: dict[Path, Stamp] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # it went away since the folder was listed
            continue
        found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _open(path: Path) -> Judged | Unreadable:
    try:
        return Judged(_checked(read(path)))
    except VivaError as error:
        return Unreadable(path.name, error.message.replace(str(path), path.name))
    except Exception as error:
        # The file may hold anything, and a reader of pages has not written it.
        log.warning("run file %s cannot be read: %s", path.name, type(error).__name__)
        return Unreadable(path.name, f"It is no run that this version can read ({type(error).__name__}).")


def _checked(record: Record) -> Record:
    """The record without exams that this version lacks. Raises `InvalidValue` where a field is of another kind than it
    has to be: JSON holds what its writer liked."""
    run = record.run
    known = (run.id, run.label, run.model, run.base_url, run.started, run.month, run.commit, run.vivavoce, run.note)
    if not _are_texts(*known, run.machine, *run.tasks, *run.voices) or not run.id:
        raise InvalidValue("Its first line holds something else than texts.")
    try:
        at = datetime.fromisoformat(run.started)
    except ValueError as fault:
        raise InvalidValue(f"It does not say when it began: {fault}.") from fault
    if at.tzinfo is None:
        raise InvalidValue("It says when it began, but not in which time zone.")
    tasks = tuple(name for name in run.tasks if name in TASKS)
    for item in record.items.values():
        _check_item(item)
    tries = [_checked_try(made) for made in record.tries if made.task in tasks]
    return replace(record, run=_with_tasks(run, tasks), tries=tries)


def _with_tasks(run: Run, tasks: tuple[str, ...]) -> Run:
    unknown = [name for name in run.tasks if name not in tasks]
    if not unknown:
        return run
    return replace(run, tasks=tasks, note=f"{run.note} Exams that this version does not know: {', '.join(unknown)}.")


def _check_item(item: Item) -> None:
    """Raises `InvalidValue`."""
    known = (item.id, item.task, item.group, item.language, item.ask, item.licence, item.checked_by, item.origin)
    facets: Any = item.facets
    fine = _are_texts(*known) and isinstance(facets, dict) and _are_texts(*item.facets, *item.facets.values())
    if item.sound is not None:
        sound = item.sound
        told = (sound.text, sound.voice, sound.file, sound.sha256, sound.made, sound.surroundings, sound.whisper)
        fine = fine and _are_texts(*told) and _is_number(sound.duration_s)
    if not fine:
        raise InvalidValue(f"The item {item.id} holds a value of another kind than it has to.")


def _checked_try(made: Try) -> Try:
    numbers = (made.seconds, made.first_text_s, made.first_sound_s, made.question_s, made.audio_s)
    told = [number for number in (*numbers, *(made.values or {}).values()) if number is not None]
    if not all(_is_number(number) for number in told):
        raise InvalidValue(f"The answer to {made.item} holds a value that is no number.")
    if not _are_texts(made.answer, made.note, made.unscored, made.finish, made.heard or "", made.reheard or ""):
        raise InvalidValue(f"The answer to {made.item} is no text.")
    try:
        if made.usd is not None and not Decimal(made.usd).is_finite():
            raise InvalidOperation
    except (InvalidOperation, TypeError, ValueError) as fault:
        raise InvalidValue(f"The price of the answer to {made.item} is no amount.") from fault
    return made


def _are_texts(*values: Any) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shelf(found: Sequence[Judged | Unreadable]) -> Shelf:
    """One of each run: of copies, the one that holds most answers."""
    unreadable = [each for each in found if isinstance(each, Unreadable)]
    runs: dict[str, Judged] = {}
    for each in found:
        if isinstance(each, Unreadable):
            continue
        other = runs.get(each.run.id)
        if other is None:
            runs[each.run.id] = each
            continue
        kept, left = (each, other) if len(each.record.tries) > len(other.record.tries) else (other, each)
        runs[each.run.id] = kept
        unreadable.append(Unreadable(left.record.path.name, f"It is the same run as {kept.record.path.name}."))
    ordered = sorted(runs.values(), key=lambda each: (each.started, each.run.id))
    return Shelf(tuple(ordered), tuple(sorted(unreadable, key=lambda each: each.name)))
