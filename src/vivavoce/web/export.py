"""A site as files: pages with relative links, that any web server shows, and a browser from a disk."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from posixpath import relpath
from urllib.parse import quote

from vivavoce.web.page import Asked, Page
from vivavoce.web.site import Site


def export(site: Site, folder: Path) -> list[Path]:
    """Write all pages of `site` that need no server, and their files, below `folder`; the files that were written.

    `index.html` is the first of the pages, and the pages of its kind lie beside it. Raises `OSError`.
    """
    exported = {page.name: page for page in site.pages.values() if not page.needs_server}
    leave_out = frozenset(site.pages.keys() - exported.keys())
    targets = {page.address(asked): _file(page, asked) for page in exported.values() for asked in page.each()}
    if exported:
        targets[next(iter(exported.values())).address(Asked())] = "index.html"
    written: list[Path] = []
    for page in exported.values():
        for asked in page.each():
            file = targets[page.address(asked)]
            html = site.render(page, asked, _Relative(file, targets), leave_out=leave_out)
            written.append(_write(folder / file, html.encode("utf-8", "replace")))
    for asset in site.assets.files.values():
        written.append(_write(folder / site.assets.address(asset.path), asset.content))
    return written


class _Relative:
    """Links from one file to others. What is not written is linked to by its nearest: the same without a query."""

    def __init__(self, file: str, targets: dict[str, str]) -> None:
        self._here = file.rpartition("/")[0] or "."
        self._targets = targets

    def page(self, page: Page, asked: Asked) -> str:
        plain = page.address(Asked(asked.parts))
        file = self._targets.get(page.address(asked)) or self._targets.get(plain)
        return "#" if file is None else quote(relpath(file, self._here))

    def asset(self, address: str) -> str:
        return quote(relpath(address, self._here))


def _file(page: Page, asked: Asked) -> str:
    """`models/gpt-audio.html` for `/models/gpt-audio`: letters, digits, dots and dashes, whatever the names are."""
    path = re.sub(r"\{(\w+)\}", lambda found: _plain(asked.parts[found[1]]), page.path).strip("/")
    query = "".join(f"--{_plain(name)}-{_plain(value)}" for name, value in asked.query.items())
    return f"{path}{query}.html"


def _plain(name: str) -> str:
    """Different for different names, also where a disk does not tell upper case from lower."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", name)[:60].strip(".-")
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _write(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file
