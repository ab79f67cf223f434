"""Run files and diaries with invented answers, in the shape of real ones: for tests and their screenshots alone.

Nothing here was measured of anybody. The names say so where a reader could take them for a real model's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.items import Item, Rotation, rotate
from vivavoce.exam.papers import ESPEAK_VOICES
from vivavoce.exam.runs import Run, Try
from vivavoce.exam.tasks import Sources
from vivavoce.probe.diary import Diary
from vivavoce.probe.rows import Gap, Probe, Row, Watch
from vivavoce.usage import Usage

NOW = datetime(2026, 11, 25, 21, 0, tzinfo=UTC)
EXAMS = ("transcription", "spoken-reasoning", "speech-to-code", "structured", "tools", "speech-out", "noise", "speed")
EXAMS += ("safety",)
SOURCES = Sources(ESPEAK_VOICES)
ANSWERS = {
    "": "An answer that was made up for a test, in two short sentences. It says nothing of any model.",
    "speech-to-code": "```python\ndef solve(rows):\n    return [row for row in rows if row]\n```",
    "structured": '{"people": 4}',
    "tools": "",
}


@cache
def pool(task: str) -> Sequence[Item]:
    return TASKS[task].pool(SOURCES)


def write_run(
    path: Path,
    label: str,
    *,
    skill: float = 0.8,
    speed: float = 1.0,
    base_url: str = "http://127.0.0.1:8080/v1",
    model: str = "gpt-4o-mini-audio-preview",
    exams: Sequence[str] = EXAMS,
    items: int = 24,
    month: str = "2026-11",
    started: datetime = NOW - timedelta(hours=3),
    answer: str = "",
    usd: str | None = "0",
    preview: bool = False,
    ended: str = "done",
    **more: Any,
) -> Run:
    """A run whose answers are right about as often as `skill` says, drawn from the label. answer: of every question."""
    random = Random(ascii(label) + month + str(started))
    run = Run(
        id=hashlib.sha256(f"{label!a}{base_url}{started}".encode()).hexdigest()[:16],
        label=label,
        model=model,
        base_url=base_url,
        started=started.isoformat(timespec="seconds"),
        tasks=list(exams),
        month=month,
        seed=0,
        commit="0123456789ab",
        vivavoce="0.1.0",
        transcriber="gpt-4o-mini-transcribe",
        rehearer=base_url,
        voices=list(ESPEAK_VOICES),
        machine="a machine of tests",
        note="Invented for tests: nothing of this was measured.",
        preview=preview,
        pools={name: len(pool(name)) for name in exams},
        **more,
    )
    asked = [item for name in exams for item in rotate(pool(name), Rotation(month), items)]
    rows: list[dict[str, Any]] = [{"kind": "run", "version": 1, **asdict(run)}]
    rows += [{"kind": "item", **item.to_json()} for item in asked]
    for number, item in enumerate(asked):
        for mode in TASKS[item.task].modes_of(item):
            made = _try(item, mode, random, skill if mode == "typed" else skill * 0.92, speed)
            at = started + timedelta(seconds=4 * number)
            made = replace(made, asked_at=at.isoformat(timespec="seconds"), usd=usd)
            rows.append({"kind": "try", **_short(replace(made, answer=answer) if answer else made)})
    if ended:
        rows.append({"kind": "session", "at": started.isoformat(), "reason": ended})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return run


def _short(made: Try) -> dict[str, Any]:
    return {name: value for name, value in asdict(made).items() if value not in ("", (), None) or name == "values"}


def _try(item: Item, mode: Any, random: Random, skill: float, speed: float) -> Try:
    seconds = round(random.lognormvariate(1.0, 0.45) * speed, 3)
    spoken = mode == "spoken"
    text = item.sound.text if item.sound is not None else ""
    made = Try(
        item.id,
        item.task,
        mode,
        "",
        seconds=seconds,
        heard=text if spoken and random.random() < 0.8 else None,
        finish="stop",
        usage=Usage(60, 40 if spoken else 0, 0, 45, 0),
        question_sha256=hashlib.sha256(item.id.encode()).hexdigest() if spoken else "",
        question_s=round(2 + len(text) / 15, 2) if spoken else None,
    )
    if random.random() < 0.01:
        return replace(made, seconds=None, finish="failed", unscored="The endpoint answered 503: overloaded.")
    values, answer, note = _judged(item, random, skill, seconds)
    if item.task == "speed":
        made = replace(made, first_sound_s=values["first_sound_s"], first_text_s=values["first_text_s"])
    return replace(made, values=values, answer=answer, note=note)


def _judged(item: Item, random: Random, skill: float, seconds: float) -> tuple[Mapping[str, float], str, str]:
    """Values as the exam's scorer finds them, an answer, and a note."""
    good = float(random.random() < skill)
    words = max(4, len((item.sound.text if item.sound else item.ask).split()))
    misheard = {"word_errors": float(sum(random.random() > 0.72 + 0.27 * skill for _ in range(words)))}
    misheard["words"] = float(words)
    first = round(seconds * 0.45, 3)
    tests = float(random.randint(3, 5))
    values: Mapping[str, Mapping[str, float]] = {
        "transcription": misheard,
        "speech-to-code": {"right": good, "passed": tests if good else tests - 1, "tests": tests},
        "structured": {"valid": 1.0, "right": good, "fields_right": 3.0 + good, "fields": 4.0},
        "tools": {"valid": 1.0, "right": good, "tool": max(good, float(random.random() < 0.6))},
        "speech-out": {"spoken": 1.0, "language": 1.0, "clipped": 0.0, "lead_s": 0.02, "silent_s": 0.1, "gap": 0.0}
        | {"pace_wpm": random.gauss(180, 15)}
        | misheard,
        "speed": {"first_sound_s": first, "end_s": seconds, "first_text_s": round(first * 0.6, 3)},
        "safety": {"right": good, item.group: good},
    }
    found = values.get(item.task, {"right": good})
    if item.task == "noise" and item.key["part"] == "heard":
        found = misheard
    note = ("read as the key says" if good else "read as something else") if "right" in found else ""
    return found, ANSWERS.get(item.task, ANSWERS[""]), note


