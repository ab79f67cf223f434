"""Style sheets, scripts and pictures, under a path that changes when any of them does: browsers keep them for good.

All lie in one folder named by their common digest, so that a script can import its neighbour by a relative path, and no
bundler is needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".png": "image/png",
}
"""Suffixes that are served; whatever else lies in the folder is for people who work on it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """path: below the folder, with slashes."""

    path: str
    content: bytes
    content_type: str


class Assets:
    """All files of a folder, read once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.files: dict[str, Asset] = {}
        digest = hashlib.sha256()
        for file in sorted(folder.rglob("*")):
            if file.suffix in TYPES and not file.name.endswith(".d.ts"):
                path, content = file.relative_to(folder).as_posix(), file.read_bytes()
                self.files[path] = Asset(path, content, TYPES[file.suffix])
                digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        self.folder = f"static/{digest.hexdigest()[:12]}"
        """Where they are served, below the root."""

    def address(self, path: str) -> str:
        """The address of one, without the first slash. Raises `KeyError` for what is not there."""
        return f"{self.folder}/{self.files[path].path}"

    def at(self, address: str) -> Asset | None:
        """What lies at an address, without its first slash."""
        folder, _, path = address.partition(self.folder + "/")
        return None if folder else self.files.get(path)


@cache
def own_assets() -> Assets:
    return Assets()
