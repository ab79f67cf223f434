"""`sentiment`: which emotion, and whether to escalate; told from the voice, and from the transcript alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from vivavoce.exam.answers import read_json
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item
from vivavoce.exam.metrics import Gain, Ratio
from vivavoce.exam.recordings import Row, collection_of, licence_of, origin_of, publisher_of, recorded, sound_of
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
    return recorded(sources.manifest, _item)


def _item(folder: Path, row: Row) -> Item | None:
    names: dict[str, str] = content(NAME)["emotions"]
    emotion = names.get(str(row.get("emotion")).lower(), "")
    if not emotion or not row.get("text") or not row.get("language"):
        return None
    return Item(
        id=f"{NAME}/{row['id']}",
        task=NAME,
        group=emotion,
        language=str(row["language"]),
        ask=str(row["text"]),
        key=emotion,
        origin=origin_of(row),
        licence=licence_of(row),
        checked_by=f"the actor's instruction, as published by {publisher_of(row)}",
        sound=sound_of(folder, row),
        facets={"collection": collection_of(row), "language": str(row["language"])},
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
        Gain("emotion_gain", "emotion told, gained by the voice", "right"),
        Ratio("found_spoken", "angry callers escalated, by voice", "found", better="higher", mode="spoken"),
        Ratio("found_typed", "angry callers escalated, by transcript", "found", better="higher", mode="typed"),
        Gain("found_gain", "angry callers escalated, gained by the voice", "found"),
        Ratio("alarm_spoken", "others escalated, by voice", "alarm", better="lower", mode="spoken"),
        Ratio("alarm_typed", "others escalated, by transcript", "alarm", better="lower", mode="typed"),
    ),
    request=request,
    by=("language", "collection"),
    also=("emotion_typed", "found_spoken", "found_typed", "alarm_spoken"),
)
