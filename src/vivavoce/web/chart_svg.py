"""Drawings by matplotlib, made fit for a page: without styles of their own, coloured by the page's custom properties.

A content-security policy that forbids inline style forbids `style` attributes in inline SVG too, so they become
presentation attributes; colours are placeholders that become `var(--…)`, so light and dark are the page's affair.
The only file that imports matplotlib.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# (matplotlib's keyword arguments have no types)

from __future__ import annotations

import hashlib
import io
import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, cast
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from vivavoce.web.chart import Drawing, Row, Series, told

WIDTH = 560
"""Units of a drawing's width; text is 13 of them high."""

ROW_HEIGHT = 30
LINES_HEIGHT = 270
LONGEST_LABEL = 28

INK, MUTED, GRID = "#000001", "#000002", "#000003"
SERIES = tuple(f"#0000a{number}" for number in range(1, 7))
COLOURS = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--grid)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(SERIES, 1)
}
"""Placeholders that nothing else is drawn in, and what the page puts there."""

DASHES = ("-", "--", ":", "-.", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
"""Series are told apart by these too, not by colour alone."""

STYLE: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # names may have dollar signs
    "font.size": 13,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 7,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 2.2,
}

_ONE_AT_A_TIME = threading.Lock()  # matplotlib's settings are those of the process


def draw(drawing: Drawing) -> str:
    """The drawing as an `svg` element to be put into a page."""
    name = hashlib.sha256(repr(drawing).encode("utf-8", "replace")).hexdigest()[:8]
    buffer = io.BytesIO()
    with _ONE_AT_A_TIME, mpl.rc_context(cast("Any", {**STYLE, "svg.hashsalt": name})), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that its fonts lack are drawn by the browser's
        figure = Figure(figsize=(WIDTH / 72, _height(drawing) / 72), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _PLOTS[drawing.kind](axes, drawing)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _for_a_page(buffer.getvalue(), drawing.title)


def _height(drawing: Drawing) -> float:
    in_rows = drawing.kind in ("dots", "bars")
    return 50 + ROW_HEIGHT * len(drawing.rows) if in_rows else LINES_HEIGHT


def _step(axes: Axes, drawing: Drawing) -> None:
    for number, one in enumerate(drawing.series):
        points = [(point.x, point.y) for point in one.points if point.y is not None]
        if not points:
            continue
        if drawing.until is not None and drawing.until > points[-1][0]:  # pyright: ignore[reportOperatorIssue]
            points.append((drawing.until, points[-1][1]))
        xs, ys = [x for x, _ in points], [y for _, y in points]
        marked: Any = list(range(len(one.points)))[: len(points)]
        plain = cast("Any", axes).step
        plain(xs, ys, where="post", label=_cut(one.name), markevery=marked, markersize=5, **_look(number))
    _finish_lines(axes, drawing)


def _line(axes: Axes, drawing: Drawing) -> None:
    plain = cast("Any", axes)
    for number, one in enumerate(drawing.series):
        points = [point for point in one.points if point.y is not None]
        if not points:
            continue
        look = _look(number)
        xs, ys = [point.x for point in points], [point.y for point in points]
        plain.plot(xs, ys, label=_cut(one.name), markersize=6, **look)
        for point in points:
            if point.low is not None and point.high is not None:
                plain.plot([point.x] * 2, [point.low, point.high], color=look["color"], linewidth=1.6, alpha=0.55)
    _finish_lines(axes, drawing)


def _look(number: int) -> dict[str, Any]:
    at = number % len(SERIES)
    return {"color": SERIES[at], "linestyle": DASHES[at], "marker": MARKERS[at]}


def _finish_lines(axes: Axes, drawing: Drawing) -> None:
    axes.grid(axis="y")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_ylabel(_cut(drawing.unit))
    if drawing.x_title:
        axes.set_xlabel(_cut(drawing.x_title))
    if _by_day(drawing.series):
        locator = AutoDateLocator(minticks=3, maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    if len(drawing.series) > 1:
        cast("Any", axes).legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, handlelength=2.6)


def _by_day(series: tuple[Series, ...]) -> bool:
    return any(isinstance(point.x, date) for one in series for point in one.points)


def _dots(axes: Axes, drawing: Drawing) -> None:
    _rows(axes, drawing)
    for y, row in enumerate(drawing.rows):
        if row.value is not None:
            _interval(axes, row, y, _colour(row, drawing))
            axes.plot([row.value], [y], marker="o", markersize=9, linestyle="none", color=_colour(row, drawing))


def _bars(axes: Axes, drawing: Drawing) -> None:
    _rows(axes, drawing)
    for y, row in enumerate(drawing.rows):
        if row.value is not None:
            cast("Any", axes).barh([y], [row.value], height=0.62, color=_colour(row, drawing), alpha=0.8)
            _interval(axes, row, y, INK)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))


