"""Recordings with their truth, read from a manifest: one JSON object per line.

A row needs `id`, `path` (relative to the manifest), `language`, `text` and `duration_s`; `speaker` is used where it is
there. Knows no engine and decodes nothing.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vivavoce.errors import InvalidValue

Half = Literal["all", "tune", "report"]
"""Which clips: parameters are chosen on `tune`, figures are stated on `report`."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording and what is said in it. `collection` is the part of the id before the first slash."""

    id: str
    path: Path
    language: str
    text: str
    speaker: str | None
    duration_s: float

    @property
    def collection(self) -> str:
        return self.id.split("/")[0]


def read_clips(manifest: Path, *, with_text: bool = True) -> list[Clip]:
    """Every row that has a text and a language, or a language alone. Raises `InvalidValue` where one can't be read."""
    clips: list[Clip] = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row: dict[str, Any] = json.loads(line)
            if (with_text and not row.get("text")) or not row.get("language"):
                continue
            clips.append(
                Clip(
                    id=str(row["id"]),
                    path=manifest.parent / str(row["path"]),
                    language=str(row["language"]),
                    text=str(row.get("text") or ""),
                    speaker=str(row["speaker"]) if row.get("speaker") else None,
                    duration_s=float(row["duration_s"]),
                )
            )
        except (KeyError, TypeError, ValueError) as fault:
            raise InvalidValue(f"{manifest.name}, line {number}, is no manifest row: {fault}") from fault
    return clips


def choose(
    clips: Sequence[Clip],
    *,
    limit: int | None = None,
    languages: Sequence[str] | None = None,
    collections: Sequence[str] | None = None,
    max_duration_s: float | None = None,
    half: Half = "all",
    seed: int = 0,
) -> list[Clip]:
    """A seeded sample that takes turns between collections, so that a large one doesn't drown the others."""
    fitting = [
        clip
        for clip in clips
        if (languages is None or clip.language in languages)
        and (collections is None or clip.collection in collections)
        and (max_duration_s is None or clip.duration_s <= max_duration_s)
    ]
    if half != "all":
        report = reporting_half(clips)
        fitting = [clip for clip in fitting if (clip.id in report) == (half == "report")]
    shuffled = sorted(fitting, key=lambda clip: clip.id)
    random.Random(seed).shuffle(shuffled)
    turn: dict[str, int] = {}
    ranked: list[tuple[int, int]] = []
    for index, clip in enumerate(shuffled):
        ranked.append((turn.get(clip.collection, 0), index))
        turn[clip.collection] = turn.get(clip.collection, 0) + 1
    return [shuffled[index] for _, index in sorted(ranked)][:limit]


def reporting_half(clips: Sequence[Clip]) -> frozenset[str]:
    """Ids of the clips that figures are stated on: whole speakers where a collection has several, else single clips.

    The choice hangs on a hash of the names, so it doesn't move with the seed, the limit or the languages asked for.
    """
    speakers: dict[str, set[str | None]] = {}
    for clip in clips:
        speakers.setdefault(clip.collection, set()).add(clip.speaker)
    chosen: set[str] = set()
    for clip in clips:
        several = len(speakers[clip.collection]) > 3 and clip.speaker is not None
        key = f"{clip.collection}/{clip.speaker}" if several else clip.id
        if hashlib.sha256(("7" + key).encode()).digest()[-1] % 2:
            chosen.add(clip.id)
    return frozenset(chosen)
