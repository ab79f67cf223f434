"""Is it there, and how soon does it sound? Probes, incidents and sums of live traffic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vivavoce.board.status_page import Watch
from vivavoce.board.telling import TELLING
from vivavoce.web.page import Asked, Page


def status_page(watch: Watch) -> Page:
    def data(_: Asked) -> Mapping[str, Any]:
        return {**TELLING, "view": watch.view(), "at": _at}

    return Page("status", "/status", "status.html", data, nav="Status")


def _at(seconds: float) -> str:
    """Unix seconds as `2026-11-25 20:45 UTC`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
