"""The folder where weights lie: `ROOT/MODEL/FILE`. Says what is there, fetches what is not, checks hashes.

Does NOT know how a source gets its bytes, which engine reads a file, or any setting: the root, offline mode and
the order of sources are given by whoever builds the store.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vivavoce.errors import MissingDependency, ModelNotFound, ModelNotInstalled, TooBusy
from vivavoce.models import records
from vivavoce.models.catalog import ModelEntry, ModelFile, load_catalog
from vivavoce.models.hub import HubSource
from vivavoce.models.locks import locked
from vivavoce.models.packages import PackageSource
from vivavoce.models.partial import is_intact, mismatch, sha256_of
from vivavoce.models.records import FOUND_IN_PLACE, FileRecord
from vivavoce.models.sources import (
    Fetched,
    Meter,
    ProgressCallback,
    Source,
    SourceFailed,
    SourceKind,
    folder_bytes,
)

SPARE_BYTES = 64 << 20
"""Left free on the disk after a pull, and room for the clients' own small files."""

_PARTIAL, _LOCKS = ".partial", ".locks"
_SOURCES: Mapping[SourceKind, type[Source]] = {"hub": HubSource, "package": PackageSource}


@dataclass(frozen=True)
class Installed:
    """A model that is complete in `folder`. `origins` says for each file where it came from. size: bytes."""

    name: str
    folder: Path
    size: int
    origins: Mapping[str, str]


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

    @property
    def names(self) -> tuple[str, ...]:
        """All that the catalogue has, in its order."""
        return tuple(self._catalog)

    def entry(self, name: str) -> ModelEntry:
        """What the catalogue says of a model. Raises ModelNotFound."""
        if name not in self._catalog:
            raise ModelNotFound(f"There is no model {name!r} to fetch. Known: {', '.join(self._catalog)}.")
        return self._catalog[name]

    def work_folder(self, name: str) -> Path:
        """Where an unfinished pull keeps what it has."""
        return self.root / _PARTIAL / name

    def path(self, name: str) -> Path:
        """The folder of an installed model. Raises ModelNotInstalled; ModelNotFound for an unknown name."""
        if not self.is_installed(name):
            raise ModelNotInstalled(f"The model {name} is not installed. Run `viva models pull {name}`.")
        return self.root / name

    def is_installed(self, name: str) -> bool:
        """Whether every file is there with its size. Hashes are checked when fetching, and by `verify`."""
        entry = records.completed(self.entry(name), records.read(self.root / name))
        return all(file.pinned and _has_size(self.root / name / file.name, file) for file in entry.files)

    def pull(self, name: str, progress: ProgressCallback | None = None, *, accept_terms: bool = False) -> Installed:
        """Fetch what is missing of a model, and adopt files that already lie there with the right hash.

        Waits while another process pulls the same model. An interrupted pull goes on where it was. `accept_terms`:
        the user has agreed to what the licence asks, where it asks anything. Raises ModelNotInstalled (offline, no
        source has it, wrong hash, no room, terms not accepted), MissingDependency, ModelNotFound.
        """
        entry = self.entry(name)
        if self.is_installed(name) and (known := records.read(self.root / name)):
            return self._installed(entry, known)
        meter = Meter(name, progress)
        try:
            with locked(
                self._lock(name),
                while_waiting=lambda: meter.note("waiting for another process that fetches this model"),
            ):
                return self._pull_locked(entry, meter, accept_terms=accept_terms)
        except OSError as error:
            raise ModelNotInstalled(f"Cannot write {name} under {self.root}: {error.strerror or error}.") from error

    def verify(self, name: str) -> list[str]:
        """Hash every file again; one sentence per problem, none when all is well.

        After a problem the record of the last pull is dropped, so that the next pull looks at every byte and
        replaces what is wrong.
        """
        folder, problems = self.root / name, list[str]()
        for file in records.completed(self.entry(name), records.read(folder)).files:
            path = folder / file.name
            if not path.is_file():
                problems.append(f"{file.name} is missing")
            elif not file.pinned:
                problems.append(f"{file.name} has no hash to compare with: pull it again, and the hub's is recorded")
            elif path.stat().st_size != file.size:
                problems.append(f"{file.name} has {path.stat().st_size} bytes instead of {file.size}")
            elif (digest := sha256_of(path)) != file.sha256:
                problems.append(mismatch(file, digest))
        if problems:
            with suppress(OSError):  # a read-only store can be verified too
                (folder / records.RECORD_NAME).unlink(missing_ok=True)
        return problems

    def remove(self, name: str) -> int:
        """Delete a model and what is left of its unfinished pulls; the bytes that this freed.

        Raises TooBusy while another process fetches it, ModelNotFound. A server that has it loaded goes on with it.
        """
        self.entry(name)
        return self._delete(name, self.root / name, self.work_folder(name))

    def remove_unfinished(self) -> dict[str, int]:
        """Delete what unfinished pulls have left; the bytes freed by name. Passes over what is being fetched now."""
        freed: dict[str, int] = {}
        for folder in sorted(path for path in (self.root / _PARTIAL).glob("*") if path.is_dir()):
            with suppress(TooBusy):
                freed[folder.name] = self._delete(folder.name, folder)
        return freed

    def _delete(self, name: str, *folders: Path) -> int:
        present = [folder for folder in folders if folder.exists()]
        if not present:
            return 0
        with locked(self._lock(name), while_waiting=None):
            before = sum(folder_bytes(folder) for folder in present)
            for folder in present:
                shutil.rmtree(folder, ignore_errors=True)
        return before - sum(folder_bytes(folder) for folder in present)

    def _lock(self, name: str) -> Path:
        return self.root / _LOCKS / f"{name}.lock"

    def _pull_locked(self, entry: ModelEntry, meter: Meter, *, accept_terms: bool) -> Installed:
        folder, work = self.root / entry.name, self.work_folder(entry.name)
        known = records.read(folder)
        if self.is_installed(entry.name) and known:  # another process was quicker
            return self._installed(entry, known)
        wanted = self._pinned(records.completed(entry, known), meter)
        files = _in_place(folder, entry, wanted, known)
        missing = [file for file in wanted.files if file.name not in files]
        if missing:
            self._require_leave(entry, accept_terms=accept_terms)
        folder.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        for leftover in work.glob("fetch-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        meter.expect(sum(file.size for file in missing))
        _require_space(entry, missing, work)
        asked = bool(missing and entry.terms)  # the fetching takes from `missing`
        for fetched in self._fetch(wanted, missing, work, meter):
            fetched.path.replace(folder / fetched.file.name)
            files[fetched.file.name] = FileRecord(
                fetched.file.size, fetched.sha256, fetched.origin, _checked_against(entry, fetched.file.name)
            )
        records.write(folder, wanted, files, terms_accepted=asked)
        shutil.rmtree(work, ignore_errors=True)
        return self._installed(wanted, files)

    def _require_leave(self, entry: ModelEntry, *, accept_terms: bool) -> None:
        """Raises ModelNotInstalled where fetching is forbidden, by offline mode or by a licence not agreed to."""
        if self.offline:
            raise ModelNotInstalled(
                f"{entry.name} is not installed and offline mode (VIVA_OFFLINE) forbids fetching it. Run "
                f"`viva models pull {entry.name}` without it, or copy {self.root / entry.name} from another machine."
            )
        if entry.terms and not accept_terms:
            raise ModelNotInstalled(
                f"{entry.name} is under the {entry.licence} licence. {entry.terms} To accept, pull it with "
                "--accept-licence, or set VIVA_ACCEPT_LICENCE=1."
            )

    def _pinned(self, entry: ModelEntry, meter: Meter) -> ModelEntry:
        """`entry` with what only the hub knows. Raises ModelNotInstalled where it does not say."""
        hub = next((source for source in self._sources if isinstance(source, HubSource)), None)
        if hub is None or self.offline or all(file.pinned for file in entry.files):
            return entry
        meter.note(f"asking {_NAMES['hub']} what {entry.name} should be: we have no hash of our own")
        try:
            return hub.pin(entry)
        except SourceFailed as error:
            raise ModelNotInstalled(f"Could not install {entry.name}. {_NAMES['hub']}: {error}") from error

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

    def _installed(self, entry: ModelEntry, files: Mapping[str, FileRecord]) -> Installed:
        size = records.completed(entry, files).size
        return Installed(entry.name, self.root / entry.name, size, {name: file.source for name, file in files.items()})


_NAMES: Mapping[SourceKind, str] = {"hub": "the Hugging Face hub", "package": "the package index"}


def _has_size(path: Path, file: ModelFile) -> bool:
    try:
        return path.stat().st_size == file.size
    except OSError:
        return False


def _in_place(
    folder: Path, entry: ModelEntry, wanted: ModelEntry, known: Mapping[str, FileRecord]
) -> dict[str, FileRecord]:
    """The files of `wanted` that already lie in `folder` byte for byte."""
    return {
        file.name: FileRecord(
            file.size,
            file.sha256 or sha256_of(folder / file.name),
            known[file.name].source if file.name in known else FOUND_IN_PLACE,
            _checked_against(entry, file.name),
        )
        for file in wanted.files
        if is_intact(folder / file.name, file)
    }


def _checked_against(entry: ModelEntry, name: str) -> str:
    """Whose hash a file was compared with: that of the catalogue's `entry`, or else the hub's."""
    return "catalogue" if any(file.sha256 for file in entry.files if file.name == name) else "hub"


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
            f"{free / 1e6:.0f} MB. Free some, or choose another folder with VIVA_MODELS_DIR."
        )
