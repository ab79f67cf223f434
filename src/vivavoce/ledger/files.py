"""Files that somebody uploaded, or that a batch made: found, listed and read by their owner until they expire.

Name and content are sealed for their owner, whose name for the ledger is stored nowhere; beside them lie the purpose,
the size, the times, and an HMAC that is the same for all of one owner's. Knows no HTTP. Blocking: call it off the event
loop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, exists, func, insert, select

from vivavoce.errors import InvalidRequest
from vivavoce.ledger import sqlite
from vivavoce.ledger.blobs import Blobs, BlobWriter
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.listing import Page, made_ms, new_id, page_of
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock
from vivavoce.ledger.tables import BATCH_LINES, BATCHES, FILES

PREFIX = "file-"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """`bytes` of content; times in Unix seconds."""

    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: int
    expires_at: int


class Files:
    """Every method raises `StorageFailed`. What is unknown, expired, damaged or somebody else's is not told apart."""

    def __init__(self, engine: Engine, blobs: Blobs, seal: Seal, clock: Clock) -> None:
        self._engine = engine
        self._blobs = blobs
        self._seal = seal
        self._clock = clock

    def new_id(self) -> str:
        return new_id(PREFIX, self._clock())

    def writer(self, owner: bytes, file_id: str) -> BlobWriter:
        """For the content of a file of `new_id`, which is there once `keep` was called too."""
        return self._blobs.writer(owner, self.key(owner, file_id))

    def keep(self, owner: bytes, file_id: str, filename: str, purpose: str, size: int, ttl_s: int) -> KeptFile:
        """Keep a file whose content was written, until `ttl_s` seconds from now."""
        kept = self.about(file_id, filename, purpose, size, ttl_s)
        with may_fail("written"), self._engine.begin() as connection:
            self.insert(connection, owner, kept)
        return kept

    def about(self, file_id: str, filename: str, purpose: str, size: int, ttl_s: int) -> KeptFile:
        created_at = made_ms(PREFIX, file_id) // 1000
        return KeptFile(file_id, filename, purpose, size, created_at, int(self._clock()) + ttl_s)

    def insert(self, connection: Connection, owner: bytes, kept: KeptFile) -> None:
        """The row of a file, as a part of a greater whole."""
        key = self.key(owner, kept.id)
        row: dict[str, Any] = {
            "key": key,
            "owner": self._owner(owner),
            "created_ms": made_ms(PREFIX, kept.id),
            "expires_at": kept.expires_at,
            "purpose": kept.purpose,
            "bytes": kept.bytes,
            "value": self._seal.close(owner, json.dumps(asdict(kept)).encode(), key),
        }
        connection.execute(insert(FILES).values(row))

    def find(self, owner: bytes, file_id: str) -> KeptFile | None:
        query = select(FILES).where(FILES.c.key == self.key(owner, file_id), FILES.c.expires_at > self._clock())
        with may_fail("read"), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else self._told(owner, row)

    def list(
        self, owner: bytes, *, after: str | None, limit: int, oldest_first: bool = False, purpose: str | None = None
    ) -> Page[KeptFile]:
        """Up to `limit` files after the one of the id `after`. Raises `InvalidValue` where that is no id."""
        start = None if after is None else (made_ms(PREFIX, after), self.key(owner, after))
        where = (FILES.c.owner == self._owner(owner)) & (FILES.c.expires_at > self._clock())
        if purpose is not None:
            where &= FILES.c.purpose == purpose
        with may_fail("read"), self._engine.connect() as connection:
            return page_of(
                connection,
                FILES,
                where,
                start,
                limit,
                lambda row: self._told(owner, row),
                oldest_first=oldest_first,
            )

    def held_bytes(self, owner: bytes) -> int:
        """How much the files of `owner` hold together."""
        query = select(func.sum(FILES.c.bytes)).where(
            FILES.c.owner == self._owner(owner), FILES.c.expires_at > self._clock()
        )
        with may_fail("read"), self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def read(self, owner: bytes, file_id: str) -> Iterator[bytes]:
        """The content, piece by piece, of a file that `find` finds or a batch still needs."""
        return self._blobs.read(owner, self.key(owner, file_id))

    def forget(self, owner: bytes, file_id: str) -> bool:
        """Delete a file at once; False where `find` finds none. Raises `InvalidRequest` while a batch reads it."""
        key = self.key(owner, file_id)
        with may_fail("written"):
            with self._engine.begin() as connection:
                if connection.scalar(select(exists().where(BATCHES.c.input_key == key, _UNDER_WAY))):
                    raise InvalidRequest(
                        f"{file_id} is the input of a batch that has not ended. Cancel the batch, or wait for it.",
                        param="file_id",
                        code="file_in_use",
                    )
                gone = delete(FILES).where(FILES.c.key == key, FILES.c.expires_at > self._clock())
                found = connection.execute(gone).rowcount > 0
            if found:
                self._blobs.delete(key)
                sqlite.cut_log(self._engine)
        return found

    def collect_garbage(self) -> int:
        """Delete what has expired and no batch needs, and sweep what a crash left. Returns how many files went."""
        needed = select(BATCHES.c.input_key).where(_UNDER_WAY)
        over = delete(FILES).where(FILES.c.expires_at <= self._clock(), FILES.c.key.not_in(needed))
        with may_fail("written"):
            with self._engine.begin() as connection:
                gone = connection.scalars(over.returning(FILES.c.key)).all()
            for key in gone:
                self._blobs.delete(key)
            with self._engine.connect() as connection:
                living = set(connection.scalars(select(FILES.c.key)))
                living.update(connection.scalars(select(BATCH_LINES.c.blob).where(BATCH_LINES.c.blob.is_not(None))))
            self._blobs.sweep(living)
        return len(gone)

    def key(self, owner: bytes, file_id: str) -> bytes:
        return self._seal.row_key("file", owner, file_id.encode())

    def _owner(self, owner: bytes) -> bytes:
        return self._seal.row_key("files", owner)

    def _told(self, owner: bytes, row: RowMapping) -> KeptFile | None:
        value = self._seal.open(owner, row["value"], row["key"])
        return None if value is None else KeptFile(**json.loads(value))


_UNDER_WAY = BATCHES.c.works_for.is_not(None)
