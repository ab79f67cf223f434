"""Batches as their owner sees them: ordered, found, listed, cancelled. Who runs them is in `batch_runs`.

What was ordered and what came of it is sealed for the owner; beside it lie the state, the times and the counts. While a
batch has not ended its row says for whom it works, sealed by the ledger's secret alone: it must go on after a restart,
when its owner is not there to ask. Knows no HTTP. Blocking: call it off the event loop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Engine, RowMapping, delete, func, insert, select, update

from vivavoce.ledger.blobs import Blobs
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.files import Files
from vivavoce.ledger.listing import Page, made_ms, new_id, page_of
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock
from vivavoce.ledger.tables import BATCH_LINES, BATCHES

PREFIX = "batch_"

Status = Literal["validating", "in_progress", "finalizing", "cancelling", "completed", "failed", "expired", "cancelled"]
UNENDED: tuple[Status, ...] = ("validating", "in_progress", "finalizing", "cancelling")
TIMES = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)
COUNTS = ("total", "completed", "failed", "input_tokens", "input_cached_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done. `output_ttl_s`: how long the files that come of it are kept; None: as others."""

    endpoint: str
    input_file_id: str
    completion_window: str
    metadata: Mapping[str, str] | None = None
    output_ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with an input file; `line` counts from 1, None: with all of it."""

    code: str
    message: str
    param: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a batch: the files that were made, and why there was nothing to be done."""

    output_file_id: str | None = None
    error_file_id: str | None = None
    issues: Sequence[Issue] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Times in Unix seconds, by their names in `TIMES`; counts by theirs in `COUNTS`. `model` None: not known yet, or
    several."""

    id: str
    order: Order
    status: Status
    model: str | None
    created_at: int
    expires_at: int
    times: Mapping[str, int | None]
    counts: Mapping[str, int]
    outcome: Outcome


class Batches:
    """Every method raises `StorageFailed`. What is unknown, forgotten, damaged or somebody else's is not told apart."""

    def __init__(self, engine: Engine, files: Files, blobs: Blobs, seal: Seal, clock: Clock) -> None:
        self._engine = engine
        self._files = files
        self._blobs = blobs
        self._seal = seal
        self._clock = clock

    def create(self, owner: bytes, order: Order, *, key_id: str | None, window_s: int, ttl_s: int) -> Batch:
        """A batch that waits for who runs it. It is to end within `window_s`, and is forgotten `ttl_s` after that."""
        now_s = self._clock()
        batch_id = new_id(PREFIX, now_s)
        key = self.key(owner, batch_id)
        row: dict[str, Any] = dict.fromkeys(COUNTS, 0) | {
            "key": key,
            "owner": self._owner(owner),
            "created_ms": made_ms(PREFIX, batch_id),
            "expires_at": int(now_s) + window_s,
            "forget_at": int(now_s) + window_s + ttl_s,
            "key_id": key_id,
            "works_for": self._seal.close(b"", owner, key),
            "input_key": self._files.key(owner, order.input_file_id),
            "lease_until_ms": 0,
            "status": "validating",
            "value": self._seal.close(owner, json.dumps({"id": batch_id, "order": asdict(order)}).encode(), key),
        }
        with may_fail("written"), self._engine.begin() as connection:
            connection.execute(insert(BATCHES).values(row))
        return self.told(owner, row | dict.fromkeys((*TIMES, "model", "outcome")))

    def find(self, owner: bytes, batch_id: str) -> Batch | None:
        query = select(BATCHES).where(BATCHES.c.key == self.key(owner, batch_id))
        with may_fail("read"), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else self._readable(owner, row)

    def list(self, owner: bytes, *, after: str | None, limit: int) -> Page[Batch]:
        """Up to `limit` batches, the newest first, after the one of the id `after`. Raises `InvalidValue`."""
        start = None if after is None else (made_ms(PREFIX, after), self.key(owner, after))
        mine = BATCHES.c.owner == self._owner(owner)
        with may_fail("read"), self._engine.connect() as connection:
            return page_of(connection, BATCHES, mine, start, limit, lambda row: self._readable(owner, row))

    def unended(self, owner: bytes) -> int:
        """How many batches of `owner` have not ended."""
        mine = (BATCHES.c.owner == self._owner(owner)) & BATCHES.c.works_for.is_not(None)
        with may_fail("read"), self._engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(BATCHES).where(mine)) or 0

    def cancel(self, owner: bytes, batch_id: str) -> bool:
        """Ask who runs it to stop; False where there is nothing that could be stopped."""
        mine = BATCHES.c.key == self.key(owner, batch_id)
        stop = update(BATCHES).where(mine, BATCHES.c.status.in_(("validating", "in_progress")))
        with may_fail("written"), self._engine.begin() as connection:
            values = {"status": "cancelling", "cancelling_at": int(self._clock())}
            return connection.execute(stop.values(values)).rowcount > 0

    def collect_garbage(self) -> int:
        """Delete batches that are to be forgotten, and what came of their lines. Returns how many went."""
        over = delete(BATCHES).where(BATCHES.c.forget_at <= self._clock()).returning(BATCHES.c.key)
        with may_fail("written"):
            with self._engine.begin() as connection:
                gone = connection.scalars(over).all()
                mine = delete(BATCH_LINES).where(BATCH_LINES.c.batch.in_(gone))
                blobs = connection.scalars(mine.returning(BATCH_LINES.c.blob)).all()
            for blob in blobs:
                if blob is not None:
                    self._blobs.delete(blob)
        return len(gone)

    def key(self, owner: bytes, batch_id: str) -> bytes:
        return self._seal.row_key("batch", owner, batch_id.encode())

    def told(self, owner: bytes, row: Mapping[str, Any] | RowMapping) -> Batch:
        """Raises `ValueError` for a row that is damaged, or of another owner."""
        value = self._opened(owner, row["key"], row["value"])
        outcome = Outcome()
        if row["outcome"] is not None:
            found = self._opened(owner, row["key"], row["outcome"])
            issues = tuple(Issue(**issue) for issue in found["issues"])
            outcome = Outcome(found["output_file_id"], found["error_file_id"], issues)
        return Batch(
            id=value["id"],
            order=Order(**value["order"]),
            status=row["status"],
            model=row["model"],
            created_at=row["created_ms"] // 1000,
            expires_at=row["expires_at"],
            times={name: row[name] for name in TIMES},
            counts={name: row[name] for name in COUNTS},
            outcome=outcome,
        )

    def _readable(self, owner: bytes, row: RowMapping) -> Batch | None:
        try:
            return self.told(owner, row)
        except ValueError:
            return None

    def _opened(self, owner: bytes, key: bytes, sealed: bytes) -> dict[str, Any]:
        if (value := self._seal.open(owner, sealed, key)) is None:
            raise ValueError("sealed for another, or damaged")
        return json.loads(value)

    def _owner(self, owner: bytes) -> bytes:
        return self._seal.row_key("batches", owner)
