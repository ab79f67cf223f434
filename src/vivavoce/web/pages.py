"""Which pages there are, in the order of the navigation. A new kind of page is registered here, in one line."""

from __future__ import annotations

from vivavoce.board.library import Library
from vivavoce.board.observatory import Observatory
from vivavoce.board.status_page import Watch
from vivavoce.probe.diary import Diary
from vivavoce.web.leaderboard import leaderboard_page
from vivavoce.web.live import live_pages
from vivavoce.web.methodology import methodology_page
from vivavoce.web.models import model_pages
from vivavoce.web.prices import price_pages
from vivavoce.web.runs import run_pages
from vivavoce.web.site import Site
from vivavoce.web.sources import Sources
from vivavoce.web.status import status_page


def make_site(sources: Sources) -> Site:
    """All pages over what they are made of."""
    observatory = Observatory(
        library=Library(sources.runs, sources.only),
        book=sources.book,
        cache=sources.sounds,
        own=sources.own,
        diary=Diary(sources.probes) if sources.probes is not None else None,
        outcomes=sources.outcomes,
        recordings=sources.recordings,
        now=sources.now,
    )
    watch = Watch(observatory)
    return Site.of(
        [
            *live_pages(sources),
            *model_pages(observatory, watch),
            leaderboard_page(observatory),
            *run_pages(observatory),
            *price_pages(observatory),
            status_page(watch),
            methodology_page(),
        ]
    )
