"""The tables of a ledger: made anew, brought forward from every earlier shape, and as `tables.py` describes them."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from ledger_folder import SOUND, keep
from sqlalchemy import create_engine

from vivavoce.errors import StorageFailed
from vivavoce.ledger.database import newest
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.tables import METADATA

BEFORE_MIGRATIONS = """
CREATE TABLE sealed (
    "key" BLOB NOT NULL, expires_at BIGINT NOT NULL, value BLOB NOT NULL, has_sound BOOLEAN NOT NULL,
    PRIMARY KEY ("key")
);
CREATE INDEX ix_sealed_expires_at ON sealed (expires_at);
"""
"""As released before there were migrations."""


def revision(folder: Path) -> str:
    with sqlite3.connect(folder / "ledger.sqlite") as reader:
        (found,) = reader.execute("SELECT version_num FROM alembic_version").fetchone()
    reader.close()
    return found


def test_a_ledger_of_before_migrations_keeps_what_it_holds(tmp_path: Path) -> None:
    now = Ledger(tmp_path / "now", clock=lambda: 1000)
    owner = keep(now)
    now.close()
    # The same rows in the shape of then: sealed by the same secret, and no other table.
    then = tmp_path / "then"
    then.mkdir()
    for name in ("ledger.secret", "sounds"):
        (tmp_path / "now" / name).rename(then / name)
    with sqlite3.connect(then / "ledger.sqlite") as old:
        old.executescript(BEFORE_MIGRATIONS)
        old.execute("ATTACH ? AS made", (str(tmp_path / "now" / "ledger.sqlite"),))
        old.execute("INSERT INTO sealed SELECT * FROM made.sealed")
    old.close()
    ledger = Ledger(then, clock=lambda: 1000)
    assert ledger.replies.sound(owner, "audio_1") == SOUND
    assert not ledger.keys.any()
    assert ledger.usage.sums() == []
    ledger.close()
    assert revision(then) == newest()


def test_a_step_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as broken:
        broken.execute("UPDATE alembic_version SET version_num = '0001'")
        broken.execute("DROP TABLE usage")
    broken.close()
    ledger = Ledger(tmp_path)
    assert ledger.usage.sums() == []
    ledger.close()
    assert revision(tmp_path) == newest()


def test_the_tables_are_those_that_the_code_knows(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_many_may_bring_it_forward_at_once(tmp_path: Path) -> None:
    """In processes: `test_many_processes.py`."""

    def opened(_: int) -> str:
        Ledger(tmp_path).close()
        return revision(tmp_path)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(opened, range(16))) == {newest()}


def test_a_ledger_from_the_future_is_left_alone(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.close()
    with pytest.raises(StorageFailed, match="newer version"):
        Ledger(tmp_path)
    assert revision(tmp_path) == "9999"
