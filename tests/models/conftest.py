"""Fixtures for the model store: a workshop whose package clients see nothing but wheels made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from model_workshop import Workshop

from vivavoce.models import packages
from vivavoce.models.catalog import Package


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    made = Workshop(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.index))
    return made


@pytest.fixture
def quick_workshop(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """The same with `cp` for pip, which takes most of a second to start: for what does not depend on the client."""

    def copy(package: Package, folder: Path) -> list[str]:
        wheel = f"{package.name.replace('-', '_')}-{package.version}-py3-none-any.whl"
        return ["cp", str(workshop.index / wheel), str(folder)]

    monkeypatch.setattr(packages, "_pip", copy)
    monkeypatch.setattr(packages, "POLL_S", 0.01)
    return workshop


@pytest.fixture
def recorded() -> Callable[[Path], dict[str, str]]:
    """Read a model's source.json: where each file came from."""

    def read(folder: Path) -> dict[str, str]:
        files = json.loads((folder / "source.json").read_text())["files"]
        return {name: facts["source"] for name, facts in files.items()}

    return read
