"""Where sealed things lie until they expire: small ones in SQLite, sound in files beside it.

Safe for several processes and threads at once. A file is there before its row and goes after it, so a crash leaves at
most a file without a row, which garbage collection sweeps. What has expired is refused at once and deleted at the next
collection: rows overwritten, the write-ahead log cut to nothing, files unlinked. Bytes are sealed before they come
here; this knows nothing of what they mean. Blocking: call it off the event loop.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateIndex, CreateTable

from vivavoce.errors import StorageFailed
from vivavoce.ledger.seal import SECRET_BYTES

Clock = Callable[[], float]
"""Unix seconds."""

ORPHAN_S = 300
"""A file without a row is somebody's write under way, unless it is older than this."""

_ROWS = Table(
    "sealed",
    MetaData(),
    Column("key", LargeBinary, primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("value", LargeBinary, nullable=False),
    Column("has_sound", Boolean, nullable=False),
)


class Store:
    """Sealed rows in `folder/ledger.sqlite`, sound in `folder/sounds/`, the secret in `folder/ledger.secret`.

    All of it is its owner's alone (modes 0700 and 0600). Every method raises `StorageFailed` where the disk is full,
    read-only or broken.
    """

    def __init__(self, folder: Path, clock: Clock = time.time) -> None:
        self._clock = clock
        self._sounds = folder / "sounds"
        self._database = folder / "ledger.sqlite"
        self._engine = create_engine(f"sqlite:///{self._database}")
        event.listen(self._engine, "connect", _prepare)
        try:
            with _may_fail(f"opened in {folder}"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._sounds.mkdir(exist_ok=True, mode=0o700)
                with _alone(folder / "ledger.lock"):
                    self.secret = _secret(folder / "ledger.secret")
                    self._create()
        except StorageFailed:
            self.close()
            raise

    def put(self, key: bytes, value: bytes, *, expires_at: int, sound: bytes | None = None) -> None:
        """Keep `value`, and `sound` in a file of its own, in place of what was under `key`."""
        with _may_fail("written"):
            if sound is not None:
                self._write_sound(key, sound)
            row = {"key": key, "expires_at": expires_at, "value": value, "has_sound": sound is not None}
            try:
                with self._engine.begin() as connection:
                    connection.execute(delete(_ROWS).where(_ROWS.c.key == key))
                    connection.execute(insert(_ROWS).values(row))
            except BaseException:
                self._sound_file(key).unlink(missing_ok=True)
                raise

    def get(self, key: bytes) -> bytes | None:
        """The value under `key`; None if there is none or it has expired."""
        query = select(_ROWS.c.value).where(_ROWS.c.key == key, _ROWS.c.expires_at > self._clock())
        with _may_fail("read"), self._engine.connect() as connection:
            return connection.scalar(query)

    def sound(self, key: bytes) -> bytes | None:
        """The file of a living row; None if there is none. Ask `get` first: this does not look at the expiry."""
        with _may_fail("read"), suppress(FileNotFoundError):
            return self._sound_file(key).read_bytes()
        return None

    def forget(self, key: bytes) -> bool:
        """Delete at once, without a trace; whether there was anything to delete."""
        mine = (_ROWS.c.key == key, _ROWS.c.expires_at > self._clock())
        with _may_fail("written"):
            with self._engine.begin() as connection:
                found = connection.execute(delete(_ROWS).where(*mine)).rowcount > 0
            if found:
                self._sound_file(key).unlink(missing_ok=True)
                self._cut_log()
        return found

    def collect_garbage(self) -> int:
        """Delete what has expired, without a trace, and sweep what a crash left. Returns how many rows went."""
        with _may_fail("written"):
            expired = self._delete_expired()
            self._sweep()
            self._cut_log()
        return expired

    def close(self) -> None:
        self._engine.dispose()

    def _create(self) -> None:
        self._database.touch()
        self._database.chmod(0o600)  # SQLite gives its log the same mode
        with self._engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode=WAL"))
        with self._engine.begin() as connection:
            connection.execute(CreateTable(_ROWS, if_not_exists=True))
            for index in _ROWS.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))
            # Earlier versions kept words here, unsealed.
            connection.execute(text("DROP TABLE IF EXISTS replies"))

    def _delete_expired(self) -> int:
        over = delete(_ROWS).where(_ROWS.c.expires_at <= self._clock()).returning(_ROWS.c.key, _ROWS.c.has_sound)
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
            rows = {key.hex() for key in connection.scalars(select(_ROWS.c.key).where(_ROWS.c.has_sound))}
        for name, written_at in files.items():
            if name not in rows and written_at < time.time() - ORPHAN_S:
                (self._sounds / name).unlink(missing_ok=True)
        # A row read above may be newer than the list of files: look at each again.
        lost = [{"lost": bytes.fromhex(name)} for name in rows - files.keys() if not (self._sounds / name).exists()]
        if lost:
            with self._engine.begin() as connection:
                connection.execute(delete(_ROWS).where(_ROWS.c.key == bindparam("lost")), lost)

    def _cut_log(self) -> None:
        """Bring the log into the database and cut it to nothing: deleted pages must not live on in it.

        Somebody who reads at this instant can make SQLite put it off to the next collection.
        """
        log = self._database.with_name(self._database.name + "-wal")
        with suppress(FileNotFoundError):
            if log.stat().st_size:
                with self._engine.connect() as connection:
                    connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def _sound_file(self, key: bytes) -> Path:
        return self._sounds / key.hex()

    def _write_sound(self, key: bytes, sound: bytes) -> None:
        _write_whole(self._sound_file(key), sound)


def _secret(file: Path) -> bytes:
    """The secret of this ledger, made on first use."""
    with suppress(FileNotFoundError):
        secret = file.read_bytes()
        if len(secret) != SECRET_BYTES:
            raise StorageFailed(f"{file} is damaged. Delete it to start anew; what was kept under it is lost.")
        return secret
    secret = secrets.token_bytes(SECRET_BYTES)
    _write_whole(file, secret)
    return secret


def _write_whole(file: Path, data: bytes) -> None:
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
def _alone(file: Path) -> Generator[None, None, None]:
    """One process at a time; the kernel lets go when its holder dies."""
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _may_fail(verb: str) -> Generator[None, None, None]:
    """What disk and database raise, as ours."""
    try:
        yield
    except (OSError, SQLAlchemyError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = (isinstance(cause, OSError) and cause.strerror) or str(cause) or type(error).__name__
        raise StorageFailed(
            f"The ledger cannot be {verb}: {reason}. See that VIVA_DATA_DIR has room and may be written."
        ) from error


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Several writers wait for each other; what is deleted is overwritten; the log is synced when it is cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
