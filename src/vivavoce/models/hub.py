"""Weights from the Hugging Face hub, through `huggingface_hub`, at pinned commits where the catalogue has them.

Where the catalogue has no hash, the hub's own is asked for first, with the commit it belongs to; the file is then
checked against that. It guards against damage on the way, not against a repository that was changed.

The only file here that imports that library, and only while pulling. Sends no token and no telemetry: every
repository of the catalogue is public. Does NOT know packages or the store's layout.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

from vivavoce.models.catalog import HubRepo, ModelEntry, ModelFile
from vivavoce.models.partial import git_sha1_of, mismatch, sha256_of
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
        # Ask for one file's headers, once per pull: a machine without the hub loses seconds and not minutes.
        _ask(repo, _path_on_hub(files[0]), lambda said: None)
        for file in files:
            before = folder_bytes(folder)
            path = _in_thread(
                partial(_download, repo, _path_on_hub(file), folder),
                partial(_hint_growth, meter, folder, before),
            )
            digest = sha256_of(path)
            if digest != file.sha256 and (file.sha256 or git_sha1_of(path) != file.git_sha1):
                path.unlink()
                raise SourceFailed(mismatch(file, digest))
            meter.settle(file.size)
            yield Fetched(file, path, f"hub:{repo}", digest)

    def pin(self, entry: ModelEntry) -> ModelEntry:
        """`entry` with the commit, sizes and checksums that the hub gives, where the catalogue has none.

        Raises SourceFailed where the hub does not answer, gives no checksum, or another than the catalogue's.
        """
        if entry.hub is None:
            raise SourceFailed(f"{entry.name} is not on the hub")
        repo, files = entry.hub, list[ModelFile]()
        for file in entry.files:
            if file.pinned and repo.revision:
                files.append(file)
                continue
            said = _ask(repo, _path_on_hub(file), _Said.of)
            repo = HubRepo(repo=repo.repo, revision=said.commit)
            files.append(_pinned(file, said))
        return entry.model_copy(update={"hub": repo, "files": tuple(files)})


@dataclass(frozen=True)
class _Said:
    """What the hub's headers say of a file."""

    commit: str
    size: int
    checksum: str

    @classmethod
    def of(cls, said: Any) -> _Said:
        if not re.fullmatch(r"[0-9a-f]{40}", said.commit_hash or ""):
            raise ValueError("no commit in the answer")
        return cls(said.commit_hash, int(said.size), str(said.etag))


def _ask(repo: HubRepo, path: str, read: Callable[[Any], T]) -> T:
    """Ask for a file's headers and `read` them. Raises SourceFailed, after `PROBE_TIMEOUT_S` at the latest."""

    def ask() -> T:
        library = _library()
        url = library.hf_hub_url(repo.repo, path, revision=repo.revision)
        return read(library.get_hf_file_metadata(url, token=False, timeout=PROBE_TIMEOUT_S - 1))

    return _in_thread(ask, lambda: None, timeout_s=PROBE_TIMEOUT_S)


def _pinned(file: ModelFile, said: _Said) -> ModelFile:
    if re.fullmatch(r"[0-9a-f]{64}", said.checksum):
        if file.sha256 not in (None, said.checksum):
            raise SourceFailed(mismatch(file, said.checksum))
        checksum = {"sha256": said.checksum}
    elif re.fullmatch(r"[0-9a-f]{40}", said.checksum):
        checksum = {"git_sha1": said.checksum}
    else:
        raise SourceFailed(f"the hub gives no checksum for {file.name}")
    return file.model_copy(update={"size": said.size, "about": False, **checksum})


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
