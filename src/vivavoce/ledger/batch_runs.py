"""Batches as their runner sees them: taken under a lease, worked on line by line, ended.

A lease runs out unless it is renewed, so the batch of a runner that died is taken by another. Whatever a runner writes
is written only while the batch is still its own, in one transaction with the count and the usage of the line: a line's
result is there once, or not at all. Knows neither HTTP nor what a line means. Blocking: call it off the event loop.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select, update

from vivavoce.errors import StorageFailed
from vivavoce.ledger.batches import UNENDED, Batch, Batches, Issue, Outcome, Status
from vivavoce.ledger.blobs import Blobs
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.files import Files, KeptFile
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock
from vivavoce.ledger.tables import BATCH_LINES, BATCHES, USAGE
from vivavoce.ledger.usage import UsageRow, flat

BIG_BYTES = 1 << 16
"""From here on a result lies in a file, not in the database (decision 7)."""

READ_AT_ONCE = 100
"""Results."""

MOST_WAITING = 10_000
"""Batches that are looked at by who takes some of them."""


class LeaseLostError(Exception):
    """Another has taken the batch, or it is gone: nothing was written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that whoever holds this may work on while its lease lasts, in the name of `owner`. `runner` is drawn anew
    for each claim: also who takes a batch again is another."""

    key: bytes
    runner: str
    owner: bytes
    key_id: str | None
    batch: Batch


class BatchRuns:
    """Methods raise `StorageFailed`, and those that write `LeaseLostError`."""

    def __init__(self, engine: Engine, batches: Batches, files: Files, blobs: Blobs, seal: Seal, clock: Clock) -> None:
        self._engine = engine
        self._batches = batches
        self._files = files
        self._blobs = blobs
        self._seal = seal
        self._clock = clock

    def claim(self, lease_s: float, most: int, *, most_of_one: int = 1) -> list[Claim]:
        """Take up to `most` batches that nobody works on, the oldest first, but so that at most `most_of_one` of one
        owner are worked on by anybody."""
        free = (BATCHES.c.works_for.is_not(None), BATCHES.c.lease_until_ms < self._now_ms())
        claims: list[Claim] = []
        for key in self._due(free, most_of_one):
            if len(claims) == most:
                break
            runner = secrets.token_hex(16)
            take = update(BATCHES).where(BATCHES.c.key == key, *free)
            take = take.values(runner=runner, lease_until_ms=self._now_ms() + round(lease_s * 1000))
            with may_fail("written"), self._engine.begin() as connection:
                if connection.execute(take).rowcount:
                    claims += self._claimed(connection, runner, key)
        return claims

    def _due(self, free: Sequence[ColumnElement[bool]], most_of_one: int) -> list[bytes]:
        waiting = select(BATCHES.c.key, BATCHES.c.owner).where(*free).order_by(BATCHES.c.created_ms).limit(MOST_WAITING)
        leased = select(BATCHES.c.owner).where(BATCHES.c.works_for.is_not(None), ~free[1])
        with may_fail("read"), self._engine.connect() as connection:
            rows = connection.execute(waiting).all()
            worked_on = Counter(connection.scalars(leased)) if rows else Counter[bytes]()
        due: list[bytes] = []
        for key, owner in rows:
            if worked_on[owner] < most_of_one:
                worked_on[owner] += 1
                due.append(key)
        return due

    def _claimed(self, connection: Connection, runner: str, key: bytes) -> list[Claim]:
        row = connection.execute(select(BATCHES).where(BATCHES.c.key == key)).mappings().one()
        owner = self._seal.open(b"", row["works_for"], key)
        try:
            return [] if owner is None else [Claim(key, runner, owner, row["key_id"], self._batches.told(owner, row))]
        except ValueError:
            return []  # damaged: nobody can run it, nor read it

    def beat(self, claim: Claim, lease_s: float) -> Status:
        """Renew the lease. Returns the state of the batch, which its owner may have changed."""
        with may_fail("written"), self._engine.begin() as connection:
            self._change(connection, claim, lease_until_ms=self._now_ms() + round(lease_s * 1000))
            status = connection.scalar(select(BATCHES.c.status).where(BATCHES.c.key == claim.key))
        return cast("Status", status)

    def release(self, claim: Claim) -> None:
        """Let another go on with it at once."""
        with may_fail("written"), self._engine.begin() as connection:
            self._change(connection, claim, runner=None, lease_until_ms=0)

    def begin(self, claim: Claim, total: int, model: str | None) -> bool:
        """The input is good: `total` lines. False where the owner has cancelled it by now."""
        with may_fail("written"), self._engine.begin() as connection:
            return self._move(
                connection,
                claim,
                "in_progress",
                of=("validating",),
                total=total,
                model=model,
                in_progress_at=self._now(),
            )

    def begun(self, claim: Claim) -> bool:
        """Whether the input was found good."""
        query = select(BATCHES.c.in_progress_at).where(BATCHES.c.key == claim.key)
        with may_fail("read"), self._engine.connect() as connection:
            return connection.scalar(query) is not None

    def record(self, claim: Claim, line: int, result: bytes, *, answered: bool, usage: UsageRow | None) -> None:
        """What came of a line, and what it used: both or neither. `answered`: it is for the output, not the errors."""
        blob = secrets.token_bytes(32) if len(result) > BIG_BYTES else None
        try:
            if blob is not None:
                with self._blobs.writer(claim.owner, blob) as writer:
                    writer.feed(result)
            with may_fail("written"), self._engine.begin() as connection:
                self._count(connection, claim, usage, answered=answered)
                value = None if blob is not None else self._seal.close(claim.owner, result, _place(claim, line))
                row = {"batch": claim.key, "line": line, "answered": answered, "value": value, "blob": blob}
                connection.execute(insert(BATCH_LINES).values(row))
                if usage is not None:
                    connection.execute(insert(USAGE).values(flat(usage)))
        except BaseException:
            if blob is not None:
                self._blobs.delete(blob)
            raise

    def done(self, claim: Claim) -> set[int]:
        """The lines of which something has come."""
        query = select(BATCH_LINES.c.line).where(BATCH_LINES.c.batch == claim.key)
        with may_fail("read"), self._engine.connect() as connection:
            return set(connection.scalars(query))

    def results(self, claim: Claim, *, answered: bool) -> Iterator[tuple[int, bytes]]:
        """Lines and what came of them, in the order of the input."""
        columns = (BATCH_LINES.c.line, BATCH_LINES.c.value, BATCH_LINES.c.blob)
        after = 0
        while True:
            mine = (BATCH_LINES.c.batch == claim.key, BATCH_LINES.c.line > after)
            query = select(*columns).where(*mine, BATCH_LINES.c.answered.is_(answered))
            with may_fail("read"), self._engine.connect() as connection:
                rows = connection.execute(query.order_by(BATCH_LINES.c.line).limit(READ_AT_ONCE)).all()
            if not rows:
                return
            for after, value, blob in rows:
                if blob is not None:
                    yield after, b"".join(self._blobs.read(claim.owner, blob))
                elif (result := self._seal.open(claim.owner, value, _place(claim, after))) is not None:
                    yield after, result
                else:
                    raise StorageFailed("What came of a line of a batch is damaged.")

    def finalize(self, claim: Claim) -> bool:
        """All lines are done. False where the owner has cancelled it by now."""
        with may_fail("written"), self._engine.begin() as connection:
            return self._move(connection, claim, "finalizing", of=("in_progress",), finalizing_at=self._now())

    def end(
        self,
        claim: Claim,
        status: Status,
        *,
        output: KeptFile | None = None,
        errors: KeptFile | None = None,
        issues: Sequence[Issue] = (),
    ) -> None:
        """The batch has ended as `status` with these files, which were written. Nobody works for its owner any more."""
        outcome = Outcome(output and output.id, errors and errors.id, tuple(issues))
        sealed = self._seal.close(claim.owner, json.dumps(asdict(outcome)).encode(), claim.key)
        with may_fail("written"):
            with self._engine.begin() as connection:
                self._change(
                    connection,
                    claim,
                    status=status,
                    outcome=sealed,
                    works_for=None,
                    runner=None,
                    **{f"{status}_at": self._now()},
                )
                for made in (output, errors):
                    if made is not None:
                        self._files.insert(connection, claim.owner, made)
                over = delete(BATCH_LINES).where(BATCH_LINES.c.batch == claim.key).returning(BATCH_LINES.c.blob)
                blobs = connection.scalars(over).all()
            for blob in blobs:
                if blob is not None:
                    self._blobs.delete(blob)

    def _count(self, connection: Connection, claim: Claim, usage: UsageRow | None, *, answered: bool) -> None:
        column = BATCHES.c.completed if answered else BATCHES.c.failed
        counts: dict[str, Any] = {column.name: column + 1}
        if usage is not None:
            used = usage.usage
            for name, tokens in (
                ("input_tokens", used.input_tokens),
                ("input_cached_tokens", used.input_cached_tokens),
                ("output_tokens", used.output_tokens),
            ):
                counts[name] = BATCHES.c[name] + tokens
        self._change(connection, claim, **counts)

    def _move(
        self, connection: Connection, claim: Claim, status: Status, *, of: Sequence[Status], **values: Any
    ) -> bool:
        self._change(connection, claim)
        mine = update(BATCHES).where(BATCHES.c.key == claim.key, BATCHES.c.status.in_(of))
        return connection.execute(mine.values(status=status, **values)).rowcount > 0

    def _change(self, connection: Connection, claim: Claim, **values: Any) -> None:
        """Write to the row of a batch that is still ours, or raise `LeaseLostError`."""
        mine = update(BATCHES).where(
            BATCHES.c.key == claim.key, BATCHES.c.runner == claim.runner, BATCHES.c.status.in_(UNENDED)
        )
        if not connection.execute(mine.values(values or {"runner": claim.runner})).rowcount:
            raise LeaseLostError

    def _now(self) -> int:
        return int(self._clock())

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _place(claim: Claim, line: int) -> bytes:
    """Ties what is sealed to its line."""
    return claim.key + line.to_bytes(8, "big")
