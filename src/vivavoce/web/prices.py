"""Prices across models: what is in force, what scenarios cost, how it came to be so, and a calculator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from vivavoce.board.money import CHAT_UNITS, compared, price_list
from vivavoce.board.observatory import Observatory
from vivavoce.board.telling import TELLING
from vivavoce.prices.book import PriceBook
from vivavoce.prices.history import History, Step, histories
from vivavoce.prices.scenarios import CALL, CALL_S, CONVERSATION, HOUR_HEARD
from vivavoce.prices.telling import LABELS, dollars, per, shown
from vivavoce.web.chart import Chart, Point, Series, step_lines
from vivavoce.web.page import Asked, Page


def price_pages(observatory: Observatory) -> Sequence[Page]:
    def data(_: Asked) -> Mapping[str, Any]:
        found, today, book = observatory.snapshot(), observatory.today, observatory.book
        return {
            **TELLING,
            "rows": price_list(found.subjects, book, today),
            "today": today,
            "units": CHAT_UNITS,
            "labels": LABELS,
            "per": per,
            "shown_price": shown,
            "dollars": dollars,
            "scenarios": {"conversation": CONVERSATION, "hour": HOUR_HEARD, "call": CALL},
            "call_s": CALL_S,
            "charts": _charts(observatory, today),
            "steps": len(_steps(book)),
        }

    def sources(_: Asked) -> Mapping[str, Any]:
        told = {"labels": LABELS, "per": per, "shown_price": shown, "dollars": dollars}
        return {**TELLING, **told, "history": _steps(observatory.book)}

    return [
        Page("prices", "/prices", "prices.html", data, nav="Prices"),
        Page("price-sources", "/prices/sources", "price_sources.html", sources, section="prices"),
    ]


def _steps(book: PriceBook) -> list[tuple[History, Step]]:
    return [(each, step) for name in book.models for each in histories(book, name) for step in each.steps]


def _charts(observatory: Observatory, today: date) -> Sequence[Chart]:
    names = compared(observatory.book)
    found = {name: {each.unit: each for each in histories(observatory.book, name)} for name in names}
    charts: list[Chart] = []
    for unit in ("input_audio_tokens", "output_audio_tokens"):
        series = [
            Series(name, tuple(Point(step.since, float(step.usd_per_million)) for step in found[name][unit].steps))
            for name in names
        ]
        title = f"{LABELS[unit].capitalize()}: US dollars per million tokens"
        charts.append(step_lines(title, series, unit="$ per million", until=today))
    return charts
