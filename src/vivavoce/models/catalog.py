"""What can be fetched: the typed reading of `catalog.toml`.

Knows names, licences, sizes, hashes and where the bytes are published. Does NOT know how to fetch anything,
where weights lie on this machine, or which engine reads them.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files as package_files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]
"""A bare file name: no folder, so no entry can point outside its model's folder."""

_PACKAGE = re.compile(
    r"^(?:pip:(?P<pip>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<pip_version>[0-9A-Za-z.+!_-]+)"
    r"|npm:(?P<npm>(?:@[a-z0-9._-]+/)?[a-z0-9][a-z0-9._-]*)@(?P<npm_version>[0-9A-Za-z.+-]+))$"
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Package(_Frozen):
    """One published package at one version, and the client that fetches it."""

    manager: Literal["pip", "npm"]
    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Package:
        """Read `pip:NAME==VERSION` or `npm:NAME@VERSION`; anything else raises ValueError."""
        match = _PACKAGE.match(text)
        if match is None:
            raise ValueError(f"not a package: {text!r} (want pip:NAME==VERSION or npm:NAME@VERSION)")
        if match["pip"]:
            return cls(manager="pip", name=match["pip"], version=match["pip_version"])
        return cls(manager="npm", name=match["npm"], version=match["npm_version"])

    @property
    def requirement(self) -> str:
        """The package as its own client writes it: `NAME==VERSION` for pip, `NAME@VERSION` for npm."""
        return f"{self.name}{'==' if self.manager == 'pip' else '@'}{self.version}"

    def __str__(self) -> str:
        return f"{self.manager}:{self.requirement}"


class Part(_Frozen):
    """A member of a package's archive that holds `size` consecutive bytes of a file."""

    package: Package
    member: str
    size: int = Field(gt=0)
    sha256: Sha256


class HubRepo(_Frozen):
    """A repository on the Hugging Face hub at one commit; without a revision, at its newest."""

    repo: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    revision: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")

    def __str__(self) -> str:
        return f"{self.repo}@{self.revision[:12] if self.revision else 'newest'}"


class ModelFile(_Frozen):
    """One file of a model: `size` bytes with this sha256, whichever source it came from.

    Without a sha256 only the hub's own checksum can be asked for, which is a sha256 for large files and git's sha1
    for small ones. about: `size` is a round figure.
    """

    name: FileName
    size: int = Field(gt=0)
    sha256: Sha256 | None = None
    git_sha1: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}$")
    about: bool = False
    hub_path: str | None = None
    parts: tuple[Part, ...] = ()

    @property
    def pinned(self) -> bool:
        """Whether size and checksum are known exactly."""
        return not self.about and (self.sha256 or self.git_sha1) is not None

    @model_validator(mode="after")
    def _parts_have_a_hash(self) -> Self:
        if self.parts and not (self.pinned and self.sha256):
            raise ValueError(f"{self.name} comes in packages, so it needs an exact size and a sha256")
        return self

    @model_validator(mode="after")
    def _parts_make_the_file(self) -> Self:
        if self.parts and sum(part.size for part in self.parts) != self.size:
            raise ValueError(f"the parts of {self.name} do not add up to {self.size} bytes")
        return self


class ModelEntry(_Frozen):
    """One model of the catalogue. `name` is also the name of its folder in the store."""

    name: FileName
    role: Literal["listen", "think", "speak", "speakers"]
    title: str
    licence: str
    terms: str | None = None
    """What the licence asks of users, where it is not simply open; such weights are fetched only after consent."""
    maker: str
    note: str
    hub: HubRepo | None = None
    files: tuple[ModelFile, ...] = Field(min_length=1)

    @property
    def size(self) -> int:
        """Bytes on disk when installed; about, where a file's size is."""
        return sum(file.size for file in self.files)

    @property
    def pinned(self) -> bool:
        """Whether every file has a hash of ours, so that a source can be checked against something else than itself."""
        return all(file.sha256 for file in self.files)

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages that hold this model, in the order in which they are fetched."""
        return tuple(dict.fromkeys(part.package for file in self.files for part in file.parts))

    @model_validator(mode="after")
    def _every_file_can_be_fetched(self) -> Self:
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name} names a file twice")
        in_packages = all(file.parts for file in self.files)
        on_hub = self.hub is not None and all(file.hub_path for file in self.files)
        if not (in_packages or on_hub):
            raise ValueError(f"no single source has every file of {self.name}")
        order = {package: place for place, package in enumerate(self.packages)}
        for file in self.files:
            places = [order[part.package] for part in file.parts]
            if places != sorted(places):
                raise ValueError(f"{file.name} of {self.name} would need a package before an earlier one")
        return self


@lru_cache(maxsize=1)
def load_catalog() -> dict[str, ModelEntry]:
    """The catalogue shipped with this version, by model name, in the order of the file."""
    return parse_catalog((package_files("vivavoce.models") / "catalog.toml").read_text("utf-8"))


def parse_catalog(text: str) -> dict[str, ModelEntry]:
    """Read a catalogue from TOML text. Raises ValueError where it is not well-formed."""
    tables: dict[str, dict[str, object]] = tomllib.loads(text)
    return {name: ModelEntry.model_validate(_entry(name, table)) for name, table in tables.items()}


class _Each(_Frozen):
    """Many files of one shape; `{}` in each template stands for a key of `sha256`."""

    name: str
    size: int
    package: str
    member: str
    sha256: dict[str, str]
    hub_path: str | None = None

    def expand(self) -> list[dict[str, object]]:
        return [
            {
                "name": self.name.replace("{}", key),
                "size": self.size,
                "sha256": digest,
                "hub_path": self.hub_path.replace("{}", key) if self.hub_path else None,
                "parts": [{"package": self.package, "member": self.member.replace("{}", key)}],
            }
            for key, digest in self.sha256.items()
        ]


class _RawPart(_Frozen):
    package: str
    member: str
    size: int | None = None
    sha256: str | None = None


class _RawFile(_Frozen):
    name: str
    size: int
    sha256: str | None = None
    about: bool = False
    hub_path: str | None = None
    parts: tuple[_RawPart, ...] = ()

    def checked(self) -> ModelFile:
        """Give a part without size and hash those of the whole file, which only a lone part may leave out."""
        parts: list[Part] = []
        for part in self.parts:
            size, digest = part.size, part.sha256
            if len(self.parts) == 1:
                size, digest = size or self.size, digest or self.sha256
            if size is None or digest is None:
                raise ValueError(f"part {part.member} needs its own size and sha256")
            package = Package.parse(part.package)
            parts.append(Part(package=package, member=part.member, size=size, sha256=digest))
        return ModelFile(
            name=self.name,
            size=self.size,
            sha256=self.sha256,
            about=self.about,
            hub_path=self.hub_path,
            parts=tuple(parts),
        )


class _RawEntry(_Frozen):
    files: tuple[_RawFile, ...] = ()
    each: _Each | None = None


def _entry(name: str, table: dict[str, object]) -> dict[str, object]:
    shapes = {key: value for key, value in table.items() if key in ("files", "each")}
    facts = {key: value for key, value in table.items() if key not in shapes}
    raw = _RawEntry.model_validate(shapes)
    expanded = raw.each.expand() if raw.each else []
    every = (*raw.files, *(_RawFile.model_validate(file) for file in expanded))
    return {**facts, "name": name, "files": tuple(file.checked() for file in every)}
