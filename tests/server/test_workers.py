"""`viva serve --workers 2` as real processes on scripted engines: any worker answers, any part may die."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads the tree of processes from /proc"),
]

PATIENCE_S = 30.0
"""Long, for machines under load: nothing here should take more than a second or two."""

WORDS = 120
SCRIPTED = {
    "VIVA_LISTEN": "scripted:what is two plus two",
    "VIVA_THINK": "scripted:" + " ".join(["word"] * WORDS),
    "VIVA_SPEAK": "scripted:hum",
    "VIVA_THINK_API_KEY": "hush-hush",
}


def eventually(true: Callable[[], Any], what: str) -> Any:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < deadline_s, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def alive(pid: int) -> bool:
    """Zombies are gone: nobody but their new parent can bury them."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Viva:
    """A server with its processes."""

    def __init__(self, stack: ExitStack, folder: Path, workers: int, extra: Mapping[str, str]) -> None:
        self.stack = stack
        self.private = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.log = folder / "log"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VIVA_")}
        settings = SCRIPTED | {"VIVA_DATA_DIR": str(folder / "data"), "TMPDIR": str(self.private)} | dict(extra)
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vivavoce.cli", "serve", "--port", "0", "--workers", str(workers)],
                cwd=folder,
                stderr=sink,
                env=kept | settings,
            )
        self.url = eventually(self._address, "an address")[0]

    def _address(self) -> re.Match[str] | None:
        assert self.process.poll() is None, self.log.read_text()
        return re.search(r"http://[\d.]+:\d+", self.log.read_text())

    def pids(self, module: str = "") -> list[int]:
        """Children that run `module` now."""
        found: list[int] = []
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                if alive(int(child)) and module in Path(f"/proc/{child}/cmdline").read_text():
                    found.append(int(child))
        return found

    @property
    def engine(self) -> int:
        return eventually(lambda: self.pids("vivavoce.engines.host"), "an engine process")[0]

    @property
    def workers(self) -> set[int]:
        return set(self.pids("vivavoce.server.worker"))

    def connection(self) -> httpx.Client:
        """A connection of its own, so that any worker may take it."""
        return self.stack.enter_context(httpx.Client(base_url=self.url, timeout=PATIENCE_S))

    def connected_to(self, wanted: Callable[[int], bool]) -> tuple[int, httpx.Client]:
        """A connection to a worker that is `wanted`, and its pid."""

        def connect() -> tuple[int, httpx.Client] | None:
            client = self.connection()
            worker = client.get("/health").json()["worker"]
            if wanted(worker):
                return worker, client
            client.close()
            return None

        return eventually(connect, "a connection to that worker")

    def both(self) -> tuple[tuple[int, httpx.Client], tuple[int, httpx.Client]]:
        """Connections to two workers, warm."""
        one, client = self.connected_to(lambda _: True)
        two, other = self.connected_to(lambda pid: pid != one)
        for each in (client, other):
            eventually(lambda each=each: each.get("/health").status_code == 200, "a warm worker")
        return (one, client), (two, other)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


@contextmanager
def serving(folder: Path, workers: int = 2, **settings: str) -> Iterator[Viva]:
    with ExitStack() as stack:
        viva = Viva(stack, folder, workers, settings)
        try:
            yield viva
        finally:
            viva.process.kill()
            viva.process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def viva(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viva]:
    """One server for the tests that leave it whole."""
    with serving(tmp_path_factory.mktemp("viva")) as running:
        yield running


def ask(client: httpx.Client, *messages: dict[str, Any], **extra: Any) -> httpx.Response:
    asked = messages or ({"role": "user", "content": "Two plus two?"},)
    body = {"model": "gpt-4o-mini-audio-preview", "messages": asked, "max_tokens": 5}
    return client.post("/v1/chat/completions", json=body | extra)


SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}, "max_tokens": 60}


