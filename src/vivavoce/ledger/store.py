"""Where sealed things lie until they expire: small ones in the database, sound in files beside it.

Safe for several processes and threads at once. A file is there before its row and goes after it, so a crash leaves at
most a file without a row, which garbage collection sweeps. What has expired is refused at once and deleted at the next
collection: rows overwritten, the database's log cut to nothing, files unlinked. Bytes are sealed before they come
here; this knows nothing of what they mean. Blocking: call it off the event loop.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine, bindparam, delete, insert, select

from vivavoce.ledger import sqlite
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.folder import write_whole
from vivavoce.ledger.tables import SEALED

Clock = Callable[[], float]
"""Unix seconds."""

ORPHAN_S = 300
"""A file without a row is somebody's write under way, unless it is older than this."""


class Store:
    """Sealed rows in the database behind `engine`, sound as files in the folder `sounds`, which is there.

    Every method raises `StorageFailed` where the disk is full, read-only or broken.
    """

    def __init__(self, engine: Engine, sounds: Path, clock: Clock = time.time) -> None:
        self._engine = engine
        self._sounds = sounds
        self._clock = clock

    def put(self, key: bytes, value: bytes, *, expires_at: int, sound: bytes | None = None) -> None:
        """Keep `value`, and `sound` in a file of its own, in place of what was under `key`."""
        with may_fail("written"):
            if sound is not None:
                write_whole(self._sound_file(key), sound)
            row = {"key": key, "expires_at": expires_at, "value": value, "has_sound": sound is not None}
            try:
                with self._engine.begin() as connection:
                    connection.execute(delete(SEALED).where(SEALED.c.key == key))
                    connection.execute(insert(SEALED).values(row))
            except BaseException:
                self._sound_file(key).unlink(missing_ok=True)
                raise

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`; None if there is none or it has expired."""
        query = select(SEALED.c.value).where(SEALED.c.key == key, SEALED.c.expires_at > self._clock())
        with may_fail("read"), self._engine.connect() as connection:
            return connection.scalar(query)

    def sound(self, key: bytes) -> bytes | None:
        """The file of a living row; None if there is none. Ask `get` first: this does not look at the expiry."""
        with may_fail("read"), suppress(FileNotFoundError):
            return self._sound_file(key).read_bytes()
        return None

    def forget(self, key: bytes) -> bool:
        """Delete at once, without a trace; whether there was anything to delete."""
        mine = (SEALED.c.key == key, SEALED.c.expires_at > self._clock())
        with may_fail("written"):
            with self._engine.begin() as connection:
                found = connection.execute(delete(SEALED).where(*mine)).rowcount > 0
            if found:
                self._sound_file(key).unlink(missing_ok=True)
                sqlite.cut_log(self._engine)
        return found

    def collect_garbage(self) -> int:
        """Delete what has expired, without a trace, and sweep what a crash left. Returns how many rows went."""
        with may_fail("written"):
            expired = self._delete_expired()
            self._sweep()
            sqlite.cut_log(self._engine)
        return expired

    def _delete_expired(self) -> int:
        over = delete(SEALED).where(SEALED.c.expires_at <= self._clock()).returning(SEALED.c.key, SEALED.c.has_sound)
        with self._engine.begin() as connection:
            gone = connection.execute(over).all()
        for key, has_sound in gone:
            if has_sound:
                self._sound_file(key).unlink(missing_ok=True)
        return len(gone)

    def _sweep(self) -> None:
        """Delete old files without a row, and rows without their file."""
        files: dict[str, float] = {}
        for entry in os.scandir(self._sounds):
            with suppress(FileNotFoundError):
                files[entry.name] = entry.stat().st_mtime
        with self._engine.connect() as connection:
            rows = {key.hex() for key in connection.scalars(select(SEALED.c.key).where(SEALED.c.has_sound))}
        for name, written_at in files.items():
            if name not in rows and written_at < time.time() - ORPHAN_S:
                (self._sounds / name).unlink(missing_ok=True)
        # A row read above may be newer than the list of files: look at each again.
        lost = [{"lost": bytes.fromhex(name)} for name in rows - files.keys() if not (self._sounds / name).exists()]
        if lost:
            with self._engine.begin() as connection:
                connection.execute(delete(SEALED).where(SEALED.c.key == bindparam("lost")), lost)

    def _sound_file(self, key: bytes) -> Path:
        return self._sounds / key.hex()
