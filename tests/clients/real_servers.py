"""Real `viva serve` processes with real weights, and questions spoken by our own voice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from openai import OpenAI

VIVA = [sys.executable, "-m", "vivavoce.cli"]
WARM_UP_S = 120.0


class RealServer:
    """`url` without /v1; `client` is the official one; `engine_pid` is the process that holds the weights."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path, data: Path) -> None:
        self.url = url
        self.data = data
        self.process = process
        self.log = log
        self.client = OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=120)

    @property
    def engine_pid(self) -> int:
        return self._child("vivavoce.engines.host")

    @property
    def worker_pid(self) -> int:
        """One of them, where there are several."""
        return self._child("vivavoce.server.worker")

    def _child(self, module: str) -> int:
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                if module.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
        raise LookupError(f"no process runs {module}")

    def wait_warm(self, timeout_s: float = WARM_UP_S) -> float:
        """Seconds until /health answered 200."""
        started_s = time.perf_counter()
        while time.perf_counter() - started_s < timeout_s:
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            try:
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return time.perf_counter() - started_s
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())


@contextmanager
def serving(command: Sequence[str] = VIVA, *, warm: bool = True, **environment: str) -> Iterator[RealServer]:
    """`warm` False hands the server over at once, and a test may wait for what it expects."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        data = Path(environment.get("VIVA_DATA_DIR", f"{folder}/data"))
        settings = {"VIVA_OFFLINE": "1", "VIVA_DATA_DIR": str(data)} | environment
        with log.open("wb") as sink:
            process = subprocess.Popen([*command, "serve", "--port", "0"], stderr=sink, env=os.environ | settings)
            try:
                server = RealServer(_address(process, log), process, log, data)
                if warm:
                    server.wait_warm()
                yield server
                server.client.close()
            finally:
                process.terminate()
                process.wait(40)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(600):
        if found := re.search(r"http://[\d.]+:\d+", log.read_text()):
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(log.read_text())


def say(text: str, out: Path, voice: str = "nova") -> Path:
    """A question spoken by one of our own voices, in the format that `out` ends with."""
    done = subprocess.run([*VIVA, "speak", text, "-o", str(out), "--voice", voice], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out