def spoken_reply(client: httpx.Client) -> str:
    answer = ask(client, **SPOKEN)
    assert answer.status_code == 200, answer.text
    audio = answer.json()["choices"][0]["message"]["audio"]
    assert base64.b64decode(audio["data"])[:4] == b"RIFF"
    return audio["id"]


def ask_on(client: httpx.Client, reply_id: str) -> httpx.Response:
    question = {"role": "user", "content": "And then?"}
    return ask(client, question, {"role": "assistant", "audio": {"id": reply_id}}, question)


@contextmanager
def streaming(client: httpx.Client) -> Iterator[Iterator[str]]:
    """Lines of a long answer, of which the first has come."""
    body = {
        "model": "gpt-4o-mini-audio-preview",
        "messages": [{"role": "user", "content": "Count."}],
        "stream": True,
        "max_tokens": WORDS,
    }
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        lines = (line for line in answer.iter_lines() if line)
        next(lines)
        yield lines


def test_any_worker_knows_the_reply_of_another(viva: Viva) -> None:
    (one, client), (two, other) = viva.both()
    assert {one, two} == viva.workers
    assert ask_on(other, spoken_reply(client)).status_code == 200
    assert ask_on(other, "audio_unknown").status_code == 400


def test_any_worker_tells_what_another_has_stored(viva: Viva) -> None:
    (_, client), (_, other) = viva.both()
    stored_id = ask(client, store=True, metadata={"by": "one"}).json()["id"]
    path = f"/v1/chat/completions/{stored_id}"
    assert [each["id"] for each in other.get("/v1/chat/completions").json()["data"]] == [stored_id]
    assert other.post(path, json={"metadata": {"by": "other"}}).status_code == 200
    assert client.get(path).json()["metadata"] == {"by": "other"}
    assert other.delete(path).json()["deleted"]
    assert client.get(path).status_code == 404


def told(client: httpx.Client) -> dict[str, float]:
    """Samples of `/metrics`, of series as they are written."""
    lines = client.get("/metrics").text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}


def test_any_worker_tells_what_all_have_done_and_dead_ones_did(tmp_path: Path) -> None:
    with serving(tmp_path) as viva:
        (one, client), (_, other) = viva.both()
        for each in (client, other, other):
            spoken_reply(each)
        turns = 'viva_turns_total{model="gpt-4o-mini-audio-preview",spoken="yes",streamed="no"}'
        for each in (client, other):
            assert told(each)[turns] == 3
            assert told(each)["viva_first_sound_seconds_count"] == 3
            assert told(each)["viva_engine_up"] == 1
            assert told(each)["viva_queue_wait_seconds_count"] == 3
            assert told(each)['viva_queue_depth{kind="interactive"}'] == 0
            assert told(each)['viva_queue_refused_total{reason="full"}'] == 0
        with streaming(client), streaming(other):
            assert told(viva.connection())["viva_turns_in_progress"] == 2
            os.kill(one, signal.SIGKILL)
            eventually(lambda: len(viva.workers) == 2 and one not in viva.workers, "another worker")
            assert told(viva.connection())["viva_turns_in_progress"] <= 1, "the dead work on nothing"
        assert told(viva.connection())[turns] == 3, "what they did stays"


def test_the_log_as_json_holds_figures_and_nothing_that_was_said(tmp_path: Path) -> None:
    with serving(tmp_path, 1, VIVA_LOG_FORMAT="json", VIVA_LOG_LEVEL="debug") as viva:
        client = viva.connection()
        eventually(lambda: client.get("/health").status_code == 200, "a warm server")
        question = {"role": "user", "content": "Of wombats and aardvarks?"}
        answer = ask(client, question, **SPOKEN)
        reply_id = answer.json()["choices"][0]["message"]["audio"]["id"]
        assert ask_on(client, reply_id).status_code == 200
        assert ask(client, question, model="wombat").status_code == 404
        assert viva.stop() == 0
        text = viva.log.read_text()
    records = [json.loads(line) for line in text.splitlines()]
    (spoken,) = (record for record in records if record.get("request_id") == answer.headers["x-request-id"])
    assert (spoken["method"], spoken["path"], spoken["status"]) == ("POST", "/v1/chat/completions", 200)
    assert spoken["took_ms"] >= spoken["first_sound_ms"] >= spoken["first_text_ms"] > 0
    assert spoken["tokens_out"] == answer.json()["usage"]["completion_tokens"]
    assert [record["code"] for record in records if record.get("status") == 404] == ["model_not_found"]
    for secret in ("wombat", "aardvark", "word word", "hush-hush", reply_id):
        assert secret not in text