def realistic(folder: Path) -> None:
    """Two of our profiles over two months, and models of a made-up maker elsewhere, one of them a preview."""
    elsewhere = {"base_url": "https://api.invented.example/v1", "usd": "0.0004"}
    earlier = {"month": "2026-10", "started": NOW - timedelta(days=31), "items": 30}
    write_run(folder / "default-10.jsonl", "viva-default", skill=0.55, speed=1.2, **earlier)
    write_run(folder / "default-11.jsonl", "viva-default", skill=0.74, items=40)
    write_run(folder / "tiny-11.jsonl", "viva-tiny", skill=0.3, speed=0.5, items=30)
    write_run(folder / "great.jsonl", "invented-great", model="invented-great", skill=0.97, items=40, **elsewhere)
    write_run(folder / "small.jsonl", "invented-small", model="invented-small", skill=0.7, items=24, **elsewhere)
    write_run(folder / "new.jsonl", "invented-next", model="invented-next", skill=0.9, preview=True, **elsewhere)


def write_diary(folder: Path, *, every_s: int = 300, days: int = 90, name: str = "viva-default", **more: Any) -> int:
    """Probes of a server for so many days: some failures, an outage, a night without measurements. Returns how many."""
    random = Random(name)
    diary, end = Diary(folder), int(NOW.timestamp())
    model, base_url = more.get("model", "gpt-4o-mini-audio-preview"), more.get("base_url", "http://127.0.0.1:8080/v1")
    start = (end - days * 86_400) // every_s * every_s
    watch = Watch(start, name, model, base_url, 60.0, "alloy", 2.0, "0.1.0", every_s=every_s)
    months: dict[str, list[Row]] = {f"{datetime.fromtimestamp(start, UTC):%Y-%m}": [watch]}
    asleep = range(end - 5 * 86_400, end - 5 * 86_400 + 8 * 3600)
    outage = range(end - 30 * 3600, end - 30 * 3600 + 3 * every_s)
    count = 0
    for due in range(start + every_s, end - 120, every_s):
        rows = months.setdefault(f"{datetime.fromtimestamp(due, UTC):%Y-%m}", [])
        if due in asleep:
            rows.append(Gap(name, model, due, due, every_s, "asleep"))
        elif due in outage or random.random() < 0.002:
            rows.append(Probe(name, model, due, 0.1, "error", 0.4, status=503, code="overloaded"))
            count += 1
        else:
            first = random.lognormvariate(0.2, 0.3)
            rows.append(Probe(name, model, due, 0.02, "ok", first + 1.5, 200, None, first * 0.6, first, 3.2))
            count += 1
    for month, rows in sorted(months.items()):
        diary.add(rows, datetime.fromisoformat(f"{month}-15T00:00:00+00:00").timestamp())
    return count
