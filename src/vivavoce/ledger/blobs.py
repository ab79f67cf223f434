"""Big sealed files, written and read piece by piece, so that none is ever whole in memory nor in the clear on the disk.

Each piece is sealed by itself, its place in the file in its label, and the last one says that it is the last: what is
cut short, swapped or damaged is noticed. Knows no table. Blocking: call it off the event loop.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Container, Generator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from vivavoce.errors import StorageFailed
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.seal import SEALED_MORE_BYTES, Seal

ORPHAN_S = 3600
"""A blob that nothing refers to is on its way to be referred to, unless it is older than this."""

PIECE_BYTES = 1 << 20
_SEALED_BYTES = PIECE_BYTES + SEALED_MORE_BYTES


class Blobs:
    """Files in `folder`, which is there, each under a key of its own. Every method raises `StorageFailed`."""

    def __init__(self, folder: Path, seal: Seal) -> None:
        self._folder = folder
        self._seal = seal

    def writer(self, material: bytes, key: bytes) -> BlobWriter:
        """For who knows `material`. Nothing is under `key` until the writer is closed well."""
        return BlobWriter(self._file(key), self._seal, material, key)

    def read(self, material: bytes, key: bytes) -> Generator[bytes, None, None]:
        """The pieces of a blob, at least one. Raises `StorageFailed` where it is gone or damaged."""
        with may_fail("read"), self._file(key).open("rb") as source:
            count = max(1, -(-os.fstat(source.fileno()).st_size // _SEALED_BYTES))
            for number in range(count):
                label = _label(key, number, last=number == count - 1)
                if (piece := self._seal.open(material, source.read(_SEALED_BYTES), label)) is None:
                    raise StorageFailed("A file of the ledger is damaged, or its secret is another one.")
                yield piece

    def delete(self, key: bytes) -> None:
        with may_fail("written"):
            self._file(key).unlink(missing_ok=True)

    def sweep(self, living: Container[bytes]) -> None:
        """Delete old files that nothing refers to: what a crash left."""
        with may_fail("written"):
            for entry in os.scandir(self._folder):
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime < time.time() - ORPHAN_S and _key(entry.name) not in living:
                        Path(entry.path).unlink()

    def _file(self, key: bytes) -> Path:
        return self._folder / key.hex()


class BlobWriter:
    """A blob on its way: bytes by `feed`, then `finish`; or `discard`, and nothing remains of it. As a context it does
    one of the two by itself.

    `size`: bytes so far. Raises `StorageFailed`.
    """

    def __init__(self, file: Path, seal: Seal, material: bytes, key: bytes) -> None:
        self.key = key
        self.size = 0
        self._file = file
        self._part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
        self._seal = seal
        self._material = material
        self._waiting = bytearray()
        self._number = 0
        with may_fail("written"):
            self._sink = os.fdopen(os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def __enter__(self) -> BlobWriter:
        return self

    def feed(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        self._waiting += data
        while len(self._waiting) > PIECE_BYTES:
            self._write(bytes(self._waiting[:PIECE_BYTES]), last=False)
            del self._waiting[:PIECE_BYTES]

    def finish(self) -> None:
        try:
            with may_fail("written"):
                with self._sink:
                    self._write(bytes(self._waiting), last=True)
                    self._sink.flush()
                    os.fsync(self._sink.fileno())  # a row that names it must not outlive it in a power cut
                self._part.replace(self._file)
        finally:
            self.discard()

    def discard(self) -> None:
        with suppress(OSError):
            self._sink.close()
        self._part.unlink(missing_ok=True)

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        if error is None:
            self.finish()
        else:
            self.discard()

    def _write(self, piece: bytes, *, last: bool) -> None:
        with may_fail("written"):
            self._sink.write(self._seal.close(self._material, piece, _label(self.key, self._number, last=last)))
        self._number += 1


def _label(key: bytes, number: int, *, last: bool) -> bytes:
    return key + number.to_bytes(8, "big") + bytes([last])


def _key(name: str) -> bytes:
    """Of a file's name; no key at all where it is of one half-written."""
    try:
        return bytes.fromhex(name)
    except ValueError:
        return b""
