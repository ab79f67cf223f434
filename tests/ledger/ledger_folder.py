"""A ledger under test: its clock, what is put in, and every byte of its folder."""

from __future__ import annotations

from pathlib import Path

from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.replies import KeptReply

REPLY = KeptReply("the very secret words", "wav")
SOUND = b"sound of a voice, " * 1000


class Clock:
    """A clock that a test sets. Starts at 1000."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def everything(folder: Path) -> bytes:
    """All bytes under a folder, file names included."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return b"".join(str(file.relative_to(folder)).encode() + file.read_bytes() for file in files)


def keep(ledger: Ledger, reply_id: str = "audio_1", token: str = "anna", expires_at: int = 2000) -> bytes:
    owner = ledger.owner(token)
    ledger.replies.keep(owner, reply_id, REPLY, SOUND, expires_at=expires_at)
    return owner
