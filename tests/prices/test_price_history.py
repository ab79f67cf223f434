"""Price histories: steps by hand, and what is drawn of them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal

import pytest

from vivavoce.prices.book import PriceBook, PriceRow, load_book
from vivavoce.prices.history import History, Source, Step, histories, sources
from vivavoce.prices.history_svg import history_svg
from vivavoce.prices.telling import told, usd_told

TODAY = date(2026, 11, 25)


def row(unit: str, usd: str, since: str, source: str = "https://a.example/", seen: str = "") -> PriceRow:
    return PriceRow("m", unit, Decimal(usd), date.fromisoformat(since), date.fromisoformat(seen or since), source)


def book(*rows: PriceRow) -> PriceBook:
    return PriceBook(rows)


AUDIO = book(
    row("output_audio_tokens", "80", "2025-06-09", "https://b.example/"),
    row("output_audio_tokens", "200", "2024-12-17"),
    row("input_text_tokens", "2.50", "2024-12-17"),
)


def test_each_unit_is_a_series_of_steps_without_gaps() -> None:
    text, audio = histories(AUDIO, "m")
    assert (text.unit, audio.unit) == ("input_text_tokens", "output_audio_tokens")
    first, second = audio.steps
    assert (first.usd_per_million, first.since, first.until) == (200, date(2024, 12, 17), date(2025, 6, 9))
    assert (second.usd_per_million, second.since, second.until) == (80, date(2025, 6, 9), None)
    assert text.steps[0].until is None
    assert histories(AUDIO, "other") == []


@pytest.mark.parametrize(
    ("on", "usd"),
    [("2024-12-16", None), ("2024-12-17", 200), ("2025-06-08", 200), ("2025-06-09", 80), ("2030-01-01", 80)],
)
def test_a_step_holds_from_its_day_up_to_the_next(on: str, usd: int | None) -> None:
    audio = histories(AUDIO, "m")[1]
    step = audio.step_on(date.fromisoformat(on))
    assert (step and step.usd_per_million) == usd
    # and the book itself says the same
    rates = AUDIO.rates("m", date.fromisoformat(on))
    assert (usd is None) == ("output_audio_tokens" not in rates)


def test_of_two_rows_of_one_day_the_later_one_holds() -> None:
    twice = book(row("input_seconds", "100", "2026-01-01"), row("input_seconds", "90", "2026-01-01"))
    (history,) = histories(twice, "m")
    assert [step.usd_per_million for step in history.steps] == [90]
    assert twice.rates("m", TODAY)["input_seconds"].usd_per_million == 90


def test_a_dated_name_has_the_history_of_its_undated_one() -> None:
    ours = load_book()
    name = "gpt-4o-mini-audio-preview"
    assert [h.steps for h in histories(ours, f"{name}-2024-12-17")] == [h.steps for h in histories(ours, name)]


def test_sources_are_named_once_in_the_order_of_their_prices() -> None:
    rows = (
        row("output_audio_tokens", "200", "2024-12-17"),
        row("output_audio_tokens", "80", "2025-06-09", "genai-prices 9.9.9"),
        row("input_text_tokens", "3", "2026-01-01", seen="2026-02-02"),
    )
    assert sources(histories(book(*rows), "m")) == [
        Source("https://a.example/", date(2024, 12, 17), date(2026, 2, 2)),
        Source("genai-prices 9.9.9", date(2025, 6, 9), date(2025, 6, 9)),
    ]


@pytest.mark.parametrize(
    ("unit", "usd", "says"),
    [
        ("input_audio_tokens", "10", "$10 per million tokens"),
        ("output_text_tokens", "0.60", "$0.60 per million tokens"),
        ("output_text_tokens", "2.4", "$2.40 per million tokens"),
        ("input_text_tokens", "0.075", "$0.075 per million tokens"),
        ("input_characters", "15", "$15 per million characters"),
        ("input_seconds", "100", "$0.36 per hour"),
        ("input_seconds", "66.66666666666666666666666667", "$0.24 per hour"),
    ],
)
def test_prices_in_words(unit: str, usd: str, says: str) -> None:
    assert told(unit, Decimal(usd)) == says


@pytest.mark.parametrize(
    ("usd", "says"),
    [
        ("0", "$0"),
        ("0.000277", "$0.000277"),
        ("0.010045", "$0.0100"),
        ("1.152", "$1.15"),
        ("12.345", "$12.3"),
        ("1234.5", "$1,234"),
    ],
)
def test_amounts_have_three_digits(usd: str, says: str) -> None:
    assert usd_told(Decimal(usd)) == says


SVG = "{http://www.w3.org/2000/svg}"


def drawn(of: PriceBook, today: date = TODAY) -> ET.Element:
    return ET.fromstring(history_svg(histories(of, "m"), today))


def corners(path: str) -> list[float]:
    """The numbers of a path, in order."""
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", path)]


def test_a_history_is_drawn_as_a_stair_with_its_sources() -> None:
    svg = drawn(AUDIO)
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert {"Audio, per million tokens", "Text, per million tokens", "audio out $80", "text in $2.50"} <= set(texts)
    assert "1  a.example/, 2024-12-17" in texts
    assert "2  b.example/, 2025-06-09" in texts
    (stair, flat) = [path.attrib["d"] for path in svg.iter(f"{SVG}path")]
    x0, y0, x1, y1, x2 = corners(stair)
    assert re.fullmatch(r"M\S+ \S+H\S+V\S+H\S+", stair)
    assert x0 < x1 < x2
    assert y0 < y1, "dearer is higher"
    days = (date(2025, 6, 9) - date(2024, 12, 17)).days / (TODAY - date(2024, 12, 17)).days
    assert (x1 - x0) / (x2 - x0) == pytest.approx(days, abs=1e-3)
    assert re.fullmatch(r"M\S+ \S+H\S+", flat)
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert "$200 from 2024-12-17: https://a.example/, 2024-12-17" in titles


def test_heights_are_to_scale() -> None:
    svg = drawn(book(row("input_audio_tokens", "40", "2026-01-01"), row("output_audio_tokens", "80", "2026-01-01")))
    zero = float(next(line.attrib["y1"] for line in svg.iter(f"{SVG}line") if line.attrib["class"] == "axis"))
    low, high = (corners(path.attrib["d"])[1] for path in svg.iter(f"{SVG}path"))
    assert (zero - high) / (zero - low) == pytest.approx(2, abs=0.01)


def test_what_is_announced_is_dashed_and_told() -> None:
    svg = drawn(
        book(
            row("output_audio_tokens", "9", "2026-10-01"),
            row("output_audio_tokens", "18", "2027-01-01", seen="2026-10-01"),
        )
    )
    classes = [path.attrib["class"] for path in svg.iter(f"{SVG}path")]
    assert classes == ["line c1", "line ahead c1"]
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert "audio out $9 → $18" in texts
    assert "today" in texts
    assert corners(svg.findall(f"{SVG}path")[0].attrib["d"])[2] == corners(svg.findall(f"{SVG}path")[1].attrib["d"])[0]


def test_labels_do_not_cover_each_other() -> None:
    svg = drawn(book(row("input_audio_tokens", "10", "2026-01-01"), row("output_audio_tokens", "10", "2026-01-01")))
    ys = [
        float(text.attrib["y"])
        for text in svg.iter(f"{SVG}text")
        if "$10" in (text.text or "") and "audio" in (text.text or "")
    ]
    assert len(ys) == 2
    assert abs(ys[0] - ys[1]) > 12


def test_names_cannot_break_the_drawing() -> None:
    odd = History('<m>&"', "input_seconds", (Step(Decimal(100), TODAY, None, TODAY, "https://a.example/?a=1&b=<2>"),))
    assert ET.fromstring(history_svg([odd], TODAY)).attrib["aria-label"] == 'Price history of <m>&"'


def test_nothing_is_drawn_of_nothing() -> None:
    assert history_svg([], TODAY) == ""


@pytest.mark.parametrize("model", load_book().models)
def test_every_model_of_the_book_can_be_drawn(model: str) -> None:
    ours = load_book()
    svg = ET.fromstring(history_svg(histories(ours, model), TODAY))
    height, width = float(svg.attrib["height"]), float(svg.attrib["width"])
    for text in svg.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height
    for path in svg.iter(f"{SVG}path"):
        assert "nan" not in path.attrib["d"]
