"""The table of models in `docs/models.md`, made from the catalogue: `python -m vivavoce.models.page docs/models.md`."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from vivavoce.models.catalog import ModelEntry, load_catalog

_TABLE = re.compile(r"(<!-- models: made by `make docs` -->\n).*?(<!-- end of models -->)", re.DOTALL)
_HEADINGS = "| name | role | what | licence | size | hub | package |\n|---|---|---|---|---|---|---|\n"


def with_table(page: str) -> str:
    """`page` with the table between its two marks made anew."""
    rows = "".join(_row(entry) for entry in load_catalog().values())
    return _TABLE.sub(lambda marks: f"{marks[1]}{_HEADINGS}{rows}{marks[2]}", page)


def _row(entry: ModelEntry) -> str:
    hub = f"{entry.hub.repo}{'' if entry.pinned else ' ¹'}" if entry.hub else "–"
    licence = entry.licence + (" *" if entry.terms else "")
    cells = (f"`{entry.name}`", entry.role, entry.title, licence, f"{entry.size / 1e6:.0f} MB", hub, _packages(entry))
    return f"| {' | '.join(cells)} |\n"


def _packages(entry: ModelEntry) -> str:
    if not entry.packages:
        return "–"
    first, last = entry.packages[0], entry.packages[-1]
    index = {"pip": "PyPI", "npm": "npm"}[first.manager]
    number = re.search(r"\d+$", last.name)
    until = f" to {number[0]}" if first != last and number else ""
    return f"{index}: {first.name}{until} {first.version}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(with_table(target.read_text("utf-8")), "utf-8")
