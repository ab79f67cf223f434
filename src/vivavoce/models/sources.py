"""What every source of weights has in common: the contract, its one failure, and progress.

Does NOT know any particular source (`hub.py`, `packages.py`), nor the folder files end up in (`store.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from vivavoce.models.catalog import ModelEntry, ModelFile

SourceKind = Literal["hub", "package"]

_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+"  # a URL, with whatever credentials it carries
    r"|(?<=host=)(['\"])[^'\"]*\1"  # how urllib3 names a host
    r"|\b(?:[a-z0-9-]+\.)+[a-z]{2,}:\d{2,5}\b"  # host:port
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b",  # an IPv4 address
    re.IGNORECASE,
)


class SourceFailed(Exception):
    """This source could not give the file; the next one may. The message is one short sentence."""


@dataclass(frozen=True)
class PullProgress:
    """A moment of a pull. `done_bytes` never falls and ends at `total_bytes` (0 when nothing was missing).

    `note` is a sentence for people (which source, why the next one), or None when only bytes have moved.
    """

    model: str
    done_bytes: int
    total_bytes: int
    source: SourceKind | None = None
    note: str | None = None


ProgressCallback = Callable[[PullProgress], None]


class Meter:
    """Turns what sources know (verified bytes, files that grow) into `PullProgress`."""

    def __init__(self, model: str, callback: ProgressCallback | None) -> None:
        self._model = model
        self._callback = callback
        self._total = self._settled = self._shown = 0
        self._source: SourceKind | None = None

    def expect(self, total_bytes: int) -> None:
        """Say how many bytes this pull has to bring. They are known from the catalogue before it starts."""
        self._total = total_bytes

    def use(self, source: SourceKind) -> None:
        """A source starts from its own beginning; the shown figure still never falls."""
        self._source = source
        self._settled = 0

    def settle(self, count: int) -> None:
        """`count` more bytes are on disk and verified."""
        self._settled += count
        self._show(self._settled)

    def hint(self, count: int) -> None:
        """About `count` bytes beyond the verified ones have come; an estimate that may be taken back."""
        self._show(self._settled + count)

    def note(self, sentence: str) -> None:
        self._emit(sentence)

    def _show(self, done: int) -> None:
        done = min(done, self._total)
        if done > self._shown:
            self._shown = done
            self._emit(None)

    def _emit(self, note: str | None) -> None:
        if self._callback is not None:
            self._callback(PullProgress(self._model, self._shown, self._total, self._source, note))


@dataclass(frozen=True)
class Fetched:
    """A complete file at `path` whose checksum has been checked, and where it came from, without addresses."""

    file: ModelFile
    path: Path
    origin: str
    sha256: str


class Source(Protocol):
    """Somewhere that weights can be had from."""

    kind: SourceKind

    def has(self, entry: ModelEntry, files: Sequence[ModelFile]) -> bool:
        """Whether the catalogue knows all of `files` here. Opens nothing."""
        ...

    def fetch(self, entry: ModelEntry, files: Sequence[ModelFile], work: Path, meter: Meter) -> Iterator[Fetched]:
        """Yield each of `files` as soon as it is complete and verified; keep what is unfinished under `work`.

        `work` is a folder on the store's file system that survives interruption; a later call with the same
        folder goes on from there. Raises SourceFailed, or MissingDependency when a program is missing.
        """
        ...


def scrub(text: str, limit: int = 300) -> str:
    """One line of a foreign program's complaint without addresses, which may carry credentials."""
    return re.sub(r"\s+", " ", _ADDRESS.sub("[address]", text)).strip()[:limit]


def folder_bytes(folder: Path) -> int:
    """Bytes in the files below `folder` right now; files that vanish while we look count as 0."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
