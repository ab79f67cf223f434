"""Packages and catalogues made on the spot, so that real package clients run without a network."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from vivavoce.models.catalog import ModelEntry, parse_catalog
from vivavoce.models.store import ModelStore

DATA = bytes(range(256)) * 1200
"""What the one file of the test model `m` contains."""
PARTS = (DATA[:100_000], DATA[100_000:])

CHILD = """
import sys, time
from pathlib import Path
from vivavoce.models.catalog import parse_catalog
from vivavoce.models.store import ModelStore
folder, pause_after, sources = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(",")
offline = len(sys.argv) > 4
if offline:
    sys.addaudithook(lambda event, args: event.startswith(("socket.", "subprocess.")) and sys.exit(f"did {event}"))
def show(moment):
    print(moment.done_bytes, moment.total_bytes, moment.note, flush=True)
    while moment.done_bytes >= pause_after and not (folder / "go").exists():
        time.sleep(0.02)
catalog = parse_catalog((folder / "catalog.toml").read_text())
store = ModelStore(folder / "root", sources=sources, catalog=catalog, offline=sys.argv[4:] == ["offline"])
print("pulled", sorted(store.pull("m", show).origins.items()), flush=True)
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_wheel(folder: Path, name: str, members: Mapping[str, bytes], version: str = "1.0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    path = folder / f"{module}-{version}-py3-none-any.whl"
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in members.items():
            wheel.writestr(member, data)
        wheel.writestr(f"{module}/__init__.py", "raise SystemExit('package code was run')")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def catalog_text(parts: list[tuple[str, str, bytes]], data: bytes = DATA, digest: str | None = None) -> str:
    """A catalogue of one model `m` with one file `model.bin`, whose parts are (package, member, bytes)."""
    lines = ["[m]", 'role = "think"', 'title = "t"', 'licence = "MIT"', 'maker = "us"', 'note = ""']
    lines += [f'hub = {{ repo = "us/m", revision = "{"a" * 40}" }}', "[[m.files]]", 'name = "model.bin"']
    lines += [f"size = {len(data)}", f'sha256 = "{digest or sha256(data)}"', 'hub_path = "sub/model.bin"']
    lines += ["parts = ["]
    lines += [
        f'  {{ package = "{package}", member = "{member}", size = {len(part)}, sha256 = "{sha256(part)}" }},'
        for package, member, part in parts
    ]
    return "\n".join([*lines, "]"])


def unpinned_catalog_text(*, terms: str = "", files: tuple[str, ...] = ("model.bin",)) -> str:
    """A catalogue of one model `m` on the hub, at its newest commit, of whose files only the names are known."""
    lines = ["[m]", 'role = "think"', 'title = "t"', 'licence = "Own"', 'maker = "us"', 'note = ""']
    lines += [f'terms = "{terms}"'] if terms else []
    lines += ['hub = { repo = "us/m" }', "files = ["]
    lines += [f'  {{ name = "{name}", size = 300000, about = true, hub_path = "sub/{name}" }},' for name in files]
    return "\n".join([*lines, "]"])


def two_parts() -> list[tuple[str, str, bytes]]:
    return [(f"pip:viva-part{i}==1.0", f"viva_part{i}/data/{i}.bin", part) for i, part in enumerate(PARTS)]


class Workshop:
    """A folder with a catalogue, an index of wheels and a store root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / "index"
        self.root = folder / "root"
        self.final = self.root / "m" / "model.bin"
        self.write_catalog(catalog_text(two_parts()))
        write_wheel(self.index, "viva-whole", {"viva_whole/model.bin": DATA})
        for i, part in enumerate(PARTS):
            write_wheel(self.index, f"viva-part{i}", {f"viva_part{i}/data/{i}.bin": part})

    def write_catalog(self, text: str) -> dict[str, ModelEntry]:
        (self.folder / "catalog.toml").write_text(text)
        return self.catalog

    def in_one_package(self) -> None:
        """Let the one file be a single member of a single package: one call of the package client."""
        self.write_catalog(catalog_text([("pip:viva-whole==1.0", "viva_whole/model.bin", DATA)]))

    @property
    def catalog(self) -> dict[str, ModelEntry]:
        return parse_catalog((self.folder / "catalog.toml").read_text())

    def store(self, **kwargs: object) -> ModelStore:
        return ModelStore(self.root, catalog=self.catalog, **{"sources": ("package",), **kwargs})  # type: ignore[arg-type]

    def child(
        self, *extra: str, pause_after: int = 1 << 60, sources: str = "package", **env: str
    ) -> subprocess.Popen[str]:
        """Pull in a process of its own, which halts at `pause_after` bytes until the file `go` is there."""
        command = [sys.executable, "-c", CHILD, str(self.folder), str(pause_after), sources, *extra]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, **env})


def finish(child: subprocess.Popen[str]) -> tuple[str, str]:
    """What a child still has to say, and its complaint. Unlike `communicate` it may follow a `readline`."""
    if child.stdout is None or child.stderr is None:
        raise TypeError("a child with pipes is wanted")
    with child.stdout, child.stderr:
        told, complaint = child.stdout.read(), child.stderr.read()
    child.wait(timeout=60)
    return told, complaint
