"""The pages as tests ask for them: a site over a folder of runs, and the HTML at one of its addresses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from invented_runs import NOW

from vivavoce.web.pages import make_site
from vivavoce.web.site import Site
from vivavoce.web.sources import Sources

MOST_BYTES = 100_000


def site_of(folder: Path, **more: object) -> Site:
    return make_site(replace(Sources(runs=folder, now=lambda: NOW), **more))  # type: ignore[arg-type]


def html_of(site: Site, address: str) -> str:
    path, _, query = address.partition("?")
    answer = site.answer(path, query)
    assert answer is not None
    assert answer.status == 200, f"{address}: {answer.body[:2000]!r}"
    assert len(answer.body) < MOST_BYTES, address
    return answer.body.decode("utf-8")
