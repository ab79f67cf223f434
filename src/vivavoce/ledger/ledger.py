"""The ledger as one object: keys, usage, replies, hearings, stored completions, files and batches over one database and
one secret.

Knows neither HTTP nor settings. Blocking: call it off the event loop.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine

from vivavoce.errors import StorageFailed
from vivavoce.ledger.batch_runs import BatchRuns
from vivavoce.ledger.batches import Batches
from vivavoce.ledger.blobs import Blobs
from vivavoce.ledger.completions import Completions
from vivavoce.ledger.database import may_fail, upgrade
from vivavoce.ledger.files import Files
from vivavoce.ledger.folder import alone, read_secret
from vivavoce.ledger.hearings import Hearings
from vivavoce.ledger.keys import Keys
from vivavoce.ledger.replies import Replies
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.sqlite import sqlite_engine
from vivavoce.ledger.store import Clock, Store
from vivavoce.ledger.usage import UsageLog


class Ledger:
    """The ledger in `folder`, made if need be, its tables brought to their newest shape.

    Rows lie in `folder/ledger.sqlite`, or in the database at `url`; sound in `folder/sounds/`, files in
    `folder/files/`, the secret in `folder/ledger.secret`. All of it is its owner's alone (modes 0700 and 0600). Several
    processes may have it open. `usage_days`: how long the usage of requests is kept, None: for ever. Raises
    `StorageFailed`.
    """

    def __init__(
        self, folder: Path, *, url: str | None = None, usage_days: int | None = None, clock: Clock = time.time
    ) -> None:
        sounds, files = folder / "sounds", folder / "files"
        self._clock = clock
        self._usage_days = usage_days
        self._engine = sqlite_engine(folder / "ledger.sqlite") if url is None else create_engine(url)
        try:
            with may_fail(f"opened in {folder}"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                for each in (sounds, files):
                    each.mkdir(exist_ok=True, mode=0o700)
                with alone(folder / "ledger.lock"):
                    self._seal = Seal(read_secret(folder / "ledger.secret"))
                    upgrade(self._engine)
        except StorageFailed:
            self.close()
            raise
        self._store = Store(self._engine, sounds, clock)
        self.replies = Replies(self._store, self._seal)
        self.hearings = Hearings(self._store, self._seal, clock)
        self.completions = Completions(self._engine, self._seal, clock)
        self.keys = Keys(self._engine, self._seal, clock)
        self.usage = UsageLog(self._engine)
        blobs = Blobs(files, self._seal)
        self.files = Files(self._engine, blobs, self._seal, clock)
        self.batches = Batches(self._engine, self.files, blobs, self._seal, clock)
        self.batch_runs = BatchRuns(self._engine, self.batches, self.files, blobs, self._seal, clock)

    def owner(self, token: str) -> bytes:
        """The owner who sends `token` ("" where nobody says who they are)."""
        return self._seal.owner(token)

    def collect_garbage(self) -> int:
        """Delete what has expired, without a trace, and sweep what a crash left. Returns how many rows went."""
        forgotten = 0
        if self._usage_days is not None:
            today = datetime.fromtimestamp(self._clock(), UTC).date()
            forgotten = self.usage.forget_before(today - timedelta(days=self._usage_days))
        forgotten += self.batches.collect_garbage() + self.files.collect_garbage()
        return forgotten + self.completions.forget_expired() + self._store.collect_garbage()

    def close(self) -> None:
        self._engine.dispose()
