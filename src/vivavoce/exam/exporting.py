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
from vivavoce.exam.runs import Record, RunFile, begin

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
    """A run without the recordings: neither their items (texts and paths may not be ours to give) nor what was answered
    to them. The note says how many. Raises `InvalidValue` where there is a file, or `StorageFailed`."""
    kept = {name: item for name, item in record.items.items() if item.sound is None or not item.sound.file}
    left_out = len(record.items) - len(kept)
    note = f"{record.run.note} Left out here: {left_out} items that are recordings of others.".strip()
    begin(out, replace(record.run, note=note if left_out else record.run.note), list(kept.values()))
    with RunFile(out) as file:
        for made in record.tries:
            if made.item in kept:
                file.add(made)
        file.end(record.ended or "unfinished")


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
