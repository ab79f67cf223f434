"""Charts: drawn from any data, coloured by the page, free of style, with the same figures as a table."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import date
from xml.etree import ElementTree

import pytest

from vivavoce.web.chart import Chart, Point, Row, Series, bars, histogram, interval_dots, interval_lines, step_lines

HOSTILE = "<script>alert($1$)</script>\x00\ud800"
LONG = "m" * 200
DAYS = (Point(date(2024, 12, 17), 10.0), Point(date(2026, 1, 1), 3.0, 2.0, 4.0))

ROWS = [
    Row("gpt-audio", 7.1, 6.0, 8.3, strong=True),
    Row(LONG, 9.4),
    Row(HOSTILE, None),
    Row("שלום 日本", 1e9, -1.0, 2.0),
]

CHARTS = {
    "steps": lambda: step_lines("Price", [Series("in", DAYS)], unit="$", until=date(2026, 11, 1)),
    "steps of seven": lambda: step_lines("Price", [Series(f"{n}", DAYS) for n in range(7)], unit="$"),
    "one point": lambda: step_lines("Price", [Series("in", DAYS[:1])], unit="$"),
    "lines": lambda: interval_lines("Quality", [Series(HOSTILE, DAYS), Series("b", ())], unit="%"),
    "lines by number": lambda: interval_lines(
        "L", [Series("a", (Point(1, 2.0), Point(2, None)))], unit="", x_title="n"
    ),
    "dots": lambda: interval_dots("Errors", ROWS, unit="%"),
    "bars": lambda: bars(HOSTILE, ROWS, unit=HOSTILE),
    "histogram": lambda: histogram("Latency", [0.5, 0.6, 1.9, math.nan, math.inf], unit="s"),
    "histogram of one": lambda: histogram("Latency", [1.0], unit="s"),
}


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest) -> Chart:
    return CHARTS[request.param]()


def test_a_drawing_is_one_small_well_formed_element(chart: Chart) -> None:
    root = ElementTree.fromstring(chart.svg)
    assert root.tag == "svg"
    assert root.attrib["role"] == "img"
    assert len(chart.svg) < 25_000
    assert chart.rows


def test_a_drawing_takes_its_looks_from_the_page(chart: Chart) -> None:
    for element in ElementTree.fromstring(chart.svg).iter():
        assert element.tag not in ("style", "script", "metadata", "image", "foreignObject")
        assert not {"style", "font-family"} & element.attrib.keys()
        colours = {element.attrib.get(name, "none") for name in ("fill", "stroke")}
        assert all(colour == "none" or colour.startswith("var(--") for colour in colours), colours


def test_the_same_data_is_the_same_drawing() -> None:
    assert CHARTS["dots"]().svg == CHARTS["dots"]().svg


@pytest.mark.parametrize(
    "empty",
    [
        step_lines("Price", [], unit="$"),
        interval_lines("Quality", [Series("a", (Point(1, None),))], unit="%"),
        interval_dots("Errors", [Row("a", None)], unit="%"),
        bars("Cost", [], unit="$"),
        histogram("Latency", [math.nan], unit="s"),
    ],
    ids=lambda chart: chart.title,
)
def test_a_chart_of_nothing_is_no_drawing(empty: Chart) -> None:
    assert empty.svg == ""


def test_the_table_has_what_is_drawn_and_what_is_not() -> None:
    chart = interval_dots("Errors", ROWS, unit="%")
    assert chart.columns == ("", "value (%)", "low", "high")
    assert chart.rows[0] == ("gpt-audio", "7.1", "6", "8.3")
    assert chart.rows[1][0] == LONG
    assert chart.rows[2][1:] == ("–", "–", "–")


def test_a_histogram_counts_every_finite_value() -> None:
    chart = histogram("Latency", [0.0, 0.1, 0.95, 1.0, math.nan], unit="s", bins=2)
    assert [count for _, count in chart.rows] == [2, 2]
    assert chart.rows[0][0] == "0 to 0.5 s"


def test_pages_do_not_load_what_draws() -> None:
    code = "import sys; import vivavoce.web.pages; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
