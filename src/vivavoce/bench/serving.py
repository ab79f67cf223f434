"""`viva serve` started for one benchmark, with state of its own, and ended with it.

Knows nothing of the server but its command, its variables and its address on standard error.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from rich.console import Console

from vivavoce.errors import EngineFailed, UpstreamFailed

WARM_WITHIN_S = 300.0
STOPPED_WITHIN_S = 60.0


@contextmanager
def serving(settings: Mapping[str, str] | None = None, *, profile: str | None = None) -> Generator[str]:
    """A warm server's base URL, with /v1. `settings`: variables over those of this process.

    Its data folder is new, so that nothing is remembered from an earlier run. Raises `EngineFailed` with its last words
    where it does not start. An `UpstreamFailed` that passes through is told with the last error of its log, which goes
    with the folder.
    """
    command = [sys.executable, "-m", "vivavoce.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    if profile is not None:
        command += ["--profile", profile]
    with tempfile.TemporaryDirectory(prefix="viva-bench-") as folder:
        log = Path(folder) / "log"
        environment = {**os.environ, **(settings or {}), "VIVA_DATA_DIR": f"{folder}/data", "VIVA_LOG_LEVEL": "info"}
        with log.open("wb") as sink:
            process = subprocess.Popen(command, stderr=sink, stdout=sink, env=environment)
        try:
            yield f"{_warm_address(process, log)}/v1"
        except UpstreamFailed as failure:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            errors = [line for line in lines if " error " in line]
            raise UpstreamFailed(" Its log says: ".join([failure.message, *errors[-1:]])) from failure
        finally:
            process.terminate()
            process.wait(STOPPED_WITHIN_S)


@contextmanager
def served(base_url: str | None, profile: str, console: Console) -> Generator[str]:
    """`base_url`, or that of a server started for it, where there is none."""
    if base_url is not None:
        yield base_url
        return
    with ExitStack() as stack:
        with console.status("Starting `viva serve` …"):
            own_url = stack.enter_context(serving(profile=profile))
        yield own_url


def _warm_address(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up_s = time.monotonic() + WARM_WITHIN_S
    while time.monotonic() < give_up_s and process.poll() is None:
        found = re.search(r"http://[^\s/]+:\d+", log.read_text(encoding="utf-8", errors="replace"))
        if found and _is_warm(found[0]):
            return found[0]
        time.sleep(0.1)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise EngineFailed(f"`viva serve` did not start: {' '.join(lines[-3:]) or 'it said nothing'}")


def _is_warm(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
