"""What a run asks: its items, chosen from the pools by month and seed, and the questions that are left of them."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vivavoce.errors import InvalidValue
from vivavoce.exam.budget import Asked
from vivavoce.exam.catalogue import chosen
from vivavoce.exam.items import Item, Rotation, rotate
from vivavoce.exam.runner import FAILED
from vivavoce.exam.runs import Record, read
from vivavoce.exam.tasks import Sources, Task

ESPEAK_VOICES = (
    *("espeak-ng:en-us+m3", "espeak-ng:en-gb+f2", "espeak-ng:de+m3", "espeak-ng:de+f2", "espeak-ng:es+m3"),
    *("espeak-ng:es+f2", "espeak-ng:fr+m3", "espeak-ng:fr+f2", "espeak-ng:it+m3", "espeak-ng:it+f2"),
    *("espeak-ng:pt+m3", "espeak-ng:pt+f2", "espeak-ng:pl+m3", "espeak-ng:pl+f2", "espeak-ng:nl+m3", "espeak-ng:sv+f2"),
)
SPEECH_VOICES = (
    *("speech:alloy", "speech:nova", "speech:echo", "speech:onyx", "speech:shimmer", "speech:fable"),
    *("speech:alloy@es", "speech:onyx@es", "speech:alloy@fr", "speech:onyx@fr", "speech:alloy@it", "speech:onyx@it"),
    *("speech:alloy@pt", "speech:onyx@pt", "speech:alloy@hi", "speech:onyx@hi", "speech:alloy@zh", "speech:onyx@zh"),
)
"""Where a speech endpoint is named; espeak-ng's speak beside them. `@`: the language that a voice is asked for, of
those that our own server speaks by a network; in its others it is espeak-ng's voice that one would hear again."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many items are asked of each exam, 0: all; `of` is for single exams."""

    each: int = 40
    of: Mapping[str, int] = field(default_factory=dict[str, int])

    def __call__(self, exam: str) -> int:
        return self.of.get(exam, self.each)


def draw(
    tasks: Sequence[Task], sources: Sources, rotation: Rotation, amounts: Amounts, *, skip_empty: bool = False
) -> tuple[list[Item], dict[str, int]]:
    """The items of this rotation, up to their amount, and how many each pool holds.

    Raises `InvalidValue` where a task has nothing to ask with these sources, unless such are to be skipped.
    """
    items: list[Item] = []
    pools: dict[str, int] = {}
    for task in tasks:
        pool = [item for item in task.pool(sources) if task.modes_of(item)]
        if not pool and skip_empty:
            continue
        if not pool:
            raise InvalidValue(f"The exam {task.name} has nothing to ask: name recordings by --manifest, or voices.")
        pools[task.name] = len(pool)
        items += rotate(pool, rotation, amounts(task.name))
    return items, pools


def load(path: Path) -> Record:
    """A run whose exams this version has. Raises what `runs.read` does, and `NotFound` for an exam that is unknown."""
    record = read(path)
    chosen(record.run.tasks)
    return record


def questions(items: Sequence[Item], tasks: Sequence[str]) -> list[Asked]:
    """Every item in each of its modes, tasks by turns: a run that is cut short has some of everything."""
    by_name = {task.name: task for task in chosen(tasks)}
    turns: Counter[str] = Counter()
    ranked: list[tuple[int, Item]] = []
    for item in items:
        ranked.append((turns[item.task], item))
        turns[item.task] += 1
    ranked.sort(key=lambda each: each[0])
    return [(by_name[item.task], item, mode) for _, item in ranked for mode in by_name[item.task].modes_of(item)]


def left(record: Record) -> list[Asked]:
    """What of a run was not asked, or got no answer."""
    done = {made.place for made in record.tries if made.finish != FAILED}
    every = questions(list(record.items.values()), record.run.tasks)
    return [asked for asked in every if (asked[1].id, asked[2]) not in done]


def commit() -> str:
    """Of the checkout that this runs from, with a mark where something is changed; empty where it is none."""
    folder = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
