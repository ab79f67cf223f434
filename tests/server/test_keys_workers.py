"""Keys, limits and usage over the real processes of `viva serve --workers 2`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_workers import PATIENCE_S, SCRIPTED, eventually, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads the tree of processes from /proc"),
]

CHAT = {
    "model": "gpt-4o-mini-audio-preview",
    "messages": [{"role": "user", "content": "Two plus two?"}],
    "max_completion_tokens": 5,
}


def viva(folder: Path, *words: str) -> str:
    """What a command prints, over the data of a server in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIVA_")}
    done = subprocess.run(
        [sys.executable, "-m", "vivavoce.cli", *words],
        env=kept | {"VIVA_DATA_DIR": str(folder / "data"), "COLUMNS": "200"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token or 'none'}"}


def ask(client: httpx.Client, token: str, **extra: Any) -> httpx.Response:
    return client.post("/v1/chat/completions", json=CHAT | extra, headers=bearer(token))


def requests_in(folder: Path) -> int:
    total = json.loads(viva(folder, "usage", "--json"))["total"]
    return 0 if total is None else total["requests"]


def test_two_workers_share_one_limit_and_one_ledger(tmp_path: Path) -> None:
    token = viva(tmp_path, "keys", "create", "anna", "--rpm", "4", "--tpm", "300").strip()
    admin = viva(tmp_path, "keys", "create", "root", "--admin").strip()
    with serving(tmp_path, VIVA_COST_PER_HOUR="0.36") as server:
        (one, client), (two, other) = server.both()
        assert one != two
        assert client.get("/v1/models").status_code == 401
        answers = [ask(each, token) for each in (client, other, client, other, client, other)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
        left = [int(answer.headers["x-ratelimit-remaining-requests"]) for answer in answers]
        assert left == [3, 2, 1, 0, 0, 0]
        assert int(answers[3].headers["x-ratelimit-remaining-tokens"]) < 290, "others' tokens count too"
        for each in (client, other):
            told = each.get("/metrics", headers=bearer(admin)).text
            assert 'viva_queue_refused_total{reason="quota"} 2.0' in told

        def sums() -> Any:
            data = other.get("/v1/usage", headers=bearer(token)).json()["data"]
            return data if data and data[0]["requests"] == 4 else None

        (row,) = eventually(sums, "the usage of both workers")
        assert row["key"]["name"] == "anna"
        assert row["uncosted_requests"] == 0
        assert float(row["cost_usd"]) == pytest.approx(row["machine_s"] * 0.36 / 3600, abs=1e-6)
        revoked = viva(tmp_path, "keys", "revoke", "anna")
        assert "within a second" in revoked
        for each in (client, other):
            eventually(lambda each=each: ask(each, token).status_code == 401, "the end of the key")
        assert server.stop() == 0
        for key in (token, admin):
            assert key[8:20] not in server.log.read_text()
    assert requests_in(tmp_path) == 4


def test_a_clean_stop_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (_, client), (_, other) = server.both()
        for each in (client, other) * 5:
            assert ask(each, "").status_code == 200
        assert server.stop() == 0, "at once, before rows are written by themselves"
    assert requests_in(tmp_path) == 10


def test_a_killed_worker_loses_its_last_moment_at_most(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (one, client), (_, other) = server.both()
        for each in (client, other) * 3:
            assert ask(each, "").status_code == 200
        eventually(lambda: requests_in(tmp_path) == 6, "what was written by itself")
        assert ask(client, "").status_code == 200
        os.kill(one, signal.SIGKILL)
        assert ask(other, "").status_code == 200
        assert server.stop() == 0
    assert requests_in(tmp_path) in (7, 8)


def serve_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIVA_")}
    return subprocess.run(
        [sys.executable, "-m", "vivavoce.cli", "serve", "--port", "0", *words],
        env=kept | SCRIPTED | {"VIVA_DATA_DIR": str(folder / "data")},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_does_not_serve_others_without_a_key(tmp_path: Path, host: str) -> None:
    done = serve_in(tmp_path, "--host", host)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"viva: Others could use this server at {host} without a key. Make one (viva keys create NAME), or listen on "
        "this machine only (--host 127.0.0.1)."
    )


def test_with_a_key_it_serves_others_and_says_which_it_does(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as server:
        eventually(lambda: "no key is asked for, and only this machine can reach it" in server.log.read_text(), "it")
    token = viva(tmp_path, "keys", "create", "anna").strip()
    with serving(tmp_path, 1, VIVA_HOST="0.0.0.0") as server:
        client = server.connection()
        eventually(lambda: client.get("/health").status_code == 200, "a warm server")
        assert "a key is asked for" in server.log.read_text()
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models", headers=bearer(token)).status_code == 200
