"""Runs of exams: all of them, one with its figures, and each of its questions with what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vivavoce.board.judged import Judged
from vivavoce.board.observatory import Observatory
from vivavoce.board.telling import TELLING, rounded
from vivavoce.errors import NotFound
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import Figure
from vivavoce.languages import name_of
from vivavoce.web.chart import Chart, Row, interval_dots
from vivavoce.web.page import Asked, File, Page


def run_pages(observatory: Observatory) -> Sequence[Page]:
    pages = _Pages(observatory)
    return [
        Page("runs", "/runs", "runs.html", pages.runs, section="leaderboard"),
        Page("run", "/runs/{run}", "run.html", pages.run, section="leaderboard", each=pages.each_run),
        Page(
            "answers", "/runs/{run}/{exam}", "answers.html", pages.answers, section="leaderboard", each=pages.each_part
        ),
        Page("sound", "/runs/{run}/sounds/{sound}.wav", "", _no_data, each=pages.each_sound, file=pages.sound),
    ]


class _Pages:
    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    def runs(self, _: Asked) -> Mapping[str, Any]:
        found = self._observatory.snapshot()
        rows = [(run, found.subject_of(run)) for run in reversed(found.shelf.runs)]
        return {**TELLING, "rows": rows, "unreadable": found.shelf.unreadable}

    def run(self, asked: Asked) -> Mapping[str, Any]:
        found = self._observatory.snapshot()
        run = found.run(asked.parts["run"])
        exams = [(TASKS[name], run.figures(name)) for name in run.tasks]
        return {
            **TELLING,
            "run": run,
            "subject": found.subject_of(run),
            "exams": exams,
            "chart": _headlines(run),
            "language": name_of,
        }

    def answers(self, asked: Asked) -> Mapping[str, Any]:
        found = self._observatory.snapshot()
        run, task = found.run(asked.parts["run"]), asked.parts["exam"]
        if task not in run.tasks:
            raise NotFound("In this run, nothing was asked in an exam by this name.")
        entries = self._observatory.entries(run)
        parts = entries.pages(task)
        number = _number(asked.query.get("page", "1"), len(parts))
        return {
            **TELLING,
            "run": run,
            "subject": found.subject_of(run),
            "task": TASKS[task],
            "figures": run.figures(task),
            "charts": _by_kind(run, task) if number == 1 else [],
            "facets": _by_facet(run, task) if number == 1 else [],
            "entries": [entries.entry(item, made) for item, made in parts[number - 1]],
            "number": number,
            "parts": len(parts),
            "shown_pages": _near(number, len(parts)),
            "asked": len(run.of(task)),
            "first": sum(len(part) for part in parts[: number - 1]) + 1,
            "language": name_of,
        }

    def sound(self, asked: Asked) -> File:
        run = self._observatory.snapshot().run(asked.parts["run"])
        sound = self._observatory.entries(run).sound(asked.parts["sound"])
        if sound is None:
            raise NotFound("This sound is not kept, or is not ours to play.")
        return File(sound, "audio/wav")

    def each_run(self) -> Iterable[Asked]:
        return [Asked({"run": run.run.id}) for run in self._observatory.snapshot().shelf.runs]

    def each_part(self) -> Iterable[Asked]:
        for run in self._observatory.snapshot().shelf.runs:
            entries = self._observatory.entries(run)
            for task in run.tasks:
                for number in range(1, len(entries.pages(task)) + 1):
                    yield Asked({"run": run.run.id, "exam": task}, page_query(number))

    def each_sound(self) -> Iterable[Asked]:
        for run in self._observatory.snapshot().shelf.runs:
            for digest in self._observatory.entries(run).kept():
                yield Asked({"run": run.run.id, "sound": digest})


def _no_data(_: Asked) -> Mapping[str, Any]:
    return {}


def page_query(number: int) -> dict[str, str]:
    return {} if number == 1 else {"page": str(number)}


def _number(text: str, parts: int) -> int:
    """Of a page. Raises `NotFound` for one that there isn't."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= number <= parts:
        raise NotFound(f"There are {parts} pages of answers, and this is none of them.")
    return number


def _near(number: int, parts: int) -> list[int]:
    """The first and last page, and those around this one; 0 for a gap."""
    shown = sorted({1, parts, *range(max(1, number - 2), min(parts, number + 2) + 1)})
    found: list[int] = []
    for each in shown:
        if found and each > found[-1] + 1:
            found.append(0)
        found.append(each)
    return found


def _headlines(run: Judged) -> Chart:
    """Those that are percentages: others have no common scale."""
    stated = [(TASKS[name].card.title, run.figures(name)[0]) for name in run.tasks]
    return interval_dots("Headline figures", [_row(title, f) for title, f in stated if f.unit == "%"], unit="%")


def _by_kind(run: Judged, task: str) -> list[Chart]:
    """A drawing for each figure that is stated by kind: a kind may state another one than the headline."""
    found: dict[tuple[str, str], list[Row]] = {}
    for value, figure in _in_order(run.groups(task).get("group", {})):
        found.setdefault((figure.title, figure.unit), []).append(_row(f"{value} (n = {figure.n})", figure))
    return [interval_dots(f"By kind: {title}", rows, unit=unit) for (title, unit), rows in found.items()]


def _by_facet(run: Judged, task: str) -> list[tuple[str, list[tuple[str, Figure]]]]:
    """(facet, (value, figure) pairs) for the rest: tables, since there may be many."""
    return [
        (facet.replace("_", " "), _in_order(parts)) for facet, parts in run.groups(task).items() if facet != "group"
    ]


def _in_order(parts: Mapping[str, Figure]) -> list[tuple[str, Figure]]:
    return sorted(parts.items(), key=lambda pair: _order(pair[0]))


def _row(label: str, figure: Figure) -> Row:
    return Row(label, *rounded(figure))


def _order(value: str) -> tuple[float, str]:
    """Numbers by size, words by letters."""
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value
