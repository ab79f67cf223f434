"""Reply ids: found until they expire, then gone from the disk too; shared between processes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from vivavoce.ledger.replies import Replies


def test_a_reply_is_found_until_it_expires(tmp_path: Path) -> None:
    replies = Replies(tmp_path)
    replies.keep("audio_1", "Four.", expires_at=100, now=50)
    assert replies.find("audio_1", now=99) == "Four."
    assert replies.find("audio_1", now=100) is None
    assert replies.find("audio_2", now=50) is None
    replies.close()


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    first = Replies(tmp_path)
    first.keep("audio_1", "Four.", expires_at=100, now=50)
    first.close()
    second = Replies(tmp_path)
    assert second.find("audio_1", now=60) == "Four."
    second.close()


def test_expired_words_are_deleted_not_hidden(tmp_path: Path) -> None:
    replies = Replies(tmp_path)
    replies.keep("audio_1", "the very secret words", expires_at=100, now=50)
    replies.keep("audio_2", "Other.", expires_at=300, now=200)
    replies.close()
    assert all(b"very secret" not in file.read_bytes() for file in tmp_path.iterdir())


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    stores = [Replies(tmp_path) for _ in range(4)]

    def keep(number: int) -> None:
        stores[number % 4].keep(f"audio_{number}", str(number), expires_at=100, now=50)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(80)))
    assert [stores[0].find(f"audio_{number}", now=60) for number in range(80)] == [str(n) for n in range(80)]
    for store in stores:
        store.close()


def test_the_folder_is_the_owners_alone(tmp_path: Path) -> None:
    replies = Replies(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    replies.close()
