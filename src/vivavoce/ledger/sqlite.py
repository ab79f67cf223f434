"""What SQLite wants done its own way: the only file that says so. Other databases pass through here untouched."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

NAME = "sqlite"


def sqlite_engine(file: Path) -> Engine:
    """An engine over `file`, which need not be there yet."""
    engine = create_engine(f"sqlite:///{file}")
    event.listen(engine, "connect", _prepare)
    return engine


def make_ready(engine: Engine) -> None:
    """Before the first table: the file is its owner's alone, and readers do not wait for writers (WAL)."""
    if (file := _file(engine)) is None:
        return
    file.touch()
    file.chmod(0o600)  # SQLite gives its log the same mode
    with engine.connect() as connection:
        connection.execute(text("PRAGMA journal_mode=WAL"))


def cut_log(engine: Engine) -> None:
    """Bring the log into the database and cut it to nothing: deleted pages must not live on in it.

    Somebody who reads at this instant can make SQLite put it off to the next time.
    """
    if (file := _file(engine)) is None:
        return
    with suppress(FileNotFoundError):
        if file.with_name(file.name + "-wal").stat().st_size:
            with engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


def _file(engine: Engine) -> Path | None:
    """The file behind `engine`; None where it is another database."""
    return Path(engine.url.database or "") if engine.dialect.name == NAME else None


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Several writers wait for each other; what is deleted is overwritten; the log is synced when it is cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
