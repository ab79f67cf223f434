"""What was heard in a recording, for its owner: readable only to who has the recording itself.

A store for `listen.cached`, which gives the bytes their meaning. Blocking: call it off the event loop.
"""

from __future__ import annotations

from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock, Store


class Hearings:
    """`recording` is a digest of its samples, `settings` says how it was listened to. Methods raise `StorageFailed`."""

    def __init__(self, store: Store, seal: Seal, clock: Clock) -> None:
        self._store = store
        self._seal = seal
        self._clock = clock

    def get(self, owner: bytes, recording: bytes, settings: bytes) -> bytes | None:
        key = self._seal.row_key("hearing", owner, recording, settings)
        sealed = self._store.get(key)
        return None if sealed is None else self._seal.open(recording, sealed, key)

    def put(self, owner: bytes, recording: bytes, settings: bytes, heard: bytes, *, ttl_s: int) -> None:
        key = self._seal.row_key("hearing", owner, recording, settings)
        self._store.put(key, self._seal.close(recording, heard, key), expires_at=int(self._clock()) + ttl_s)
