"""What there is: one row per model of the catalogue, with what it takes on this disk. Reads only.

Does NOT fetch, remove or hash anything (`store.py`), and does not know how rows look (`console.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vivavoce.models import records
from vivavoce.models.sources import folder_bytes
from vivavoce.models.store import ModelStore


@dataclass(frozen=True)
class FileRow:
    """One file of a model. sha256 is None where only the hub can say it and it was never pulled."""

    name: str
    size_bytes: int
    sha256: str | None
    checked_against: Literal["catalogue", "hub"]
    source: str | None


@dataclass(frozen=True)
class InventoryRow:
    """One model. size_bytes: when installed (about, where only the hub knows); disk_bytes, partial_bytes: on this disk.

    hash_from says whose hashes a pull is checked against: ours, or the hub's own. `sources` is where it can be had.
    """

    name: str
    role: Literal["listen", "think", "speak", "speakers"]
    title: str
    licence: str
    terms: str | None
    maker: str
    note: str
    size_bytes: int
    hash_from: Literal["catalogue", "hub"]
    installed: bool
    disk_bytes: int
    partial_bytes: int
    path: str
    sources: tuple[str, ...]
    files: tuple[FileRow, ...]

    @property
    def recorded(self) -> bool:
        """Whether it is known where the files came from, as it is after a pull."""
        return any(file.source for file in self.files)


def inventory(store: ModelStore) -> list[InventoryRow]:
    """Every model of the catalogue, installed or not, in the catalogue's order."""
    return [row(store, name) for name in store.names]


def row(store: ModelStore, name: str) -> InventoryRow:
    """One model. Raises `ModelNotFound`."""
    entry, folder = store.entry(name), store.root / name
    known = records.read(folder)
    installed = store.is_installed(name)
    places = (f"hub:{entry.hub}",) if entry.hub else ()
    return InventoryRow(
        name=name,
        role=entry.role,
        title=entry.title,
        licence=entry.licence,
        terms=entry.terms,
        maker=entry.maker,
        note=entry.note,
        size_bytes=records.completed(entry, known).size,
        hash_from="catalogue" if entry.pinned else "hub",
        installed=installed,
        disk_bytes=folder_bytes(folder),
        partial_bytes=folder_bytes(store.work_folder(name)),
        path=str(folder),
        sources=places + tuple(str(package) for package in entry.packages),
        files=tuple(
            FileRow(
                file.name,
                file.size,
                file.sha256,
                "catalogue" if pinned.sha256 else "hub",
                known[file.name].source if installed and file.name in known else None,
            )
            for file, pinned in zip(records.completed(entry, known).files, entry.files, strict=True)
        ),
    )


def other_bytes(root: Path, rows: list[InventoryRow]) -> int:
    """Bytes under `root` that belong to no model of this catalogue: an older version's, or somebody's own."""
    return max(0, folder_bytes(root) - sum(row.disk_bytes + row.partial_bytes for row in rows))
