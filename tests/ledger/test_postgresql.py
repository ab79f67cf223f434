"""The same ledger over PostgreSQL, where the machine has it: migrations, keys, usage and sealed rows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from ledger_folder import REPLY, SOUND, Clock, keep
from sqlalchemy import create_engine
from test_ledger_usage import ROWS

from vivavoce.ledger.completions import About, Stored, new_id
from vivavoce.ledger.keys import KeyLimits
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.tables import METADATA


def _program(name: str) -> str | None:
    """On the path, or where Debian puts it."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return shutil.which(name) or next(map(str, installed), None)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("psycopg")
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("needs PostgreSQL (Debian: apt-get install postgresql)")
    folder = tmp_path_factory.mktemp("pg")
    user = None
    if os.geteuid() == 0:  # it refuses to run as root
        user = "nobody"
        for each in (folder, *folder.parents):
            if each == Path("/tmp"):
                break
            each.chmod(0o755)
        shutil.chown(folder, user)

    def run(*words: str) -> None:
        done = subprocess.run(
            words, user=user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr

    data, log = folder / "data", folder / "log"
    run(initdb, "-D", str(data), "-U", "viva", "--auth=trust", "--no-sync", "--encoding=UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    run(pg_ctl, "-D", str(data), "-l", str(log), "-o", options, "-w", "start")
    try:
        yield f"postgresql+psycopg://viva@/postgres?host={folder}"
    finally:
        run(pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop")


def test_everything_works_there_too(tmp_path: Path, url: str) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path, url=url, clock=clock)
    key, token = ledger.keys.create("anna", KeyLimits(monthly_usd=Decimal("12.34")), admin=True)
    assert ledger.keys.find(token) == key
    assert ledger.keys.revoke("anna") == key
    assert ledger.keys.find(token) is None
    ledger.usage.add(ROWS)
    sqlite = Ledger(tmp_path / "sqlite")
    sqlite.usage.add(ROWS)
    for by in (("day", "key", "model"), ("model",), ()):
        theirs = ledger.usage.sums(by=by)
        assert sorted(map(repr, theirs)) == sorted(map(repr, sqlite.usage.sums(by=by)))
    sqlite.close()
    owner = keep(ledger, expires_at=2000)
    assert ledger.replies.find(owner, "audio_1") == REPLY
    assert ledger.replies.sound(owner, "audio_1") == SOUND
    assert ledger.replies.forget(owner, "audio_1")
    keep(ledger, "audio_2", expires_at=2000)
    stored = [Stored(About(new_id(made_s), "gpt-audio", {"n": str(made_s)}), {"id": made_s}) for made_s in (2, 1, 3)]
    for each in stored:
        ledger.completions.keep(owner, each, [{"role": "user"}], expires_at=2000)
    first = ledger.completions.list(owner, limit=1)
    assert (first.found, first.more) == ([stored[1]], True)
    after = first.found[0].about.id
    assert ledger.completions.list(owner, after=after).found == [stored[0], stored[2]]
    assert ledger.completions.list(owner, descending=True, metadata={"n": "3"}).found == [stored[2]]
    assert ledger.completions.messages(owner, after) == [{"role": "user"}]
    assert ledger.completions.label(owner, after, {}) == Stored(About(after, "gpt-audio", {}), {"id": 1})
    assert ledger.completions.forget(owner, after)
    clock.now_s = 3000.0
    assert ledger.collect_garbage() == 3
    ledger.close()
    again = Ledger(tmp_path, url=url)
    assert again.keys.list()[0].id == key.id
    again.close()
    assert not (tmp_path / "ledger.sqlite").exists()


def test_the_tables_are_those_that_the_code_knows(tmp_path: Path, url: str) -> None:
    Ledger(tmp_path, url=url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
