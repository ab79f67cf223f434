"""200 requests of the soak: `make soak` sends 2,000."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from soak import BAD, soak

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").is_file(), reason="reads memory from /proc"),
]


STILL_FILLING = 0.25
"""Growth of memory that says nothing yet: caches of prompts and voices fill in the first few hundred requests."""


def test_the_server_ends_as_it_began() -> None:
    assert len(BAD) > 10
    assert soak(200, first=100, most_growth=STILL_FILLING) == []
