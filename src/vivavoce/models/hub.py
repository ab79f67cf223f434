"""Weights from the Hugging Face hub, through `huggingface_hub`, at the catalogue's pinned commits.

The only file here that imports that library, and only while pulling. Sends no token and no telemetry: every
repository of the catalogue is public. Does NOT know packages or the store's layout.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

from vivavoce.models.catalog import HubRepo, ModelEntry, ModelFile
from vivavoce.models.partial import mismatch, sha256_of
from vivavoce.models.sources import Fetched, Meter, SourceFailed, SourceKind, folder_bytes, scrub

PROBE_TIMEOUT_S = 4.0
"""The longest that a pull waits to learn that the hub cannot be reached, name resolution included."""

TICK_S = 0.5

T = TypeVar("T")


class HubSource:
    """Files by repository, commit and path. An interrupted download goes on where it was."""

    kind: SourceKind = "hub"

    def has(self, entry: ModelEntry, files: Sequence[ModelFile]) -> bool:
        return entry.hub is not None and all(file.hub_path for file in files)

    def fetch(self, entry: ModelEntry, files: Sequence[ModelFile], work: Path, meter: Meter) -> Iterator[Fetched]:
        if entry.hub is None:
            raise SourceFailed(f"{entry.name} is not on the hub")
        repo, folder = entry.hub, work / "hub"
        _probe(repo, _path_on_hub(files[0]))
        for file in files:
            before = folder_bytes(folder)
            path = _in_thread(
                partial(_download, repo, _path_on_hub(file), folder),
                partial(_hint_growth, meter, folder, before),
            )
            digest = sha256_of(path)
            if digest != file.sha256:
                path.unlink()
                raise SourceFailed(mismatch(file, digest))
            meter.settle(file.size)
            yield Fetched(file, path, f"hub:{repo}")


def _path_on_hub(file: ModelFile) -> str:
    if file.hub_path is None:
        raise SourceFailed(f"{file.name} is not on the hub")
    return file.hub_path


def _hint_growth(meter: Meter, folder: Path, before: int) -> None:
    meter.hint(max(0, folder_bytes(folder) - before))


def _library() -> Any:
    """`huggingface_hub`, quiet. Its types differ between the versions we accept, hence `Any`, only here."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read by the library when it is first imported
    import huggingface_hub  # noqa: PLC0415 - heavy, and not wanted when nothing is pulled
    from huggingface_hub.utils import disable_progress_bars  # noqa: PLC0415

    disable_progress_bars()
    return huggingface_hub


def _probe(repo: HubRepo, path: str) -> None:
    """Ask for one file's header, once per pull: a machine without the hub loses seconds and not minutes."""

    def ask() -> None:
        library = _library()
        url = library.hf_hub_url(repo.repo, path, revision=repo.revision)
        library.get_hf_file_metadata(url, token=False, timeout=PROBE_TIMEOUT_S - 1)

    _in_thread(ask, lambda: None, timeout_s=PROBE_TIMEOUT_S)


def _download(repo: HubRepo, path: str, folder: Path) -> Path:
    return Path(
        _library().hf_hub_download(
            repo.repo, path, revision=repo.revision, local_dir=folder, token=False, etag_timeout=10
        )
    )


def _in_thread(job: Callable[[], T], tick: Callable[[], None], timeout_s: float | None = None) -> T:
    """Run `job` beside us, calling `tick` twice a second, and give its result or raise SourceFailed.

    A thread, because the library neither reports progress in a way common to its versions nor bounds the time
    that name resolution takes. It is a daemon: a probe that hangs is left behind, and Ctrl-C ends the process.
    """
    outcome: SimpleQueue[tuple[T | None, Exception | None]] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((job(), None))
        except Exception as error:  # the library's errors share no base over its versions; all mean the same to us
            outcome.put((None, error))

    threading.Thread(target=run, name="viva-hub", daemon=True).start()
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left_s = TICK_S if deadline_s is None else min(TICK_S, deadline_s - time.monotonic())
        try:
            result, error = outcome.get(timeout=max(0.0, left_s))
        except Empty:
            tick()
            if deadline_s is not None and time.monotonic() >= deadline_s:
                raise SourceFailed(f"no answer from the hub within {timeout_s:g} s") from None
            continue
        if error is not None:
            raise SourceFailed(f"the hub failed ({type(error).__name__}: {scrub(str(error), 120)})") from error
        return cast(T, result)
