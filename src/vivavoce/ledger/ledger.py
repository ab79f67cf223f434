"""The ledger as one object: replies and hearings over one store and one secret.

Knows neither HTTP nor settings. Blocking: call it off the event loop.
"""

from __future__ import annotations

import time
from pathlib import Path

from vivavoce.ledger.hearings import Hearings
from vivavoce.ledger.replies import Replies
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock, Store


class Ledger:
    """The ledger in `folder`, made if need be. Several processes may have it open. Raises `StorageFailed`."""

    def __init__(self, folder: Path, *, clock: Clock = time.time) -> None:
        self._store = Store(folder, clock)
        self._seal = Seal(self._store.secret)
        self.replies = Replies(self._store, self._seal)
        self.hearings = Hearings(self._store, self._seal, clock)

    def owner(self, token: str) -> bytes:
        """The owner who sends `token` ("" where nobody says who they are)."""
        return self._seal.owner(token)

    def collect_garbage(self) -> int:
        """Delete what has expired, without a trace, and sweep what a crash left. Returns how many rows went."""
        return self._store.collect_garbage()

    def close(self) -> None:
        self._store.close()
