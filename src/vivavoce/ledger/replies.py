"""Spoken replies by id: their words for a later turn that names one, and their sound to be fetched again.

A reply is found only under its id together with its owner, so somebody else's id reads exactly like an unknown one.
Knows no HTTP and no codec. Blocking: call it off the event loop.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Store

_SOUND = b"sound"


@dataclass(frozen=True, slots=True)
class KeptReply:
    """`format` is that in which the sound was sent."""

    transcript: str
    format: str


class Replies:
    """Every method raises `StorageFailed`."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def keep(self, owner: bytes, reply_id: str, reply: KeptReply, sound: bytes, *, expires_at: int) -> None:
        """Keep a reply and its sound, whatever bytes that is, until `expires_at` (Unix seconds)."""
        key, material = self._key(owner, reply_id), reply_id.encode()
        value = self._seal.close(material, json.dumps(asdict(reply)).encode(), key)
        self._store.put(key, value, expires_at=expires_at, sound=self._seal.close(material, sound, key + _SOUND))

    def find(self, owner: bytes, reply_id: str) -> KeptReply | None:
        """None if the reply is unknown, expired, damaged or somebody else's."""
        key = self._key(owner, reply_id)
        if (sealed := self._store.get(key)) is None:
            return None
        value = self._seal.open(reply_id.encode(), sealed, key)
        return None if value is None else KeptReply(**json.loads(value))

    def sound(self, owner: bytes, reply_id: str) -> bytes | None:
        """The sound of a reply that `find` finds; None if it is damaged or gone."""
        key = self._key(owner, reply_id)
        sealed = self._store.sound(key)
        return None if sealed is None else self._seal.open(reply_id.encode(), sealed, key + _SOUND)

    def forget(self, owner: bytes, reply_id: str) -> bool:
        """Delete a reply at once; False where `find` finds none."""
        return self._store.forget(self._key(owner, reply_id))

    def _key(self, owner: bytes, reply_id: str) -> bytes:
        return self._seal.row_key("reply", owner, reply_id.encode())
