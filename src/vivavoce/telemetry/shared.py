"""The folder in which several workers count together: made by the parent, gone with the server. Knows no metric."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the Prometheus client looks for that folder, when it is imported."""


class SharedCounts:
    """In the parent: the folder (mode 0700), and what to do with what a dead worker has left in it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="viva-metrics-")

    @property
    def variables(self) -> dict[str, str]:
        """For the environment of workers."""
        return {VARIABLE: self._folder.name}

    def forget(self, pid: int) -> None:
        """A worker has ended: what it was just doing counts no more; what it has counted stays."""
        for file in Path(self._folder.name).glob(f"gauge_live*_{pid}.db"):
            file.unlink(missing_ok=True)

    def close(self) -> None:
        with suppress(OSError):
            self._folder.cleanup()


def shared_folder() -> str | None:
    """In a worker: the folder of its parent."""
    return os.environ.get(VARIABLE)


def remove_shared_folder() -> None:
    """In a worker whose parent was killed; one that ends in peace does this itself."""
    if (folder := shared_folder()) is not None:
        shutil.rmtree(folder, ignore_errors=True)
