"""The ledger's folder: its secret, its lock, and files that are there whole or not at all. Its owner's alone."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from vivavoce.errors import StorageFailed
from vivavoce.ledger.seal import SECRET_BYTES


def read_secret(file: Path) -> bytes:
    """The secret of this ledger, made on first use. Raises `StorageFailed` where it is damaged."""
    with suppress(FileNotFoundError):
        secret = file.read_bytes()
        if len(secret) != SECRET_BYTES:
            raise StorageFailed(f"{file} is damaged. Delete it to start anew; what was kept under it is lost.")
        return secret
    secret = secrets.token_bytes(SECRET_BYTES)
    write_whole(file, secret)
    return secret


def write_whole(file: Path, data: bytes) -> None:
    """All of `data` or no file at all, for its owner's eyes only.

    Without a sync: after a power cut a file may be short, which the seal notices.
    """
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            sink.write(data)
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def alone(file: Path) -> Generator[None, None, None]:
    """One process at a time; the kernel lets go when its holder dies."""
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
