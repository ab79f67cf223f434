"""The same ledger over PostgreSQL, where the machine has it: migrations, keys, usage and sealed rows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from ledger_folder import REPLY, SOUND, Clock, keep
from sqlalchemy import create_engine
from test_files_and_batches import keep as keep_file
from test_files_and_batches import order
from test_ledger_usage import ROWS

from vivavoce.errors import StorageFailed
from vivavoce.ledger.batch_runs import LeaseLostError
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


def test_files_and_batches_work_there_too(tmp_path: Path, url: str) -> None:
    clock = Clock()
    ledger, other = (Ledger(tmp_path, url=url, clock=clock) for _ in range(2))
    owner = ledger.owner("anna")
    file_ids: list[str] = []
    for _ in range(3):
        file_ids.append(keep_file(ledger, b"words " * 300_000))
        clock.now_s += 1
    assert [kept.id for kept in ledger.files.list(owner, after=file_ids[2], limit=5).found] == file_ids[1::-1]
    assert b"".join(other.files.read(owner, file_ids[0])) == b"words " * 300_000
    batch = order(ledger, file_ids[0])
    with ThreadPoolExecutor(8) as pool:  # of many who want it one gets it
        claims = pool.map(lambda n: (ledger, other)[n % 2].batch_runs.claim(10.0, 5), range(8))
    (claim,) = (claim for found in claims for claim in found)
    runs = other.batch_runs
    assert runs.begin(claim, 2, "m")
    row = replace(ROWS[0], request_id="req_of_a_line")
    runs.record(claim, 2, b"x" * 100_000, answered=True, usage=row)
    with pytest.raises(StorageFailed):
        runs.record(claim, 3, b"x", answered=True, usage=row)
    runs.record(claim, 1, b"bad", answered=False, usage=None)
    assert runs.done(claim) == {1, 2}
    assert list(runs.results(claim, answered=True)) == [(2, b"x" * 100_000)]
    clock.now_s += 11
    (taken,) = ledger.batch_runs.claim(10.0, 5)
    with pytest.raises(LeaseLostError):
        runs.beat(claim, 10.0)
    assert ledger.batch_runs.finalize(taken)
    output_id = ledger.files.new_id()
    with ledger.files.writer(owner, output_id) as writer:
        writer.feed(b"out")
    ledger.batch_runs.end(taken, "completed", output=ledger.files.about(output_id, "o", "batch_output", 3, 100))
    found = ledger.batches.find(owner, batch.id)
    assert found is not None
    assert (found.status, found.counts["completed"], found.counts["failed"]) == ("completed", 1, 1)
    assert not ledger.batches.cancel(owner, batch.id)
    clock.now_s += 10_000
    assert ledger.collect_garbage() == 5  # a batch and four files
    assert list((tmp_path / "files").iterdir()) == []
    ledger.close()
    other.close()


def test_the_tables_are_those_that_the_code_knows(tmp_path: Path, url: str) -> None:
    Ledger(tmp_path, url=url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
