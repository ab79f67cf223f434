"""Servers with real weights as fixtures, and a question spoken by our own voice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from real_servers import RealServer, say, serving


@pytest.fixture(scope="session")
def real_server() -> Iterator[RealServer]:
    """The default profile, for tests that need its quality."""
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def tiny_server() -> Iterator[RealServer]:
    """The tiny profile with a single slot, for tests that need its speed."""
    with serving(VIVA_PROFILE="tiny", VIVA_SLOTS="1") as server:
        yield server


@pytest.fixture(scope="session")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """“What is the capital of France?” as mp3."""
    return say("What is the capital of France?", tmp_path_factory.mktemp("spoken") / "question.mp3")