def test_keys_are_in_no_list_of_processes_and_in_no_environment(viva: Viva) -> None:
    pids = viva.pids()
    assert len(pids) == 3
    for pid in pids:
        for where in ("cmdline", "environ"):
            assert b"hush-hush" not in Path(f"/proc/{pid}/{where}").read_bytes()


def test_a_killed_engine_fails_what_it_worked_on_and_answers_the_next(viva: Viva) -> None:
    (_, client), (_, other) = viva.both()
    engine = viva.engine
    with streaming(client) as first, streaming(other) as second:
        os.kill(engine, signal.SIGKILL)
        for lines in (first, second):
            assert '"engine_lost"' in "".join(lines)
    for each in (client, other):
        assert ask(each).status_code == 200
    assert viva.engine != engine


def test_a_killed_worker_is_replaced_and_the_stream_of_the_other_runs_on(viva: Viva) -> None:
    (one, client), (two, other) = viva.both()
    with streaming(client) as torn, streaming(other) as whole:
        os.kill(one, signal.SIGKILL)
        assert list(whole)[-1] == "data: [DONE]"
        with pytest.raises(httpx.TransportError):
            list(torn)
    eventually(lambda: len(viva.workers) == 2, "another worker")
    newcomer, client = viva.connected_to(lambda pid: pid not in (one, two))
    assert newcomer in viva.workers
    assert ask(client).status_code == 200, "told how the engines fare when it started"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_finishes_answers_and_leaves_nothing(tmp_path: Path, workers: int) -> None:
    with serving(tmp_path, workers) as viva:
        client = viva.connection()
        eventually(lambda: client.get("/health").status_code == 200, "a warm server")
        pids = viva.pids()
        assert len(pids) == 1 + workers
        with streaming(client) as lines:
            viva.process.terminate()
            assert list(lines)[-1] == "data: [DONE]"
        assert viva.process.wait(PATIENCE_S) == 0
        assert not any(map(alive, pids))
        assert list(viva.private.iterdir()) == []
        with pytest.raises(httpx.ConnectError):
            viva.connection().get("/health")


def test_a_stop_while_it_starts_is_no_failure(tmp_path: Path) -> None:
    with serving(tmp_path) as viva:
        pids = eventually(viva.pids, "its children")
        assert viva.stop() == 0
        assert not any(map(alive, pids))
        assert " error " not in viva.log.read_text()


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    with serving(tmp_path) as viva:
        client = viva.connection()
        eventually(lambda: client.get("/health").status_code == 200, "a warm server")
        pids = viva.pids()
        viva.process.kill()
        eventually(lambda: not any(map(alive, pids)), "the end of its children")
        assert list(viva.private.iterdir()) == []


@pytest.mark.proves("conversations")
def test_a_conversation_goes_on_after_a_restart_of_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as before:
        reply_id = spoken_reply(before.connection())
        assert before.stop() == 0
    with serving(tmp_path) as after:
        for _, client in after.both():
            assert ask_on(client, reply_id).status_code == 200


def test_workers_that_cannot_start_end_the_server_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uvicorn.py").write_text("raise ImportError('broken')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    with serving(tmp_path) as viva:
        assert viva.process.wait(PATIENCE_S) == 1
        assert viva.log.read_text().endswith(
            "viva: The worker process ended before it was ready; the server's log says why.\n"
        )
