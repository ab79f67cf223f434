"""How much memory hearing a recording takes, measured in a process of its own. Linux only.

Counted is memory of the process itself (anonymous pages): the recording lies in a file that is mapped, so that its own
size stays out of the figure. Knows no other engine than ours.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.listen.base import ListenOptions
from vivavoce.memory import share_pools

STATUS = Path("/proc/self/status")
_LOOK_EVERY_S = 0.02


def can_measure() -> bool:
    """Whether this system tells how much anonymous memory a process holds."""
    return STATUS.is_file() and "RssAnon:" in STATUS.read_text()


def peak_mib(model_dir: Path, samples: Samples, minutes: float, threads: int) -> float:
    """Most MiB held at any moment while `samples` (16 kHz), repeated to `minutes`, are heard. Blocks."""
    count = round(60 * minutes * LISTEN_RATE_HZ)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "samples.f32"
        with path.open("wb") as file:
            for start in range(0, count, len(samples)):
                file.write(samples[: count - start].tobytes())
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(_hear_and_watch, model_dir, path, threads).result()


def _hear_and_watch(model_dir: Path, path: Path, threads: int) -> float:
    share_pools()
    whisper: Any = import_module("vivavoce.listen.whisper")
    done = threading.Event()
    peaks = [0.0]

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_S):
            peaks[0] = max(peaks[0], _anonymous_mib())

    async def hear() -> None:
        listener = whisper.WhisperListener(model_dir, threads=threads)
        audio = Audio(np.asarray(np.memmap(path, np.float32, mode="r")), LISTEN_RATE_HZ)
        async for _ in listener.listen(audio, ListenOptions()):
            pass
        await listener.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        asyncio.run(hear())
    finally:
        done.set()
        watcher.join()
    return peaks[0]


def _anonymous_mib() -> float:
    for line in STATUS.read_text().splitlines():
        if line.startswith("RssAnon:"):
            return float(line.split()[1]) / 1024
    return 0.0
