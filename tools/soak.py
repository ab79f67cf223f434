"""A server on the tiny profile under many mixed requests: does it end as it began? `make soak`, or with a number.

Good requests (written and spoken, whole and streamed, every format), bad ones and ones that are hung up on, from a few
callers at once, through `viva serve` with two workers. After the first 200 and at the end, once all is quiet, it counts
memory, threads, open files, places taken, rows of the ledger and temporary files. Exits 1 where something has grown.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx

from vivavoce.audio import Audio
from vivavoce.bench.questions import new_wav
from vivavoce.codec.decode import decode
from vivavoce.engines.remote import Connection, one

CALLERS = 4
FIRST = 200
REPLY_TTL_S = 5
MOST_GROWTH = 0.05
SLACK = {"threads": 8, "files": 8}
"""Pools start threads, and open the database from them, when they first need them; a leak would be of hundreds."""

PATIENCE_S = 120.0
FORMATS = ("wav", "mp3", "flac", "opus", "pcm16", "aac")
MODEL = "gpt-4o-mini-audio-preview"

BAD: tuple[dict[str, Any], ...] = (
    {},
    {"messages": []},
    {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "nobody", "content": "x"}]},
    {"messages": [{"role": "user", "content": "x"}], "temperature": 9},
    {"messages": [{"role": "user", "content": "x"}], "modalities": ["text", "audio"]},
    {"messages": [{"role": "user", "content": "x"}], "modalities": ["smell"]},
    {"messages": [{"role": "user", "content": "word " * 20_000}]},
    {"messages": [{"role": "assistant", "audio": {"id": "audio_unknown"}}, {"role": "user", "content": "x"}]},
    *(
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}],
                }
            ]
        }
        for data in ("", "%%%", base64.b64encode(b"RIFF").decode(), base64.b64encode(bytes(3000)).decode())
    ),
)


@dataclass(frozen=True)
class Count:
    """What a quiet server holds. memory_bytes: proportional set size of all its processes."""

    memory_bytes: int
    threads: int
    files: int
    calls: int
    turns: int
    slots_busy: int
    rows: int
    stored_files: int
    temporary_files: int

    def grown_since(self, before: Count, most_growth: float) -> list[str]:
        """Of what there is more than there was; memory may grow by a share of what it was."""
        found: list[str] = []
        for name in (field.name for field in fields(self)):
            was, now = getattr(before, name), getattr(self, name)
            if now > (was * (1 + most_growth) if name == "memory_bytes" else was + SLACK.get(name, 0)):
                found.append(f"{name}: {was} -> {now}")
        return found


class Soaked:
    """`viva serve` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.temporary, self.log = folder / "data", folder / "tmp", folder / "log"
        self.temporary.mkdir()
        given = {name: value for name, value in os.environ.items() if not name.startswith("VIVA_") or "DIR" in name}
        settings = {
            "VIVA_PROFILE": "tiny",
            "VIVA_OFFLINE": "1",
            "VIVA_WORKERS": "2",
            "VIVA_PROMPT_CACHE_MIB": "64",  # full before the first count: what fills up by design is no leak
            "VIVA_DATA_DIR": str(self.data),
            "VIVA_REPLY_TTL_S": str(REPLY_TTL_S),
            "TMPDIR": str(self.temporary),
        }
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vivavoce.cli", "serve", "--port", "0"], stderr=sink, env=given | settings
            )
        self.url = self._warm()
        self.pids = self._children()

    def _warm(self) -> str:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s and self.process.poll() is None:
            found = re.search(r"http://[\d.]+:\d+", self.log.read_text())
            try:
                if found and httpx.get(f"{found[0]}/health").status_code == 200:
                    return found[0]
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise SystemExit(self.log.read_text())

    def _children(self) -> set[int]:
        found = {self.process.pid}
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            found |= {int(child) for child in (thread / "children").read_text().split()}
        return found

    def count(self) -> Count:
        """Wait until all is quiet and what was kept has expired, then count."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            now = self._count()
            if now.calls == now.turns == now.slots_busy == now.rows == now.stored_files == 0:
                return now
            if time.monotonic() > deadline_s:
                return now
            time.sleep(1.0)

    def _count(self) -> Count:
        if self._children() != self.pids:
            raise SystemExit(f"A process has died.\n{self.log.read_text()}")
        told = asyncio.run(self._status())
        rows, stored = self._ledger()
        return Count(
            memory_bytes=sum(map(_memory, self.pids)),
            threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in self.pids),
            files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in self.pids),
            calls=told["calls"],
            turns=told["admission"]["turns"] + told["admission"]["waiting"],
            slots_busy=told["slots_busy"],
            rows=rows,
            stored_files=stored,
            temporary_files=sum(1 for _ in self.temporary.rglob("*")),
        )

    def memory_told(self) -> str:
        """MiB of each process."""
        told: list[str] = []
        for pid in sorted(self.pids):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            module = command[command.index(b"-m") + 1].decode() if b"-m" in command else "?"
            told.append(f"{module} {_memory(pid) / 2**20:.0f} MiB")
        return ", ".join(told)

    async def _status(self) -> dict[str, Any]:
        connection = await Connection.open(str(next(self.temporary.glob("viva-*/engine.sock"))))
        try:
            return await one(connection.call("status"))
        finally:
            await connection.close()

    def _ledger(self) -> tuple[int, int]:
        """Rows, and files of sound beside them."""
        with closing(sqlite3.connect(f"file:{self.data / 'ledger.sqlite'}?mode=ro", uri=True)) as database:
            (rows,) = database.execute("select count(*) from sealed").fetchone()
        return rows, sum(1 for path in (self.data / "sounds").rglob("*") if path.is_file())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_S)


def _memory(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return int(found[1]) * 1024 if found else 0


class Callers:
    """Asks what number N asks for, and notes how it went. A request that should be answered is tried until it is."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=PATIENCE_S, limits=httpx.Limits(max_connections=CALLERS))
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._question: Audio | None = None
        self._kinds: tuple[Callable[[int], str], ...] = (
            self.written,
            self.heard,
            self.spoken,
            self.bad,
            self.streamed,
            self.hung_up,
            self.conversation,
            self.bad,
            self.given_up,
        )

    def run(self, numbers: range) -> None:
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(self._one, numbers))

    def _one(self, number: int) -> None:
        kind = self._kinds[number % len(self._kinds)]
        try:
            outcome = kind(number)
        except httpx.HTTPError as error:
            outcome = f"wrong: {type(error).__name__}"
        self.outcomes[f"{kind.__name__} {outcome}"] += 1
        if outcome.startswith("wrong"):
            self.wrong.append(f"{number} {kind.__name__}: {outcome}")

    def _ask(self, number: int, **extra: Any) -> httpx.Response:
        body = {"model": MODEL, "messages": [{"role": "user", "content": f"Say {number}."}], "max_tokens": 4} | extra
        while True:
            answer = self._http.post("/v1/chat/completions", json=body)
            if answer.status_code != 429:
                return answer
            self.outcomes["refused for now"] += 1
            time.sleep(float(answer.headers["retry-after-ms"]) / 1000)

    @staticmethod
    def _voice(number: int, fmt: str | None = None) -> dict[str, Any]:
        wanted = {"voice": "alloy", "format": fmt or FORMATS[number // 9 % len(FORMATS)]}
        return {"modalities": ["text", "audio"], "audio": wanted, "max_tokens": 36}

    def _recording(self, number: int) -> list[dict[str, Any]]:
        """A question that nobody has heard: an answer of the server itself with some noise."""
        if self._question is None:
            answer = self._ask(0, **self._voice(0, "wav")).json()
            self._question = decode(base64.b64decode(answer["choices"][0]["message"]["audio"]["data"]))
        data = base64.b64encode(new_wav(self._question, number)).decode()
        part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
        return [{"role": "user", "content": [part]}]

    def written(self, number: int) -> str:
        return _expect(self._ask(number), 200)

    def heard(self, number: int) -> str:
        return _expect(self._ask(number, messages=self._recording(number)), 200)

    def spoken(self, number: int) -> str:
        return _expect(self._ask(number, **self._voice(number)), 200)

    def streamed(self, number: int) -> str:
        answer = self._ask(number, stream=True, messages=self._recording(number), **self._voice(number))
        whole = answer.text.rstrip().endswith("data: [DONE]")
        return _expect(answer, 200) if whole else f"wrong: cut off, {answer.status_code}"

    def conversation(self, number: int) -> str:
        answer = self._ask(number, **self._voice(number)).json()
        reply_id = answer["choices"][0]["message"]["audio"]["id"]
        question = {"role": "user", "content": "And?"}
        asked = self._ask(number, messages=[question, {"role": "assistant", "audio": {"id": reply_id}}, question])
        fetched = self._http.get(f"/v1/audio/replies/{reply_id}")
        # Under load both may come after the reply has expired.
        return "ok" if asked.status_code in (200, 400) and fetched.status_code in (200, 404) else "wrong"

    def bad(self, number: int) -> str:
        return _expect(self._http.post("/v1/chat/completions", json={"model": MODEL} | BAD[number % len(BAD)]), 400)

    def hung_up(self, number: int) -> str:
        body = {"model": MODEL, "messages": self._recording(number), "stream": True} | self._voice(number)
        body["max_tokens"] = 400
        with self._http.stream("POST", "/v1/chat/completions", json=body) as answer:
            if answer.status_code == 429:
                return "ok"
            next(answer.iter_lines())
        return _expect(answer, 200)

    def given_up(self, number: int) -> str:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Count."}]} | self._voice(number)
        body["max_tokens"] = 400
        try:
            self._http.post("/v1/chat/completions", json=body, timeout=0.1 + number % 7 / 10)
        except httpx.TimeoutException:
            return "ok"
        return "ok early"

    def close(self) -> None:
        self._http.close()


def _expect(answer: httpx.Response, status: int) -> str:
    return "ok" if answer.status_code == status else f"wrong: {answer.status_code}"


def soak(requests: int, first: int = FIRST, most_growth: float = MOST_GROWTH) -> list[str]:
    """What is wrong after so many requests; nothing where all is well. Prints the counts."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        server = Soaked(Path(folder))
        callers = Callers(server.url)
        try:
            started_s = time.monotonic()
            callers.run(range(first))
            before = server.count()
            print(f"after {first}: {before}\n{server.memory_told()}", flush=True)
            callers.run(range(first, requests))
            after = server.count()
            print(f"after {requests}: {after}\n{server.memory_told()}")
            print(f"{time.monotonic() - started_s:.0f} s; {dict(sorted(callers.outcomes.items()))}")
            return callers.wrong + after.grown_since(before, most_growth)
        finally:
            callers.close()
            server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("requests", nargs="?", type=int, default=2000)
    wrong = soak(parser.parse_args().requests)
    print("\n".join(wrong) or "ends as it began")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
