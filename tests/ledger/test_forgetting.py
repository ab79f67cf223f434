"""What is over is gone: refused at once, then deleted from table, log and folder, and orphans swept."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from ledger_folder import Clock, everything, keep

from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.store import ORPHAN_S

PIECE_BYTES = 64


def sealed_pieces(folder: Path) -> list[bytes]:
    """Pieces of every sealed value and sound that the folder holds now: what must not be found later."""
    with sqlite3.connect(folder / "ledger.sqlite") as reader:
        rows = [value for row in reader.execute("SELECT key, value FROM sealed") for value in row]
    reader.close()
    sounds = [file.read_bytes() for file in (folder / "sounds").iterdir()]
    return [value[at : at + PIECE_BYTES] for value in (*rows, *sounds) for at in range(0, len(value), 4096)]


def traces(folder: Path, pieces: list[bytes]) -> int:
    found = everything(folder)
    return sum(piece in found for piece in pieces)


def test_after_expiry_no_byte_is_left(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path, clock=clock)
    for number in range(20):
        keep(ledger, f"audio_{number}")
    ledger.hearings.put(ledger.owner("anna"), b"recording", b"settings", b"words " * 2000, ttl_s=1000)
    pieces = sealed_pieces(tmp_path)
    assert len(pieces) > 60
    assert traces(tmp_path, pieces) == len(pieces)
    clock.now_s = 2000
    assert ledger.collect_garbage() == 21
    assert list((tmp_path / "sounds").iterdir()) == []
    assert (tmp_path / "ledger.sqlite-wal").stat().st_size == 0
    assert traces(tmp_path, pieces) == 0
    ledger.close()


def test_what_has_not_expired_stays(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path, clock=clock)
    owner = keep(ledger, "audio_old", expires_at=1500)
    keep(ledger, "audio_new", expires_at=2500)
    clock.now_s = 2000
    assert ledger.collect_garbage() == 1
    assert ledger.collect_garbage() == 0
    assert ledger.replies.sound(owner, "audio_old") is None
    assert ledger.replies.find(owner, "audio_new") is not None
    assert ledger.replies.sound(owner, "audio_new") is not None
    ledger.close()


def test_forgetting_one_leaves_no_byte_of_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    owner = keep(ledger)
    pieces = sealed_pieces(tmp_path)
    keep(ledger, "audio_2")
    assert ledger.replies.forget(owner, "audio_1")
    assert traces(tmp_path, pieces) == 0
    assert ledger.replies.find(owner, "audio_1") is None
    assert not ledger.replies.forget(owner, "audio_1")
    assert ledger.replies.sound(owner, "audio_2") is not None
    ledger.close()


def test_what_a_crash_left_is_swept_and_writes_under_way_are_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    owner = keep(ledger)
    old, part, young = (tmp_path / "sounds" / name for name in ("ab" * 32, "cd" * 32 + ".1234.part", "ef" * 32))
    for file in (old, part, young):
        file.write_bytes(b"orphan")
    for file in (*(tmp_path / "sounds").iterdir(),):
        if file != young:
            os.utime(file, (file.stat().st_mtime - ORPHAN_S - 1,) * 2)
    ledger.collect_garbage()
    assert not old.exists()
    assert not part.exists()
    assert young.exists()
    assert ledger.replies.sound(owner, "audio_1") is not None
    ledger.close()


def test_a_row_without_its_file_is_swept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    owner = keep(ledger)
    keep(ledger, "audio_2")
    kept = set((tmp_path / "sounds").iterdir())
    keep(ledger, "audio_3")
    (set((tmp_path / "sounds").iterdir()) - kept).pop().unlink()
    ledger.collect_garbage()
    assert ledger.replies.find(owner, "audio_3") is None
    assert ledger.replies.find(owner, "audio_2") is not None
    ledger.close()


def test_words_of_an_earlier_version_go(tmp_path: Path) -> None:
    """Before, transcripts lay in the table in the clear."""
    with sqlite3.connect(tmp_path / "ledger.sqlite") as older:
        older.execute("CREATE TABLE replies (id TEXT PRIMARY KEY, expires_at INTEGER, transcript TEXT)")
        older.execute("INSERT INTO replies VALUES ('audio_1', 99999999999, 'the very secret words')")
    older.close()
    assert b"secret words" in everything(tmp_path)
    ledger = Ledger(tmp_path)
    ledger.collect_garbage()
    assert b"secret words" not in everything(tmp_path)
    ledger.close()
