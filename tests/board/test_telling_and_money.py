"""Figures and money as people read them, and what models cost: unknown is never 0."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from vivavoce.board.money import Money, OwnMachine, compared, history_of, money_of, price_list
from vivavoce.board.subjects import Subject, subjects
from vivavoce.board.telling import day, estimate, interval, month, plural, rounded, seconds, share, usd
from vivavoce.exam.metrics import Figure
from vivavoce.prices.book import PriceBook, PriceRow, load_book
from vivavoce.prices.own import Pace

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (None, "unknown"),
        ("0", "$0"),
        ("1234.5", "$1,234.50"),
        ("1", "$1.00"),
        ("0.999", "$1.00"),
        ("0.36", "$0.36"),
        ("0.1", "$0.10"),
        ("0.0102", "$0.010"),
        ("0.00783", "$0.0078"),
        ("0.0000012", "$0.0000012"),
    ],
)
def test_money(amount: str | None, told: str) -> None:
    assert usd(None if amount is None else Decimal(amount)) == told


def test_words_for_numbers() -> None:
    assert (seconds(None), seconds(1.234), seconds(12.34)) == ("–", "1.23 s", "12.3 s")
    assert (day(None), day(date(2026, 5, 7))) == ("unknown", "7 May 2026")
    assert (month("2026-11"), month("2026-13"), month("soon")) == ("November 2026", "2026-13", "soon")
    assert (share(1, 3), share(0, 0)) == ("33.3 %", "–")
    assert (plural(1, "day"), plural(1200, "day")) == ("1 day", "1,200 days")


def test_figures() -> None:
    drop = Figure("drop", "lost", "%", "lower", 9, 1, -3.04, -20.06, 10.0)
    assert (estimate(drop), interval(drop)) == ("−3.0 %", "−20.1 to 10.0")
    assert rounded(drop) == (-3.0, -20.1, 10.0)
    none = Figure("drop", "lost", "%", "lower", 0, 3, withheld="nothing was scored")
    assert (estimate(none), interval(none), rounded(none)) == ("–", "", (None, None, None))


def known(name: str) -> Subject:
    return next(each for each in subjects([], load_book()) if each.name == name)


def test_what_a_model_costs() -> None:
    """$10 and $20 a million: 36,000 tokens of an hour heard; 300 in, 350 out and the text of a conversation."""
    money = money_of(known("gpt-4o-mini-audio-preview"), load_book(), OwnMachine(), TODAY)
    assert money.hour_heard == Decimal("0.36")
    assert money.conversation == Decimal("0.003") + Decimal("0.007") + Decimal("0.000015") + Decimal("0.00003")
    whisper = money_of(known("whisper-1"), load_book(), OwnMachine(), TODAY)
    assert (whisper.hour_heard, whisper.conversation, whisper.call) == (Decimal("0.36"), None, None)
    assert money_of(known("gpt-audio"), PriceBook([]), OwnMachine(), TODAY) == Money()


def test_ones_own_machine_costs_its_time_alone() -> None:
    own = known("viva-gpu")
    pace = Pace(1.0, 0.1, 0.5, 40, 0.1, 30.0)
    assert money_of(own, load_book(), OwnMachine(), TODAY) == Money()
    assert money_of(own, load_book(), OwnMachine(None, pace), TODAY) == Money()
    money = money_of(own, load_book(), OwnMachine(Decimal(1), pace), TODAY)
    assert money.hour_heard == Decimal("0.100277777778")  # (1 + 3600 × 0.1) s of 3600, at a dollar
    assert history_of(own, load_book()).histories == []


def row(model: str, unit: str, usd_per_million: str, since: date = TODAY) -> PriceRow:
    return PriceRow(model, unit, Decimal(usd_per_million), since, TODAY, "https://prices.example", "example")


def test_prices_side_by_side() -> None:
    both = ("input_text_tokens", "output_text_tokens", "input_audio_tokens", "output_audio_tokens")
    rows = [row("dear", unit, "9") for unit in both] + [row("cheap", unit, "1") for unit in both]
    rows += [row("hears", "input_seconds", "100"), row("later", "input_seconds", "1", date(2030, 1, 1))]
    rows += [row("cheap", "output_audio_tokens", "5", date(2026, 1, 1)), row("dear-2026-01-01", both[2], "1")]
    book = PriceBook(rows)
    listed = price_list(subjects([], book), book, TODAY)
    assert [each.name for each in listed] == ["cheap", "dear", "dear-2026-01-01", "hears"]
    assert all(each.slug for each in listed)
    assert compared(book) == ["cheap", "dear"], "most steps first, and no snapshots"


def test_dated_names_lead_to_the_page_of_their_model() -> None:
    book = load_book()
    slugs = {each.name: each.slug for each in price_list(subjects([], book), book, TODAY)}
    assert slugs["gpt-4o-audio-preview-2024-10-01"] == "gpt-4o-audio-preview"
    assert all(slugs.values())
