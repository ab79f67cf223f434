"""Files and batches in the ledger: leases, results that are there once, what is over gone from the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_folder import Clock, everything
from test_ledger_usage import ROWS

from vivavoce.errors import InvalidRequest, InvalidValue, StorageFailed
from vivavoce.ledger.batch_runs import Claim, LeaseLostError
from vivavoce.ledger.batches import Batch, Issue, Order
from vivavoce.ledger.ledger import Ledger

WORDS = b"the very secret words "
LEASE_S = 10.0


def keep(ledger: Ledger, content: bytes = WORDS, token: str = "anna", ttl_s: int = 1000) -> str:
    owner, file_id = ledger.owner(token), ledger.files.new_id()
    with ledger.files.writer(owner, file_id) as writer:
        writer.feed(content)
    return ledger.files.keep(owner, file_id, "words.txt", "batch", writer.size, ttl_s).id


def order(ledger: Ledger, input_id: str, token: str = "anna", window_s: int = 500) -> Batch:
    wanted = Order("/v1/chat/completions", input_id, "24h", {"of": "mine"})
    return ledger.batches.create(ledger.owner(token), wanted, key_id="key_1", window_s=window_s, ttl_s=1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(tmp_path, clock=clock)


def content(ledger: Ledger, file_id: str, token: str = "anna") -> bytes:
    return b"".join(ledger.files.read(ledger.owner(token), file_id))


def test_a_file_is_found_by_its_owner_until_it_expires(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    owner, file_id = ledger.owner("anna"), keep(ledger)
    assert content(ledger, file_id) == WORDS
    assert ledger.files.find(ledger.owner("bert"), file_id) is None
    assert ledger.files.held_bytes(owner) == len(WORDS)
    clock.now_s = 2000.0
    assert ledger.files.find(owner, file_id) is None
    assert ledger.files.list(owner, after=None, limit=10).found == []
    assert ledger.files.held_bytes(owner) == 0
    assert ledger.collect_garbage() == 1
    assert list((tmp_path / "files").iterdir()) == []
    assert WORDS not in everything(tmp_path)


def damage(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "a bit":
        data[len(data) // 2] ^= 1
    elif how == "cut":
        del data[-1:]
    elif how == "a piece less":
        del data[(1 << 20) + 28 :]
    elif how == "empty":
        data.clear()
    file.write_bytes(data)


@pytest.mark.parametrize("how", ["a bit", "cut", "a piece less", "empty"])
def test_damage_is_noticed(ledger: Ledger, tmp_path: Path, how: str) -> None:
    file_id = keep(ledger, b"x" * 3_000_000)
    (file,) = (tmp_path / "files").iterdir()
    damage(file, how)
    with pytest.raises(StorageFailed, match="damaged"):
        content(ledger, file_id)


def test_a_file_in_place_of_another_is_noticed(ledger: Ledger, tmp_path: Path) -> None:
    first = keep(ledger)
    (file,) = (tmp_path / "files").iterdir()
    second = keep(ledger, b"others")
    (other,) = set((tmp_path / "files").iterdir()) - {file}
    other.write_bytes(file.read_bytes())
    assert content(ledger, first) == WORDS
    with pytest.raises(StorageFailed):
        content(ledger, second)


def test_what_was_not_written_to_its_end_leaves_nothing(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(KeyError), ledger.files.writer(ledger.owner("anna"), ledger.files.new_id()) as writer:
        writer.feed(b"x" * 3_000_000)
        raise KeyError
    assert list((tmp_path / "files").iterdir()) == []


def test_what_a_crash_left_is_swept_when_it_is_old(ledger: Ledger, tmp_path: Path) -> None:
    import os

    kept = keep(ledger)
    for name in ("ab" * 32, "cd" * 32 + ".1234.part"):
        old = tmp_path / "files" / name
        old.write_bytes(b"x")
        os.utime(old, (0, 0))
    (tmp_path / "files" / ("ef" * 32)).write_bytes(b"young")
    for file in (tmp_path / "files").iterdir():
        if file.stat().st_size > 10:
            os.utime(file, (0, 0))
    ledger.collect_garbage()
    assert content(ledger, kept) == WORDS
    assert sorted(file.name for file in (tmp_path / "files").iterdir() if file.stat().st_size < 10) == ["ef" * 32]


def test_ids_of_lists_are_ids(ledger: Ledger) -> None:
    for after in ("file-", "batch_" + "0" * 32, "file-" + "g" * 32):
        with pytest.raises(InvalidValue):
            ledger.files.list(ledger.owner("anna"), after=after, limit=1)


def claimed(ledger: Ledger) -> Claim:
    (claim,) = ledger.batch_runs.claim(LEASE_S, 5)
    return claim


def test_one_runner_has_a_batch_until_its_lease_is_over(ledger: Ledger, clock: Clock) -> None:
    batch = order(ledger, keep(ledger))
    claim = claimed(ledger)
    assert (claim.owner, claim.key_id, claim.batch) == (ledger.owner("anna"), "key_1", batch)
    assert ledger.batch_runs.claim(LEASE_S, 5) == []
    clock.now_s += LEASE_S - 1
    assert ledger.batch_runs.beat(claim, LEASE_S) == "validating"
    clock.now_s += LEASE_S - 1
    assert ledger.batch_runs.claim(LEASE_S, 5) == []
    clock.now_s += 2
    other = claimed(ledger)
    writes: list[Callable[[], object]] = [
        lambda: ledger.batch_runs.beat(claim, LEASE_S),
        lambda: ledger.batch_runs.begin(claim, 3, None),
        lambda: ledger.batch_runs.record(claim, 1, b"{}", answered=True, usage=ROWS[0]),
        lambda: ledger.batch_runs.record(claim, 1, b"x" * 100_000, answered=True, usage=ROWS[0]),
        lambda: ledger.batch_runs.finalize(claim),
        lambda: ledger.batch_runs.end(claim, "completed"),
        lambda: ledger.batch_runs.release(claim),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            write()
    assert ledger.batch_runs.done(other) == set()
    assert ledger.usage.sums() == [], "nothing was written by who lost it"
    assert ledger.batch_runs.begin(other, 3, "m")
    ledger.batch_runs.release(other)
    assert claimed(ledger).batch.status == "in_progress"


def test_owners_take_turns(ledger: Ledger, clock: Clock) -> None:
    made: list[str] = []
    for token in ("anna", "anna", "anna", "bert"):
        clock.now_s += 1
        made.append(order(ledger, keep(ledger, token=token), token).id)

    def taken(most: int) -> list[str]:
        return [claim.batch.id for claim in ledger.batch_runs.claim(LEASE_S, most, most_of_one=2)]

    assert taken(1) == made[:1]
    assert taken(5) == [made[1], made[3]], "the third of anna's waits, whoever worked on the first"
    clock.now_s += LEASE_S + 1
    assert taken(5) == [made[0], made[1], made[3]]


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_result_and_its_usage_are_there_together_and_once(ledger: Ledger, tmp_path: Path, size: int) -> None:
    order(ledger, keep(ledger))
    claim = claimed(ledger)
    runs = ledger.batch_runs
    assert runs.begin(claim, 3, "m")
    result = b"secret" * size
    runs.record(claim, 2, result, answered=True, usage=ROWS[0])
    runs.record(claim, 1, b"bad", answered=False, usage=None)
    files = len(list((tmp_path / "files").iterdir()))
    with pytest.raises(StorageFailed):  # the line is there
        runs.record(claim, 2, result, answered=True, usage=ROWS[1])
    with pytest.raises(StorageFailed):  # the usage is there
        runs.record(claim, 3, result, answered=True, usage=ROWS[0])
    assert runs.done(claim) == {1, 2}
    assert list(runs.results(claim, answered=True)) == [(2, result)]
    assert list(runs.results(claim, answered=False)) == [(1, b"bad")]
    batch = ledger.batches.find(claim.owner, claim.batch.id)
    assert batch is not None
    assert (batch.counts["total"], batch.counts["completed"], batch.counts["failed"]) == (3, 1, 1)
    assert batch.counts["input_tokens"] == ROWS[0].usage.input_tokens
    assert sum(each.requests for each in ledger.usage.sums(by=())) == 1
    assert len(list((tmp_path / "files").iterdir())) == files, "what failed leaves no file"
    assert b"secretsecret" not in everything(tmp_path)


def test_a_batch_that_has_ended_works_for_nobody(ledger: Ledger, tmp_path: Path, clock: Clock) -> None:
    order(ledger, keep(ledger))
    claim = claimed(ledger)
    runs, owner = ledger.batch_runs, claim.owner
    assert runs.begin(claim, 1, "m")
    runs.record(claim, 1, b"x" * 100_000, answered=True, usage=None)
    assert runs.finalize(claim)
    file_id = ledger.files.new_id()
    with ledger.files.writer(owner, file_id) as writer:
        writer.feed(b"out")
    runs.end(claim, "completed", output=ledger.files.about(file_id, "o", "batch_output", 3, 100))
    batch = ledger.batches.find(owner, claim.batch.id)
    assert batch is not None
    assert (batch.status, batch.outcome.output_file_id, batch.outcome.error_file_id) == ("completed", file_id, None)
    assert batch.times["completed_at"] == 1000
    assert ledger.batch_runs.claim(LEASE_S, 5) == []
    assert ledger.batches.unended(owner) == 0
    with ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM batch_lines").scalar() == 0
        assert connection.exec_driver_sql("SELECT works_for FROM batches").scalar() is None
    assert len(list((tmp_path / "files").iterdir())) == 2, "input and output"
    clock.now_s += 100
    ledger.collect_garbage()
    assert ledger.files.find(owner, file_id) is None
    assert ledger.batches.find(owner, claim.batch.id) is not None
    clock.now_s += 1500
    ledger.collect_garbage()
    assert ledger.batches.find(owner, claim.batch.id) is None


def test_a_batch_that_fails_says_why(ledger: Ledger) -> None:
    order(ledger, keep(ledger))
    claim = claimed(ledger)
    issues = (Issue("invalid_json_line", "No JSON.", None, 3), Issue("empty_file", "Nothing."))
    ledger.batch_runs.end(claim, "failed", issues=issues)
    batch = ledger.batches.find(claim.owner, claim.batch.id)
    assert batch is not None
    assert (batch.status, batch.outcome.issues) == ("failed", issues)


def test_cancelling_is_seen_by_the_runner_and_ends_no_other_state(ledger: Ledger) -> None:
    batch = order(ledger, keep(ledger))
    claim = claimed(ledger)
    assert not ledger.batches.cancel(ledger.owner("bert"), batch.id)
    assert ledger.batches.cancel(claim.owner, batch.id)
    assert not ledger.batches.cancel(claim.owner, batch.id)
    assert ledger.batch_runs.beat(claim, LEASE_S) == "cancelling"
    assert not ledger.batch_runs.begin(claim, 1, None)
    assert not ledger.batch_runs.finalize(claim)
    ledger.batch_runs.end(claim, "cancelled")
    assert not ledger.batches.cancel(claim.owner, batch.id)


def test_an_input_outlives_its_expiry_while_it_is_read(ledger: Ledger, clock: Clock) -> None:
    file_id = keep(ledger, ttl_s=100)
    order(ledger, file_id)
    clock.now_s += 200
    assert ledger.collect_garbage() == 0
    claim = claimed(ledger)
    assert content(ledger, file_id) == WORDS
    assert ledger.files.find(claim.owner, file_id) is None
    ledger.batch_runs.end(claim, "completed")
    assert ledger.collect_garbage() == 1


def test_a_file_that_is_read_is_not_forgotten(ledger: Ledger) -> None:
    file_id = keep(ledger)
    order(ledger, file_id)
    with pytest.raises(InvalidRequest, match="has not ended"):
        ledger.files.forget(ledger.owner("anna"), file_id)
    ledger.batch_runs.end(claimed(ledger), "completed")
    assert ledger.files.forget(ledger.owner("anna"), file_id)
    assert not ledger.files.forget(ledger.owner("anna"), file_id)


def test_another_secret_reads_nothing_and_stops_nobody(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    file_id = keep(ledger)
    order(ledger, file_id)
    ledger.close()
    (tmp_path / "ledger.secret").unlink()
    again = Ledger(tmp_path)
    owner = again.owner("anna")
    assert again.files.find(owner, file_id) is None
    assert again.batches.list(owner, after=None, limit=5).found == []
    assert again.batch_runs.claim(LEASE_S, 5) == []
    again.close()
