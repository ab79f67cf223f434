"""Fixtures every test package shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where weights lie; `make test` fetches them first, so a missing file is a failure, not a skip."""
    return Path(os.environ.get("VIVA_MODELS_DIR", Path.home() / ".cache" / "vivavoce" / "models"))


@pytest.fixture(scope="session")
def shared_speech() -> Path:
    """Real recordings beside the checkout; tests that need them skip without."""
    candidates = [REPO.parent / "shared" / "speech"]
    if "VIVA_SHARED_SPEECH" in os.environ:
        candidates.insert(0, Path(os.environ["VIVA_SHARED_SPEECH"]))
    for folder in candidates:
        if (folder / "manifest.jsonl").is_file():
            return folder
    pytest.skip("needs the recordings in ../shared/speech (set VIVA_SHARED_SPEECH to their folder)")


SLOW_FOLDERS = ("models", "codec", "browser")
"""Whole folders that drive real package clients, codecs and browsers through long tables: not in `make unit`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent.name in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
