"""Which pages there are, in the order of the navigation. A new kind of page is registered here, in one line."""

from __future__ import annotations

from vivavoce.web.live import live_pages
from vivavoce.web.site import Site
from vivavoce.web.sources import Sources


def make_site(sources: Sources) -> Site:
    """All pages over what they are made of."""
    return Site.of([*live_pages(sources)])
