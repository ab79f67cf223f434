"""What a page is: a path, a template, and a function that finds what the template shows. Knows no server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a page. parts: what the `{names}` in its path stand for; query: the last value of each name."""

    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])


Data = Callable[[Asked], Mapping[str, Any]]
"""What a template shows, found in files and memory: called in a thread, for each request. Raises `NotFound` (the page
answers 404) and `InvalidValue` (400), whose messages people read."""


def _only_itself() -> Iterable[Asked]:
    return (Asked(),)


def _nothing(_: Asked) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Page:
    """One kind of page.

    name: to link to it, `url("model", model="gpt-audio")` in a template. path: `/models/{model}`; a name in braces is
    one part of the path, decoded, whatever it holds. nav: its label in the navigation, which has the pages in the order
    in which they are registered; empty: it is not there. section: the name of the page whose label is marked in the
    navigation while this one is shown. each: all there are of it, for the export; one without parts unless said
    otherwise. needs_server: it is left out of the export. connects: origins beside its own that its scripts may speak
    to, `https://api.example.com`; they are put into the content-security policy as they are.
    """

    name: str
    path: str
    template: str
    data: Data
    nav: str = ""
    section: str = ""
    each: Callable[[], Iterable[Asked]] = _only_itself
    needs_server: bool = False
    connects: Callable[[Asked], tuple[str, ...]] = _nothing

    def pattern(self) -> re.Pattern[str]:
        """Matches encoded paths of this page; groups are the parts, encoded."""
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))

    def address(self, asked: Asked) -> str:
        """The path and query of one page. Raises `KeyError` where a part is missing."""
        path = re.sub(r"\{(\w+)\}", lambda found: quote(asked.parts[found[1]], safe=""), self.path)
        return path + (f"?{urlencode(asked.query)}" if asked.query else "")
