"""Spoken replies by id: found by their owner until they expire, whatever restarts, and nothing legible on the disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ledger_folder import REPLY, SOUND, Clock, everything, keep

from vivavoce.errors import StorageFailed
from vivavoce.ledger.ledger import Ledger


def test_a_reply_is_found_until_it_expires(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path, clock=clock)
    owner = keep(ledger)
    clock.now_s = 1999.9
    assert ledger.replies.find(owner, "audio_1") == REPLY
    assert ledger.replies.sound(owner, "audio_1") == SOUND
    assert ledger.replies.find(owner, "audio_2") is None
    assert ledger.replies.sound(owner, "audio_2") is None
    clock.now_s = 2000
    assert ledger.replies.find(owner, "audio_1") is None
    assert not ledger.replies.forget(owner, "audio_1")
    ledger.close()


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    first = Ledger(tmp_path, clock=Clock())
    keep(first)
    first.close()
    second = Ledger(tmp_path, clock=Clock())
    assert second.replies.find(second.owner("anna"), "audio_1") == REPLY
    assert second.replies.sound(second.owner("anna"), "audio_1") == SOUND
    second.close()


def test_somebody_elses_id_reads_like_an_unknown_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    owner = keep(ledger)
    for stranger in (ledger.owner("bert"), ledger.owner("")):
        assert ledger.replies.find(stranger, "audio_1") is None
        assert ledger.replies.sound(stranger, "audio_1") is None
        assert not ledger.replies.forget(stranger, "audio_1")
    assert ledger.replies.find(owner, "audio_1") == REPLY
    ledger.close()


def test_the_folder_holds_nothing_that_was_said_nor_whose_it_is(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    keep(ledger, "audio_0123456789abcdef", "sk-secret-token")
    ledger.hearings.put(ledger.owner("sk-secret-token"), b"digest of a recording", b"whisper", b"overheard", ttl_s=60)
    for found in (everything(tmp_path), (ledger.close(), everything(tmp_path))[1]):
        assert len(found) > len(SOUND)
        for legible in (b"secret words", b"transcript", b"0123456789abcdef", b"secret-token", SOUND[:18], b"overheard"):
            assert legible not in found
        assert b"digest of a recording" not in found


def test_the_folder_alone_does_not_open_without_its_secret(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    keep(ledger)
    ledger.close()
    (tmp_path / "ledger.secret").unlink()
    other = Ledger(tmp_path, clock=Clock())
    assert other.replies.find(other.owner("anna"), "audio_1") is None
    other.close()


def test_folder_and_files_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    ledger = Ledger(folder, clock=Clock())
    keep(ledger)
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"ledger.sqlite", "ledger.sqlite-wal", "ledger.secret"}
    assert [file for file in files if stat.S_IMODE(file.stat().st_mode) != 0o600] == []
    assert {stat.S_IMODE(place.stat().st_mode) for place in (folder, folder / "sounds")} == {0o700}
    ledger.close()


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 20_000])
def test_a_damaged_sound_is_no_sound(tmp_path: Path, damage: bytes) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    owner = keep(ledger)
    next((tmp_path / "sounds").iterdir()).write_bytes(damage)
    assert ledger.replies.sound(owner, "audio_1") is None
    assert ledger.replies.find(owner, "audio_1") == REPLY
    ledger.close()


def test_sounds_cannot_be_swapped(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    owner = keep(ledger)
    one = next((tmp_path / "sounds").iterdir())
    keep(ledger, "audio_2")
    other = next(file for file in (tmp_path / "sounds").iterdir() if file != one)
    other.write_bytes(one.read_bytes())
    assert ledger.replies.sound(owner, "audio_2") is None
    ledger.close()


def test_what_cannot_be_kept_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, clock=Clock())
    keep(ledger)
    sounds = tmp_path / "sounds"
    sounds.rename(tmp_path / "elsewhere")
    sounds.write_bytes(b"")
    with pytest.raises(StorageFailed, match="cannot be written: Not a directory"):
        keep(ledger, "audio_2")
    assert ledger.replies.find(ledger.owner("anna"), "audio_2") is None
    ledger.close()


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database at all" * 500)
    with pytest.raises(StorageFailed, match="not a database"):
        Ledger(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed, match="Not a directory"):
        Ledger(tmp_path / "file" / "folder")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ledger.secret").write_bytes(b"short")
    with pytest.raises(StorageFailed, match="damaged"):
        Ledger(tmp_path / "other")
