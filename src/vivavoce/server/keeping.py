"""A spoken answer on its way into the ledger: its sound gathered while it is spoken, kept before its id is of use.

What was not spoken to the end (the client hung up, an engine failed) is not kept. An answer that cannot be kept is
still given, with an expiry that is already over.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from vivavoce.audio import Audio
from vivavoce.codec.kept import SoundKeeper
from vivavoce.errors import StorageFailed
from vivavoce.ledger.replies import KeptReply, Replies

log = logging.getLogger(__name__)


class Keeping:
    """One spoken answer under a new id. `expires_at`, in Unix seconds, is what `keep` could promise."""

    def __init__(self, replies: Replies, owner: bytes, fmt: str, ttl_s: int) -> None:
        self.audio_id = f"audio_{secrets.token_hex(16)}"
        self.expires_at = int(time.time()) + ttl_s
        self._replies = replies
        self._owner = owner
        self._format = fmt
        self._sound = SoundKeeper()

    def feed(self, audio: Audio) -> None:
        """Take the next stretch of sound. Blocking."""
        self._sound.feed(audio)

    async def keep(self, transcript: str) -> None:
        """Put the answer into the ledger. Once this returns, its id can be named by the next request."""
        try:
            await asyncio.to_thread(self._keep, transcript)
        except StorageFailed as error:
            log.error("an answer was given but not kept: %s", error.message)
            self.expires_at = int(time.time())

    def _keep(self, transcript: str) -> None:
        reply = KeptReply(transcript, self._format)
        self._replies.keep(self._owner, self.audio_id, reply, self._sound.finish(), expires_at=self.expires_at)
