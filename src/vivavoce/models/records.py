"""What is remembered of a pull: `source.json` in a model's folder, file by file.

Says where each file came from, what its hash was and what that was checked against. Does NOT know how files are
fetched. A record that cannot be read counts as none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vivavoce.models.catalog import ModelEntry, ModelFile

RECORD_NAME = "source.json"
FOUND_IN_PLACE = "found in place"


@dataclass(frozen=True)
class FileRecord:
    """size: bytes. source: `hub:…`, `pip:…`, `npm:…` or "found in place"; empty where nobody knows.

    checked_against: "catalogue" (a hash that we pinned) or "hub" (the hub's own word).
    """

    size: int
    sha256: str
    source: str
    checked_against: str = "catalogue"


def read(folder: Path) -> dict[str, FileRecord]:
    """The record of the last pull into `folder`, by file name; empty where there is none."""
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / RECORD_NAME).read_text("utf-8"))["files"]
        return {
            str(name): FileRecord(
                int(facts["size"]),
                str(facts["sha256"]),
                str(facts["source"]),
                str(facts.get("checked_against", "catalogue")),
            )
            for name, facts in files.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write(folder: Path, entry: ModelEntry, files: Mapping[str, FileRecord], *, terms_accepted: bool) -> None:
    """Replace the record in one step. Raises OSError."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    from_hub = any(file.source.startswith("hub:") for file in files.values())
    record = {
        "model": entry.name,
        "licence": entry.licence,
        **({"terms_accepted_at": now} if terms_accepted else {}),
        "installed_at": now,
        **({"hub_revision": entry.hub.revision} if entry.hub and from_hub else {}),
        "files": {name: asdict(file) for name, file in files.items()},
    }
    target = folder / RECORD_NAME
    draft = target.with_suffix(".json.tmp")
    draft.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    draft.replace(target)


def completed(entry: ModelEntry, files: Mapping[str, FileRecord]) -> ModelEntry:
    """`entry` with the exact sizes and hashes that the hub gave when it was pulled, where the catalogue has none."""
    return entry.model_copy(update={"files": tuple(_completed(file, files.get(file.name)) for file in entry.files)})


def _completed(file: ModelFile, known: FileRecord | None) -> ModelFile:
    if file.pinned or known is None:
        return file
    return file.model_copy(update={"size": known.size, "sha256": known.sha256, "about": False})
