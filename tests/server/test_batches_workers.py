"""Batches over the real processes of `viva serve`: two workers, and SIGKILL in the middle of everything."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from batch_files import CHAT, ENDED, chat_line, jsonl, upload
from test_keys_workers import bearer, viva
from test_workers import Viva, alive, serving

from vivavoce.ledger.ledger import Ledger

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads the tree of processes from /proc"),
]

LINES = 36
WORDS = 20
"""At 10 ms each, so a line takes a fifth of a second."""

PATIENCE_S = 60.0


def eventually(true: Any, what: str) -> Any:
    """Longer than elsewhere: the lease of who was killed has to run out first."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < deadline_s, f"waited in vain for {what}"
        time.sleep(0.05)
    return found


def lines() -> list[dict[str, Any]]:
    """Some fail, some have sound that is kept beside the database."""
    spoken = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}, "max_tokens": 5 * WORDS}
    made = [chat_line(f"wombat-{n}", **(spoken if n % 9 == 3 else {"max_tokens": WORDS})) for n in range(LINES)]
    for number in range(5, LINES, 12):
        made[number]["body"]["temperature"] = 9
    return made


def http(server: Viva) -> Any:
    client = server.connection()
    eventually(lambda: client.get("/health").status_code == 200, "a warm server")
    return client


def start(client: Any) -> str:
    file_id = upload(client, jsonl(lines())).json()["id"]
    order = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h"}
    return client.post("/v1/batches", json=order).json()["id"]


def seen(client: Any, batch_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/batches/{batch_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def done(client: Any, batch_id: str) -> int:
    counts = seen(client, batch_id)["request_counts"]
    return counts["completed"] + counts["failed"]


def results(client: Any, batch: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def of(file_id: str | None) -> list[dict[str, Any]]:
        if file_id is None:
            return []
        return [json.loads(line) for line in client.get(f"/v1/files/{file_id}/content").content.splitlines()]

    return of(batch["output_file_id"]), of(batch["error_file_id"])


def check_whole(client: Any, batch_id: str, folder: Path) -> None:
    """The batch ends; each line is in its files once, in order, and in the usage once."""
    batch = eventually(lambda: (now := seen(client, batch_id))["status"] in ENDED and now, "the end of the batch")
    assert batch["status"] == "completed"
    answered, failed = results(client, batch)
    asked = lines()
    bad = [line["custom_id"] for line in asked if line["body"].get("temperature") == 9]
    assert [line["custom_id"] for line in failed] == bad
    assert [line["custom_id"] for line in answered] == [
        line["custom_id"] for line in asked if line["custom_id"] not in bad
    ]
    assert batch["request_counts"] == {"total": LINES, "completed": LINES - len(bad), "failed": len(bad)}
    ledger = Ledger(folder / "data")
    (total,) = ledger.usage.sums(by=())
    ledger.close()
    assert total.requests == len(answered), "each is billed once"
    told = [line["response"]["body"]["usage"] for line in answered]
    assert total.usage.input_tokens == batch["usage"]["input_tokens"] == sum(each["prompt_tokens"] for each in told)
    assert total.usage.output_tokens == batch["usage"]["output_tokens"]
    assert total.usage.output_tokens == sum(each["completion_tokens"] for each in told)


def kill_all(server: Viva) -> None:
    """All of its processes at once, as a power cut would."""
    pids = [server.process.pid, *server.pids()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(10)
    eventually(lambda: not any(map(alive, pids)), "the end of all of them")


def killed_with(folder: Path, batch_id: str | None, least: int) -> str:
    """A server that starts a batch, or goes on with it, and is killed once `least` lines are done."""
    with serving(folder) as server:
        client = http(server)
        batch_id = batch_id or start(client)
        eventually(lambda: done(client, batch_id) >= least, f"{least} lines")
        assert seen(client, batch_id)["status"] == "in_progress"
        kill_all(server)
    return batch_id


@pytest.mark.proves("batches: kill -9")
def test_no_line_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    batch_id = killed_with(tmp_path, None, 8)
    killed_with(tmp_path, batch_id, 20)
    with serving(tmp_path) as server:
        client = http(server)
        assert 20 <= done(client, batch_id) < LINES
        check_whole(client, batch_id, tmp_path)
        assert server.stop() == 0
        log = server.log.read_text()
    assert "wombat" not in log
    assert batch_id not in log


def test_a_batch_has_one_runner_and_a_killed_ones_is_taken_over(tmp_path: Path) -> None:
    """Two workers, and several batches: each of them is run by one, and no line is put twice."""
    with serving(tmp_path) as server:
        client = http(server)
        batch_ids = [start(client) for _ in range(2)]
        eventually(lambda: min(done(client, each) for each in batch_ids) >= 5, "lines of both")
        for worker in server.workers:
            os.kill(worker, signal.SIGKILL)
        eventually(lambda: warm(server), "other workers")
        client = http(server)
        for batch_id in batch_ids:
            batch = eventually(lambda b=batch_id: (n := seen(client, b))["status"] in ENDED and n, "the end")
            answered, failed = results(client, batch)
            ids = sorted(line["custom_id"] for line in [*answered, *failed])
            assert ids == sorted(line["custom_id"] for line in lines())
        ledger = Ledger(tmp_path / "data")
        (total,) = ledger.usage.sums(by=())
        ledger.close()
        assert total.requests == 2 * (LINES - 3)
        assert server.stop() == 0


def warm(server: Viva) -> bool:
    try:
        return httpx.get(f"{server.url}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_clean_stop_hands_the_batch_on_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        client = http(server)
        batch_id = start(client)
        eventually(lambda: done(client, batch_id) >= 5, "five lines")
        assert server.stop() == 0
        assert " error " not in server.log.read_text()
    with serving(tmp_path) as server:
        client = http(server)
        before = done(client, batch_id)
        started_s = time.monotonic()
        eventually(lambda: done(client, batch_id) > before, "another line")
        assert time.monotonic() - started_s < 5, "without waiting for a lease to run out"
        check_whole(client, batch_id, tmp_path)


@pytest.mark.proves("batches: kill -9")
def test_a_killed_engine_process_fails_no_line(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as server:
        client = http(server)
        batch_id = start(client)
        eventually(lambda: done(client, batch_id) >= 5, "five lines")
        os.kill(server.engine, signal.SIGKILL)
        check_whole(client, batch_id, tmp_path)


def test_two_workers_answer_for_keys_too(tmp_path: Path) -> None:
    token = viva(tmp_path, "keys", "create", "anna").strip()
    with serving(tmp_path) as server:
        (_, client), (_, other) = server.both()
        for each in (client, other):
            each.headers.update(bearer(token))
        batch_id = start(client)
        assert seen(other, batch_id)["id"] == batch_id
        eventually(lambda: done(other, batch_id) >= 3, "three lines")
        assert other.post(f"/v1/batches/{batch_id}/cancel").status_code == 200
        batch = eventually(lambda: (now := seen(client, batch_id))["status"] in ENDED and now, "its end")
        assert batch["status"] == "cancelled"
        answered, failed = results(other, batch)
        assert len(answered) + len(failed) == LINES
