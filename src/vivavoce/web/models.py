"""Models: all that anything is known of, and one with its prices, exams, delays and availability."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from vivavoce.board.model_page import Result, model_card, model_view
from vivavoce.board.money import history_of, money_of
from vivavoce.board.observatory import Observatory
from vivavoce.board.questions import questions
from vivavoce.board.status_page import Watch
from vivavoce.board.telling import TELLING, rounded
from vivavoce.exam.catalogue import TASKS
from vivavoce.prices.history import History
from vivavoce.prices.scenarios import CALL, CONVERSATION, HOUR_HEARD
from vivavoce.prices.telling import LABELS, per, shown
from vivavoce.web.chart import Chart, Point, Row, Series, interval_dots, step_lines
from vivavoce.web.page import Asked, Page


def model_pages(observatory: Observatory, watch: Watch) -> Sequence[Page]:
    pages = _Pages(observatory, watch)
    return [
        Page("models", "/models", "models.html", pages.models, nav="Models"),
        Page("model", "/models/{model}", "model.html", pages.model, section="models", each=pages.each),
    ]


class _Pages:
    def __init__(self, observatory: Observatory, watch: Watch) -> None:
        self._observatory = observatory
        self._watch = watch

    def models(self, _: Asked) -> Mapping[str, Any]:
        found, today = self._observatory.snapshot(), self._observatory.today
        own = self._observatory.own()
        cards = [
            (subject, model_card(subject, found), money_of(subject, self._observatory.book, own, today))
            for subject in found.boards.examined
        ]
        others = [
            (subject, money_of(subject, self._observatory.book, own, today))
            for subject in found.subjects
            if not subject.runs
        ]
        return {
            **TELLING,
            "cards": cards,
            "others": others,
            "today": today,
            "tasks": TASKS,
            "unreadable": found.shelf.unreadable,
        }

    def model(self, asked: Asked) -> Mapping[str, Any]:
        found, today = self._observatory.snapshot(), self._observatory.today
        subject = found.subject(asked.parts["model"])
        view = model_view(subject, found, today)
        money = money_of(subject, self._observatory.book, self._observatory.own(), today)
        prices = history_of(subject, self._observatory.book)
        return {
            **TELLING,
            "view": view,
            "subject": subject,
            "money": money,
            "scenarios": {"conversation": CONVERSATION, "hour": HOUR_HEARD, "call": CALL},
            "steps": prices.histories,
            "price_sources": prices.sources,
            "price_charts": price_charts(prices.histories, today),
            "labels": LABELS,
            "per": per,
            "shown_price": shown,
            "results_chart": _results(view.results),
            "tasks": TASKS,
            "targets": self._watch.targets_of(subject),
            "questions": questions(view, money, today),
            "today": today,
        }

    def each(self) -> Iterable[Asked]:
        return [Asked({"model": subject.slug}) for subject in self._observatory.snapshot().subjects]


def price_charts(histories: Sequence[History], until: date) -> list[Chart]:
    """Text and audio apart: they are apart by a factor of ten and more."""
    groups: dict[tuple[str, str], list[History]] = {}
    for each in histories:
        kind = "Audio" if LABELS[each.unit].startswith("audio") else "Text"
        groups.setdefault((kind, per(each.unit)), []).append(each)
    return [
        step_lines(
            f"{kind}: US dollars per {unit}", [_series(each) for each in found], unit=f"$ per {unit}", until=until
        )
        for (kind, unit), found in sorted(groups.items())
    ]


def _series(history: History) -> Series:
    points = tuple(Point(step.since, float(shown(history.unit, step.usd_per_million))) for step in history.steps)
    return Series(LABELS[history.unit], points)


def _results(results: Sequence[Result]) -> Chart:
    """Headlines that are percentages: others have no common scale."""
    rows = [
        Row(TASKS[each.task].card.title, *rounded(figure))
        for each in results
        if (figure := each.row.standing.headline).unit == "%"
    ]
    return interval_dots("Headline figures", rows, unit="%")
