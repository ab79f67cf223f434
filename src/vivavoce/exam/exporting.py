"""A run as others read it: a table of its tries (CSV), its figures (JSON), or a run to publish (JSON Lines)."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from vivavoce.exam.board import figures, groups
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.items import Item
from vivavoce.exam.runs import Record, RunFile, Try, begin

COLUMNS = (
    *("task", "item", "mode", "group", "language", "origin", "licence", "asked_at", "seconds", "usd", "question_s"),
    *("audio_s", "finish", "answer", "heard", "reheard", "unscored", "note"),
)


def as_csv(record: Record) -> str:
    """One line a try; what the scorer found in columns `value.<name>`, empty where it is unscored."""
    names = sorted({name for made in record.tries for name in made.values or ()})
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([*COLUMNS, *(f"value.{name}" for name in names)])
    for made in record.tries:
        known = {**asdict(record.items[made.item]), **asdict(made)}
        values = made.values or {}
        writer.writerow([*(_cell(known[name]) for name in COLUMNS), *(values.get(name, "") for name in names)])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    """Texts that a spreadsheet would take for formulas are written so that it doesn't."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def publish(record: Record, out: Path) -> None:
    """A run whose figures are the same, without what is said in recordings of others, which may not be ours to give:
    of these the key and all that was answered are left out, and what the scorer found stays. The note says how many.

    Raises `InvalidValue` where there is a file, or `StorageFailed`.
    """
    items = [_without_words(item) if _recorded(item) else item for item in record.items.values()]
    count = sum(map(_recorded, items))
    note = f"{record.run.note} What is said in {count} recordings of others is left out here.".strip()
    begin(out, replace(record.run, note=note if count else record.run.note), items)
    with RunFile(out) as file:
        for made in record.tries:
            file.add(_without_answer(made) if _recorded(record.items[made.item]) else made)
        file.end(record.ended or "unfinished")


def _recorded(item: Item) -> bool:
    return item.sound is not None and bool(item.sound.file)


def _without_words(item: Item) -> Item:
    """By file name alone in runs of earlier versions, whose paths say where recordings lay."""
    sound = item.sound
    if sound is not None and Path(sound.file).is_absolute():
        sound = replace(sound, file=Path(sound.file).name)
    return replace(item, ask="", key=None, sound=sound)


def _without_answer(made: Try) -> Try:
    return replace(made, answer="", heard=None, reheard=None, calls=(), turns=())


def as_json(record: Record) -> str:
    """The run and its figures, by task and by group."""
    tasks = {
        name: {
            "figures": [asdict(figure) for figure in figures(TASKS[name], record.of(name))],
            "by": {
                facet: {value: asdict(figure) for value, figure in parts.items()}
                for facet, parts in groups(TASKS[name], record.of(name)).items()
            },
        }
        for name in record.run.tasks
    }
    return json.dumps({"run": asdict(record.run), "ended": record.ended, "tasks": tasks}, indent=2, ensure_ascii=False)
