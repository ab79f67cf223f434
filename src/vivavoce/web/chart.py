"""Charts: what is to be drawn as plain data, drawn as SVG that takes its colours from the page, with its table.

    chart = interval_dots("Word errors", [Row("gpt-audio", 7.1, 6.0, 8.3), Row("viva-voce", 9.4, 8.0, 11.1)], unit="%")

In a template: `{% from "macros.html" import figure %}{{ figure(chart, "n = 170 recordings") }}`. A value that is None
is not drawn and shows as a dash in the table; a chart of nothing has no drawing, and the page says so. Labels may be
anything: long ones are cut in the drawing alone. Drawings are kept while the same data comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from math import isfinite
from typing import Literal

from markupsafe import Markup

Kind = Literal["step", "line", "dots", "bars", "histogram"]
Cell = str | int | float
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a series. x: a number or a day, of the same kind in the whole chart. low, high: its interval."""

    x: float | date
    y: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A named line, in order of x. At most six in a chart are told apart."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One value among others of its kind: a model's, say. low, high: its interval. strong: the one that is meant."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """What `chart_svg` draws: series for lines, rows for the rest; `edges` of the bins of a histogram."""

    kind: Kind
    title: str
    unit: str
    x_title: str = ""
    series: tuple[Series, ...] = ()
    rows: tuple[Row, ...] = ()
    edges: tuple[float, ...] = ()
    until: float | date | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """svg: inline, empty where there is nothing to draw. columns, rows: the same as a table."""

    title: str
    svg: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def step_lines(
    title: str, series: Sequence[Series], *, unit: str, until: date | float | None = None, x_title: str = ""
) -> Chart:
    """Values that hold until the next one, prices for one. until: where the last of each ends."""
    drawing = Drawing("step", title, unit, x_title, series=tuple(series), until=until)
    return _lines(drawing, ("", "from", _headed("value", unit)))


def interval_lines(title: str, series: Sequence[Series], *, unit: str, x_title: str = "") -> Chart:
    """Lines through their points, each with its interval where it has one."""
    columns = ("", x_title or "at", _headed("value", unit), "low", "high")
    return _lines(Drawing("line", title, unit, x_title, series=tuple(series)), columns)


def interval_dots(title: str, rows: Sequence[Row], *, unit: str) -> Chart:
    """A dot and its interval for each row, one below the other: for figures that have no meaningful zero."""
    return _of_rows(Drawing("dots", title, unit, rows=tuple(rows)))


def bars(title: str, rows: Sequence[Row], *, unit: str) -> Chart:
    """A bar from zero for each row, one below the other, with its interval where it has one."""
    return _of_rows(Drawing("bars", title, unit, rows=tuple(rows)))


def histogram(title: str, values: Sequence[float], *, unit: str, bins: int = 20) -> Chart:
    """How often values lie where. bins: how many, of equal width, from the smallest value to the largest."""
    finite = [value for value in values if isfinite(value)]
    if not finite:
        return Chart(title, Markup(""), (), ())
    low, high = min(finite), max(finite)
    step = (high - low) / bins or 1.0
    edges = tuple(low + step * number for number in range(bins + 1))
    counts = [0] * bins
    for value in finite:
        counts[min(bins - 1, int((value - low) / step))] += 1
    rows = tuple(Row(_range(edges[n], edges[n + 1], unit), float(count)) for n, count in enumerate(counts))
    table = tuple((row.label, count) for row, count in zip(rows, counts, strict=True))
    drawing = Drawing("histogram", title, unit, rows=rows, edges=edges)
    return Chart(title, _drawn(drawing), (unit or "range", "count"), table)


def told(value: float | None) -> str:
    """A number as people read it: four significant digits; a dash where there is none."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _lines(drawing: Drawing, columns: tuple[str, ...]) -> Chart:
    rows = tuple(
        (one.name, _at(point.x), told(point.y), told(point.low), told(point.high))[: len(columns)]
        for one in drawing.series
        for point in one.points
    )
    drawn = any(point.y is not None for one in drawing.series for point in one.points)
    return Chart(drawing.title, _drawn(drawing) if drawn else Markup(""), columns, rows)


def _of_rows(drawing: Drawing) -> Chart:
    columns = ("", _headed("value", drawing.unit), "low", "high")
    rows = tuple((row.label, told(row.value), told(row.low), told(row.high)) for row in drawing.rows)
    drawn = any(row.value is not None for row in drawing.rows)
    return Chart(drawing.title, _drawn(drawing) if drawn else Markup(""), columns, rows)


@lru_cache(maxsize=256)
def _drawn(drawing: Drawing) -> Markup:
    from vivavoce.web.chart_svg import draw  # heavy, and most pages have no chart

    return Markup(draw(drawing))  # built element by element, its texts escaped


def _headed(what: str, unit: str) -> str:
    return f"{what} ({unit})" if unit else what


def _at(x: float | date) -> str:
    if isinstance(x, datetime):
        return x.strftime("%Y-%m-%d %H:%M")
    return x.isoformat() if isinstance(x, date) else told(x)


def _range(low: float, high: float, unit: str) -> str:
    return f"{told(low)} to {told(high)}" + (f" {unit}" if unit else "")
