"""Pages that cannot drift: the README's tree, and links between pages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]


def test_the_readme_tree_is_complete() -> None:
    done = subprocess.run([sys.executable, "tools/readme_tree.py", "--check"], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_compatibility_page_is_proven_and_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "tools/compatibility.py", "--check"], cwd=REPO, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_links_between_pages_lead_somewhere() -> None:
    pages = [REPO / "README.md", REPO / "CONTRIBUTING.md", *(REPO / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(REPO)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_files_stay_short() -> None:
    long = [str(file) for file in (REPO / "src").rglob("*.py") if len(file.read_text().splitlines()) > 400]
    assert long == []