def _colour(row: Row, drawing: Drawing) -> str:
    """That of the row that is meant; where none is, all have it."""
    return SERIES[0] if row.strong or not any(each.strong for each in drawing.rows) else SERIES[1]


def _interval(axes: Axes, row: Row, y: int, colour: str) -> None:
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2.4, alpha=0.6, solid_capstyle="round")


def _rows(axes: Axes, drawing: Drawing) -> None:
    """Labels to the left, figures to the right, the first row on top."""
    plain = cast("Any", axes)
    plain.set_yticks(range(len(drawing.rows)), [_cut(row.label) for row in drawing.rows], color=INK)
    plain.set_ylim(len(drawing.rows) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.margins(x=0.08)
    right = plain.secondary_yaxis("right")
    right.spines["right"].set_visible(False)
    right.set_yticks(range(len(drawing.rows)), [_figure(row) for row in drawing.rows], color=MUTED)
    axes.set_xlabel(_cut(drawing.unit))


def _figure(row: Row) -> str:
    if row.value is None:
        return "no measurements yet"
    between = f" ({told(row.low)} to {told(row.high)})" if row.low is not None and row.high is not None else ""
    return told(row.value) + between


def _histogram(axes: Axes, drawing: Drawing) -> None:
    counts = [row.value or 0.0 for row in drawing.rows]
    cast("Any", axes).stairs(counts, drawing.edges, fill=True, color=SERIES[0], alpha=0.8)
    axes.grid(axis="y")
    axes.set_xlabel(_cut(drawing.unit))
    axes.set_ylabel("count")


_PLOTS: Mapping[str, Callable[[Axes, Drawing], None]] = {
    "step": _step,
    "line": _line,
    "dots": _dots,
    "bars": _bars,
    "histogram": _histogram,
}


def _cut(text: str) -> str:
    """One short line, without what XML cannot hold."""
    clean = "".join(" " if unicodedata.category(each) in ("Cc", "Cs", "Cn", "Zl", "Zp") else each for each in text)
    return clean if len(clean) <= LONGEST_LABEL else clean[: LONGEST_LABEL - 1] + "…"


_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
_DROPPED = {"metadata", "style"}
_NOT_OURS = {"font-family", "stroke-linejoin", "stroke-linecap"}
"""Left to the page's style sheet."""


def _for_a_page(svg: bytes, title: str) -> str:
    """The `svg` element with plain attributes, and without what a page has no use for."""
    root = ElementTree.fromstring(svg)
    label = "".join(each for each in title if unicodedata.category(each) not in ("Cc", "Cs"))
    made = ElementTree.Element("svg", {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": label})
    used = {each.decode() for each in re.findall(rb"#([\w.-]+)", svg)}
    for child in root:
        _put(made, child, used)
    return ElementTree.tostring(made, encoding="unicode")


def _put(parent: ElementTree.Element, element: ElementTree.Element, used: set[str]) -> None:
    """Add `element` below `parent`. used: the ids that something refers to."""
    tag = element.tag.removeprefix(_SVG)
    if tag in _DROPPED:
        return
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key == "style":
            attributes |= _presentation(value)
        elif key != "id" or value in used:
            attributes[key.removeprefix(_XLINK)] = _short(value)
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    if tag == "g" and not attributes:
        made = parent  # a group that groups nothing
    else:
        made = ElementTree.SubElement(
            parent, tag, {key: COLOURS.get(value, value) for key, value in attributes.items()}
        )
        made.text = element.text if tag == "text" else None
    for child in element:
        _put(made, child, used)


def _presentation(style: str) -> dict[str, str]:
    """The declarations of a `style` attribute as attributes; of a font its size alone."""
    found: dict[str, str] = {}
    for declaration in style.split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            name, value = "font-size", "".join(re.findall(r"([\d.]+)px", value)[:1])
        if value and name not in _NOT_OURS:
            found[name] = value
    return found


def _short(value: str) -> str:
    """Coordinates to a hundredth."""
    return re.sub(r"(\.\d\d)\d+", r"\1", value)
