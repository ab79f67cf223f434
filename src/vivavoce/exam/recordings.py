"""Recordings of people, read from a manifest: one JSON object a line, paths relative to the manifest's folder.

An item holds a recording by that relative path and its hash, never by where it lies on this machine. Knows no task.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from vivavoce.errors import InvalidValue, NotFound
from vivavoce.exam.items import Item, Origin, Sound

Row = Mapping[str, Any]


def recorded(manifest: Path | None, make: Callable[[Path, Row], Item | None]) -> list[Item]:
    """What `make` makes of each row, given the manifest's folder; None leaves a row out. No manifest, no items.

    Raises `NotFound`, or `InvalidValue` with the line of a row that can't be read.
    """
    if manifest is None:
        return []
    if not manifest.is_file():
        raise NotFound(f"There is no manifest {manifest}.")
    items: list[Item] = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not an object")
            item = make(manifest.parent, cast("dict[str, Any]", row))
        except (KeyError, TypeError, ValueError, IndexError, OSError) as fault:
            raise InvalidValue(f"{manifest.name}, line {number}, is no recording: {fault}") from fault
        if item is not None:
            items.append(item)
    return items


def sound_of(folder: Path, row: Row) -> Sound:
    """The recording of a row, found again by `SoundMaker` from the folder of the manifest. Raises `OSError`."""
    path = folder / str(row["path"])
    return Sound(
        file=Path(os.path.relpath(path, folder)).as_posix(), sha256=hashlib.sha256(path.read_bytes()).hexdigest()
    )


def collection_of(row: Row) -> str:
    """The part of a row's id before the first slash."""
    return str(row["id"]).split("/")[0]


def origin_of(row: Row) -> Origin:
    return "human" if row.get("kind", "human") == "human" else "synthetic"


def licence_of(row: Row) -> str:
    return str(row.get("licence") or "unknown")


def publisher_of(row: Row) -> str:
    return str(row.get("source_repo") or collection_of(row))
