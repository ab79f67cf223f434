"""`viva batch`: a file of requests run to its end, left and come back to, listed, cancelled, fetched."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from batch_files import chat_line, ended, heard_line, jsonl, started
from scripted_app import ScriptedServer, scripted_server

from vivavoce.batch.console import time_left_s
from vivavoce.testing import ScriptedThinker

pytestmark = pytest.mark.slow  # each command is a process


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[ScriptedServer]:
    with ExitStack() as stack:
        yield scripted_server(stack, tmp_path / "ledger", thinker=ScriptedThinker("one two", delay_s=0.2))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedServer]:
    with ExitStack() as stack:
        yield scripted_server(stack, tmp_path_factory.mktemp("ledger"))


def command(server: ScriptedServer, *words: str) -> list[str]:
    return [sys.executable, "-m", "vivavoce.cli", "batch", *words, "--base-url", f"{server.url}/v1"]


def viva(folder: Path, server: ScriptedServer, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(server, *words),
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def written(file: Path, *lines: Any) -> Path:
    file.write_bytes(jsonl(lines))
    return file


def ids(file: Path) -> list[str]:
    return [json.loads(line)["custom_id"] for line in file.read_text().splitlines()]


def test_a_file_is_run_to_its_end(quick: ScriptedServer, tmp_path: Path) -> None:
    file = written(tmp_path / "mine.jsonl", chat_line("a"), chat_line("b", temperature=9), chat_line("c"))
    done = viva(tmp_path, quick, "run", str(file))
    assert done.returncode == 1, "one has no answer"
    assert ids(tmp_path / "mine.output.jsonl") == ["a", "c"]
    assert ids(tmp_path / "mine.output.errors.jsonl") == ["b"]
    batch_id = re.search(r"batch_[0-9a-f]{32}", done.stderr)
    assert batch_id is not None
    assert "3/3" in done.stderr
    assert "1 failed" in done.stderr
    assert "2 answers" in done.stderr
    listed = viva(tmp_path, quick, "list")
    assert "completed, 3 of 3, 1 failed" in listed.stdout
    assert "mine.jsonl" in listed.stdout
    told = json.loads(viva(tmp_path, quick, "status", batch_id[0], "--json").stdout)
    assert told["request_counts"] == {"completed": 2, "failed": 1, "total": 3}
    again = viva(tmp_path, quick, "fetch", batch_id[0], "--out", "again.jsonl")
    assert again.returncode == 1
    assert ids(tmp_path / "again.jsonl") == ["a", "c"]
    assert not list(tmp_path.glob("*.part"))


def test_recordings_are_told_by_the_first_line(quick: ScriptedServer, tmp_path: Path) -> None:
    file = written(tmp_path / "heard.jsonl", heard_line("a"))
    done = viva(tmp_path, quick, "run", str(file), "--out", "texts.jsonl")
    assert done.returncode == 0, done.stderr
    (line,) = (json.loads(line) for line in (tmp_path / "texts.jsonl").read_text().splitlines())
    assert line["response"]["body"]["text"] == "what is two plus two"


def test_what_is_wrong_with_an_input_is_shown_by_line(quick: ScriptedServer, tmp_path: Path) -> None:
    file = written(tmp_path / "bad.jsonl", chat_line("a"), b"{", chat_line("a"))
    done = viva(tmp_path, quick, "run", str(file))
    assert done.returncode == 1
    assert "line 2: This line is not parseable as a JSON object." in done.stderr
    assert "line 3: The custom_id of this request is that of an earlier one." in done.stderr
    assert not (tmp_path / "bad.output.jsonl").exists()


def test_ctrl_c_leaves_it_running_and_says_how_to_come_back(slow: ScriptedServer, tmp_path: Path) -> None:
    file = written(tmp_path / "mine.jsonl", *(chat_line(str(number)) for number in range(30)))
    running = subprocess.Popen(command(slow, "run", str(file)), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    assert "Uploading" in running.stderr.readline()
    batch_id = running.stderr.readline().strip()
    running.send_signal(signal.SIGINT)
    said = running.stderr.read()
    running.stderr.close()
    running.wait(20)
    assert running.returncode == 130
    come_back = re.search(r"viva batch (fetch \S+ --wait --out \S+)", said)
    assert come_back is not None, said
    assert "Traceback" not in said
    assert f"viva batch status {batch_id}" in said
    early = viva(tmp_path, slow, "fetch", batch_id)
    assert early.returncode == 1
    assert "has not ended" in early.stderr
    done = viva(tmp_path, slow, *come_back[1].split())
    assert done.returncode == 0, done.stderr
    assert ids(tmp_path / "mine.output.jsonl") == [str(number) for number in range(30)]


def test_a_cancelled_one_can_be_fetched(slow: ScriptedServer, tmp_path: Path) -> None:
    batch = started(slow.client, [chat_line(str(number)) for number in range(50)])
    while not slow.client.batches.retrieve(batch.id).request_counts.completed:  # type: ignore[union-attr]
        time.sleep(0.05)
    done = viva(tmp_path, slow, "cancel", batch.id)
    assert done.returncode == 0
    assert "cancelling" in done.stdout or "cancelled" in done.stdout
    ended(slow.client, batch)
    fetched = viva(tmp_path, slow, "fetch", batch.id)
    assert fetched.returncode == 1
    answered, failed = (ids(tmp_path / f"{batch.id}.output{kind}.jsonl") for kind in ("", ".errors"))
    assert answered
    assert len(answered) + len(failed) == 50


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("run", "missing.jsonl"), 2, "missing.jsonl cannot be read: No such file or directory."),
        (("run", "empty.jsonl"), 2, "does not begin with a request"),
        (("run", "list.jsonl"), 2, "does not begin with a request"),
        (("run", "other.jsonl"), 2, "'/v1/embeddings'"),
        (("status", "batch_unknown"), 2, "No batch found with id 'batch_unknown'."),
        (("fetch", "batch_unknown", "--wait"), 2, "No batch found with id 'batch_unknown'."),
        (("cancel", "batch_unknown"), 2, "No batch found with id 'batch_unknown'."),
    ],
)
def test_mistakes_are_one_sentence(
    quick: ScriptedServer, tmp_path: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "list.jsonl").write_text("[]\n")
    written(tmp_path / "other.jsonl", chat_line("a") | {"url": "/v1/embeddings"})
    done = viva(tmp_path, quick, *words)
    assert done.returncode == status
    assert done.stderr.splitlines()[-1].startswith("viva: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_server_is_one_sentence_too(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "vivavoce.cli", "batch", "list", "--base-url", "http://127.0.0.1:9/v1"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "No server answers at http://127.0.0.1:9/v1" in done.stderr


@pytest.mark.parametrize(
    ("done", "left", "took_s", "expected"), [(0, 10, 5.0, None), (5, 10, 0.0, None), (5, 10, 10.0, 20.0), (5, 0, 1, 0)]
)
def test_the_time_left_is_by_the_pace_so_far(done: int, left: int, took_s: float, expected: float | None) -> None:
    assert time_left_s(done, left, took_s) == expected
