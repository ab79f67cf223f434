"""All pages together: which one an address means, and its answer as bytes and headers. Knows no server and no page.

    site = Site(pages)
    answer = site.answer("/models/gpt-audio", "window=2026-11")

`server.pages` serves one beside the API; `web.export` writes one as files.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined

from vivavoce import __version__
from vivavoce.errors import InvalidValue, NotFound
from vivavoce.web.assets import Assets, own_assets
from vivavoce.web.page import Asked, Page
from vivavoce.web.policy import HEADERS, content_policy

log = logging.getLogger(__name__)

FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
"""A page may be kept, but whoever keeps it asks whether it is still the same (by its `etag`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP. Its headers have names in lower case, and no `content-length`. route: the path of the page's
    kind, for logs and figures."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    route: str

    def compressed(self) -> bytes | None:
        """The body by gzip; None where that is not worth it."""
        squeezable = self.headers["content-type"].startswith(("text/", "image/svg"))
        return _gzipped(self.body) if squeezable and len(self.body) > 500 else None


@lru_cache(maxsize=128)
def _gzipped(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)


class Links(Protocol):
    """How pages link to pages and files: other than absolutely where they are written as files."""

    def page(self, page: Page, asked: Asked) -> str: ...

    def asset(self, address: str) -> str: ...


class Absolute:
    """Links for a server: paths from the root."""

    def page(self, page: Page, asked: Asked) -> str:
        return page.address(asked)

    def asset(self, address: str) -> str:
        return f"/{address}"


@dataclass(slots=True)
class Site:
    """Pages by their names, in order of registration, and the files that they use."""

    pages: Mapping[str, Page]
    assets: Assets = field(default_factory=own_assets)

    @classmethod
    def of(cls, pages: Iterable[Page]) -> Site:
        return cls({page.name: page for page in pages})

    def home(self) -> str:
        """Where somebody who asks for `/` is led: the first page."""
        return next(iter(self.pages.values())).address(Asked())

    def find(self, path: str) -> tuple[Page, dict[str, str]] | None:
        """The page at a path that is still encoded, and the parts of it, decoded. A slash at its end is nothing."""
        for page in self.pages.values():
            if found := page.pattern().fullmatch(path.rstrip("/")):
                return page, {name: unquote(part) for name, part in found.groupdict().items()}
        return None

    def answer(self, path: str, query: str = "", *, person: bool = True) -> Answer | None:
        """The answer to a GET of a path that is still encoded; None where it is no page or file of ours.

        person: who asks wants pages, so a wrong path gets one that says so.
        """
        if asset := self.assets.at(path.removeprefix("/")):
            headers = HEADERS | {"content-type": asset.content_type, "cache-control": FOR_GOOD}
            return Answer(200, asset.content, headers, "/static/{file}")
        found = self.find(path)
        if found is None:
            return self.problem(404, "There is no page at this address.") if person else None
        page, parts = found
        return self._page(page, Asked(parts, dict(parse_qsl(query, keep_blank_values=True))))

    def _page(self, page: Page, asked: Asked) -> Answer:
        try:
            html = self.render(page, asked, Absolute())
            connects = page.connects(asked)
        except NotFound as error:
            return self.problem(404, error.message, route=page.path)
        except InvalidValue as error:
            return self.problem(400, error.message, route=page.path)
        except Exception as error:  # a page must never take the server's answer away from people
            log.exception("the page %s failed: %s", page.path, type(error).__name__)
            return self.problem(500, "This page could not be made. The server's log says why.", route=page.path)
        return self._html(200, html, page.path, connects)

    def problem(self, status: int, message: str, *, route: str = "/{page}") -> Answer:
        """A page that says what is wrong, in plain words."""
        html = self._render("problem.html", {"status": status, "message": message}, None, Absolute())
        return self._html(status, html, route)

    def render(self, page: Page, asked: Asked, links: Links, *, leave_out: frozenset[str] = frozenset()) -> str:
        """The page as HTML. leave_out: names of pages that the navigation is to be without."""
        return self._render(page.template, page.data(asked), page, links, leave_out)

    def _render(
        self,
        template: str,
        data: Mapping[str, Any],
        page: Page | None,
        links: Links,
        leave_out: frozenset[str] = frozenset(),
    ) -> str:
        section = (page.section or page.name) if page else None
        nav = [
            {"label": each.nav, "href": links.page(each, Asked()), "current": each.name == section}
            for each in self.pages.values()
            if each.nav and each.name not in leave_out
        ]

        def url(name: str, query: Mapping[str, str] | None = None, **parts: str) -> str:
            return links.page(self.pages[name], Asked(parts, query or {}))

        def static(path: str) -> str:
            return links.asset(self.assets.address(path))

        own: dict[str, Any] = {"nav": nav, "version": __version__, "static": static, "url": url}
        return ENVIRONMENT.get_template(template).render({**data, **own})

    def _html(self, status: int, html: str, route: str, connects: tuple[str, ...] = ()) -> Answer:
        body = html.encode("utf-8", "replace")  # half a surrogate in a model's answer
        headers = HEADERS | {
            "content-type": "text/html; charset=utf-8",
            "cache-control": ASK_AGAIN,
            "content-security-policy": content_policy(connects),
            "etag": f'"{hashlib.sha256(body).hexdigest()[:20]}"',
        }
        return Answer(status, body, headers, route)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("vivavoce.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


ENVIRONMENT = _environment()
