"""Spoken replies by id, so that a later turn can name one: `{"role": "assistant", "audio": {"id": …}}`.

Keeps the words of a reply, not its sound, and only until the id expires; expired rows are deleted, not hidden.
Knows no HTTP. Blocking: call it off the event loop.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import BigInteger, String, Text, create_engine, delete, event, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry


class Base(DeclarativeBase):
    pass


class ReplyRow(Base):
    __tablename__ = "replies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    transcript: Mapped[str] = mapped_column(Text)


class Replies:
    """A table of replies in `folder/ledger.sqlite`. Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._engine = create_engine(f"sqlite:///{folder / 'ledger.sqlite'}")
        event.listen(self._engine, "connect", _prepare_sqlite)
        Base.metadata.create_all(self._engine)

    def keep(self, reply_id: str, transcript: str, *, expires_at: int, now: int) -> None:
        """Store a reply, and delete all that have expired by `now` (Unix seconds)."""
        with Session(self._engine) as session:
            session.execute(delete(ReplyRow).where(ReplyRow.expires_at <= now))
            session.add(ReplyRow(id=reply_id, expires_at=expires_at, transcript=transcript))
            session.commit()

    def find(self, reply_id: str, *, now: int) -> str | None:
        """The words of a reply, or None if it is unknown or has expired."""
        query = select(ReplyRow.transcript).where(ReplyRow.id == reply_id, ReplyRow.expires_at > now)
        with Session(self._engine) as session:
            return session.scalar(query)

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Several writers wait for each other; what is deleted is overwritten on disk."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()
