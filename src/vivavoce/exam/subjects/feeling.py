"""`sentiment`: which emotion, and whether to escalate; told from the voice, and from the transcript alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, cast

from vivavoce.errors import InvalidValue, NotFound
from vivavoce.exam.answers import read_json
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Sound
from vivavoce.exam.metrics import Ratio
from vivavoce.exam.tasks import Judgement, Sources, Task, content

NAME = "sentiment"

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")

ESCALATES = "angry"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"emotion": {"type": "string", "enum": list(EMOTIONS)}, "escalate": {"type": "boolean"}},
    "required": ["emotion", "escalate"],
    "additionalProperties": False,
}


def pool(sources: Sources) -> list[Item]:
    """Recordings with an emotion and a text; none without a manifest. Raises `NotFound` or `InvalidValue`."""
    if sources.manifest is None:
        return []
    if not sources.manifest.is_file():
        raise NotFound(f"There is no manifest {sources.manifest}.")
    names: dict[str, str] = content(NAME)["emotions"]
    items: list[Item] = []
    for number, line in enumerate(sources.manifest.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row: dict[str, Any] = json.loads(line) if line.strip() else {}
            emotion = names.get(str(row.get("emotion")).lower(), "")
            if emotion and row.get("text") and row.get("language"):
                items.append(_item(sources.manifest.parent, row, emotion))
        except (KeyError, ValueError, OSError) as fault:
            raise InvalidValue(f"{sources.manifest.name}, line {number}, is no recording: {fault}") from fault
    return items


def _item(folder: Path, row: dict[str, Any], emotion: str) -> Item:
    path = folder / str(row["path"])
    collection = str(row["id"]).split("/")[0]
    return Item(
        id=f"{NAME}/{row['id']}",
        task=NAME,
        group=emotion,
        language=str(row["language"]),
        ask=str(row["text"]),
        key=emotion,
        origin="human" if row.get("kind", "human") == "human" else "synthetic",
        licence=str(row.get("licence") or "unknown"),
        checked_by=f"the actor's instruction, as published by {row.get('source_repo') or collection}",
        sound=Sound(file=str(path.resolve()), sha256=hashlib.sha256(path.read_bytes()).hexdigest()),
        facets={"collection": collection, "language": str(row["language"])},
    )


def request(item: Item) -> Request:
    return Request(system=content(NAME)["system"], schema=SCHEMA, max_tokens=100)


def score(item: Item, reply: Reply) -> Judgement:
    """right: the emotion; found: of angry callers, escalated; alarm: of all others, escalated."""
    try:
        given = read_json(reply.text)
    except ValueError:
        given = None
    told = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    escalated = float(told.get("escalate") is True)
    values = {"right": float(told.get("emotion") == item.key)}
    values["found" if item.key == ESCALATES else "alarm"] = escalated
    return Judgement(values, note=str(told.get("emotion", "no JSON")))


TASK = Task(
    name=NAME,
    pool=pool,
    modes=("typed", "spoken"),
    score=score,
    headline=Ratio("emotion_spoken", "emotion told from the voice", "right", better="higher", mode="spoken"),
    metrics=(
        Ratio("emotion_typed", "emotion told from the transcript", "right", better="higher", mode="typed"),
        Ratio("found_spoken", "angry callers escalated, by voice", "found", better="higher", mode="spoken"),
        Ratio("found_typed", "angry callers escalated, by transcript", "found", better="higher", mode="typed"),
        Ratio("alarm_spoken", "others escalated, by voice", "alarm", better="lower", mode="spoken"),
        Ratio("alarm_typed", "others escalated, by transcript", "alarm", better="lower", mode="typed"),
    ),
    request=request,
    by=("language", "collection"),
)
