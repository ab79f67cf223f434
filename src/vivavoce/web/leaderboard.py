"""The leaderboard: every exam in one table, or one exam with intervals, ranks and what it costs.

Exam and language choose what is compared, and each such page can be exported. Price and place choose what of it is
shown: by the query where there is a server, by a script where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, cast, get_args

from vivavoce.board.boards import PRICE_STEPS, Board, Row, Shown, Where
from vivavoce.board.observatory import Observatory, Snapshot
from vivavoce.board.telling import TELLING, rounded
from vivavoce.errors import InvalidValue
from vivavoce.exam.catalogue import TASKS
from vivavoce.languages import name_of
from vivavoce.web.chart import Chart, interval_dots
from vivavoce.web.chart import Row as ChartRow
from vivavoce.web.page import Asked, Page

PLACES: Mapping[Where, str] = {"": "everywhere", "self": "self-hosted", "remote": "somebody else's"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several to choose from. query: of the page that has it chosen; value: empty for all."""

    label: str
    value: str
    query: Mapping[str, str]
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """by_script: where there is no server, a script does it."""

    name: str
    label: str
    choices: Sequence[Choice]
    by_script: bool = False


def leaderboard_page(observatory: Observatory) -> Page:
    pages = _Pages(observatory)
    return Page("leaderboard", "/leaderboard", "leaderboard.html", pages.data, nav="Leaderboard", each=pages.each)


class _Pages:
    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    def data(self, asked: Asked) -> Mapping[str, Any]:
        found = self._observatory.snapshot()
        exam, shown = _read(asked.query)
        boards = found.boards
        board = boards.board(exam, shown.language) if exam else None
        overview = [] if board else [boards.board(name, shown.language) for name in boards.tasks]
        return {
            **TELLING,
            "board": board,
            "overview": [each for each in overview if each.rows],
            "models": [
                subject for subject in boards.examined if any(_row(each, subject.slug, shown) for each in overview)
            ],
            "rows": [row for row in board.rows if row.shown(shown)] if board else [],
            "shown": shown,
            "exam_query": partial(_exam_query, shown.language),
            "filters": _filters(found, exam, shown, asked.query),
            "chart": _chart(board, shown) if board else None,
            "language": name_of,
            "runs": len(found.shelf.runs),
            "unreadable": found.shelf.unreadable,
        }

    def each(self) -> Iterable[Asked]:
        boards = self._observatory.snapshot().boards
        yield Asked()
        for language in boards.languages:
            yield Asked(query={"language": language})
        for exam in boards.tasks:
            yield Asked(query={"exam": exam})
            languages = boards.board(exam).languages
            for language in languages if len(languages) > 1 else ():
                yield Asked(query={"exam": exam, "language": language})


def _exam_query(language: str, board: Board) -> dict[str, str]:
    """Of the page of one exam, in the language that is chosen where that tells it from the whole."""
    told = {"language": language} if language and len(board.languages) > 1 else {}
    return {"exam": board.task.name, **told}


def _row(board: Board, slug: str, shown: Shown) -> Row | None:
    return next((row for row in board.rows if row.subject.slug == slug and row.shown(shown)), None)


def _read(query: Mapping[str, str]) -> tuple[str, Shown]:
    """Exam and filters. Raises `InvalidValue`."""
    exam, language = query.get("exam", ""), query.get("language", "")
    where, price = query.get("where", ""), query.get("price", "")
    if exam and exam not in TASKS:
        raise InvalidValue(f"There is no exam by this name. There are: {', '.join(TASKS)}.", param="exam")
    if where not in get_args(Where):
        raise InvalidValue("A place is self or remote.", param="where")
    if price and price not in map(str, PRICE_STEPS):
        raise InvalidValue(f"A price is one of {', '.join(map(str, PRICE_STEPS))}.", param="price")
    return exam, Shown(language, cast("Where", where), Decimal(price) if price else None)


def _filters(found: Snapshot, exam: str, shown: Shown, query: Mapping[str, str]) -> list[Filter]:
    boards = found.boards
    languages = boards.board(exam).languages if exam else boards.languages
    exams = {"": "all", **{name: TASKS[name].card.title for name in boards.tasks}}
    spoken = {"": "all", **{language: name_of(language) for language in languages}}
    prices = {"": "any", **{str(step): f"up to ${step}" for step in PRICE_STEPS}}
    made = [
        _filter("exam", "Exam", exams, query, drop=("language",)),
        _filter("language", "Language", spoken, query),
        _filter("where", "Runs", PLACES, query, by_script=True),
        _filter("price", "An hour heard", prices, query, by_script=True),
    ]
    return [each for each in made if len(each.choices) > 2 or each.by_script]


def _filter(
    name: str,
    label: str,
    values: Mapping[Any, str],
    query: Mapping[str, str],
    *,
    drop: tuple[str, ...] = (),
    by_script: bool = False,
) -> Filter:
    """drop: what does not go on with another choice, since it may not have it."""

    def chosen(value: str) -> dict[str, str]:
        kept = {key: query[key] for key in ("exam", "language", "where", "price") if query.get(key) and key not in drop}
        kept[name] = value
        return {key: kept[key] for key in ("exam", "language", "where", "price") if kept.get(key)}

    choices = [Choice(text, value, chosen(value), query.get(name, "") == value) for value, text in values.items()]
    return Filter(name, label, choices, by_script)


def _chart(board: Board, shown: Shown) -> Chart:
    headline = board.task.headline
    rows = [
        ChartRow(row.subject.name, *rounded(figure))
        for row in board.rows
        if row.shown(shown)
        for figure in (row.standing.headline,)
    ]
    return interval_dots(headline.title[:1].upper() + headline.title[1:], rows, unit=headline.unit)
