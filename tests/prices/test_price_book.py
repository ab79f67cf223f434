"""The price book: every row of it, and sums by hand."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import vivavoce
from vivavoce.errors import InvalidValue
from vivavoce.prices.book import OTHER_UNITS, REPLACED, UNITS, PriceBook, PriceRow, load_book, read_rows
from vivavoce.server.models import ALIASES, SPEECH_NAMES
from vivavoce.usage import Usage

BOOK = load_book()
TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("row", BOOK.rows, ids=lambda row: f"{row.model}-{row.unit}-{row.valid_from}")
def test_every_row_is_dated_sourced_and_of_a_known_unit(row: PriceRow) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", row.model)
    assert row.unit in UNITS
    assert row.usd_per_million > 0
    assert date(2024, 10, 1) <= row.seen_on <= date.today()
    assert date(2024, 10, 1) <= row.valid_from, "one after `seen_on` was announced"
    assert re.fullmatch(r"https://[a-z0-9.]+/\S+|genai-prices \d+\.\d+\.\d+", row.source)
    assert row.vendor in ("openai", "google", "groq", "mistral")


def test_no_two_rows_say_the_same() -> None:
    counts = Counter((row.model, row.unit, row.valid_from) for row in BOOK.rows)
    assert [name for name, count in counts.items() if count > 1] == []
    for earlier, later in zip(BOOK.rows, BOOK.rows[1:], strict=False):
        if (earlier.model, earlier.unit) == (later.model, later.unit):
            assert earlier.usd_per_million != later.usd_per_million, "a row that changes nothing"


def test_what_goes_in_is_priced_by_its_tokens_or_otherwise_but_not_both() -> None:
    for name in {row.model for row in BOOK.rows}:
        units = set(BOOK.rates(name, TODAY))
        assert units
        assert not any(REPLACED[unit] in units for unit in units & set(OTHER_UNITS))


def test_the_book_lies_in_the_package() -> None:
    folder = Path(vivavoce.__file__).parent / "prices"
    assert sum(len(read_rows(file)) for file in folder.glob("*.yaml")) == len(BOOK.rows)


@pytest.mark.parametrize("name", [*ALIASES, *SPEECH_NAMES])
def test_every_name_of_the_original_that_is_served_has_a_price(name: str) -> None:
    assert BOOK.price(Usage(1, 1, 0, 1, 1), name, TODAY, characters=1) or name.startswith(("tts-", "gpt-4o-mini-tts"))
    assert BOOK.price(Usage(1, 0, 0, 0, 1), name, TODAY, characters=1)


SPOKEN = Usage(input_text_tokens=60, input_audio_tokens=364, output_text_tokens=17, output_audio_tokens=45)


@pytest.mark.parametrize(
    ("model", "day", "usage", "more", "usd"),
    [
        # 60 x 0.15 + 364 x 10 + 17 x 0.60 + 45 x 20, in millionths
        ("gpt-4o-mini-audio-preview", TODAY, SPOKEN, {}, "0.0045592"),
        ("gpt-4o-mini-audio-preview-2024-12-17", TODAY, SPOKEN, {}, "0.0045592"),
        # a minute heard, a minute spoken: $0.006 and $0.024, as OpenAI's own page rounds it
        ("gpt-4o-mini-audio-preview", TODAY, Usage(input_audio_tokens=600), {}, "0.006"),
        ("gpt-4o-mini-audio-preview", TODAY, Usage(output_audio_tokens=1200), {}, "0.024"),
        ("gpt-4o-mini-audio-preview", date(2024, 12, 16), SPOKEN, {}, None),
        ("gpt-4o-audio-preview", date(2025, 1, 1), Usage(output_audio_tokens=1000), {}, "0.2"),
        ("gpt-4o-audio-preview", TODAY, Usage(output_audio_tokens=1000), {}, "0.08"),
        ("gpt-4o-audio-preview-2024-10-01", TODAY, Usage(output_audio_tokens=1000), {}, "0.2"),
        ("tts-1", TODAY, Usage(5, 0, 0, 0, 900), {"characters": 4096}, "0.06144"),
        ("gpt-4o-mini-tts", TODAY, Usage(5, 0, 0, 0, 900), {"characters": 4096}, "0.010803"),
        ("gpt-4o-mini-tts", TODAY, Usage(5, 1, 0, 0, 900), {}, None),
        ("whisper-1", TODAY, Usage(0, 600, 0, 80), {"seconds": Decimal(60)}, "0.006"),
        ("gpt-4o-transcribe", TODAY, Usage(0, 600, 0, 80), {"seconds": Decimal(60)}, "0.0023"),
        ("viva-voce", TODAY, SPOKEN, {}, None),
        ("viva-voce", TODAY, Usage(), {}, None),
        ("gpt-audio", TODAY, Usage(), {}, "0"),
    ],
)
def test_prices_by_hand(model: str, day: date, usage: Usage, more: dict[str, object], usd: str | None) -> None:
    assert BOOK.price(usage, model, day, **more) == (None if usd is None else Decimal(usd))


def test_cached_text_is_cheaper_only_where_the_book_says_so() -> None:
    row = PriceRow("m", "input_text_tokens", Decimal(2), TODAY, TODAY, "https://a.example/")
    cached = PriceRow("m", "input_cached_tokens", Decimal("0.5"), TODAY, TODAY, "https://a.example/")
    usage = Usage(input_text_tokens=1_000_000, input_cached_tokens=400_000)
    assert PriceBook([row]).price(usage, "m", TODAY) == 2
    assert PriceBook([row, cached]).price(usage, "m", TODAY) == Decimal("1.4")


def test_a_price_by_the_hour_is_written_as_a_quotient(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("- {" + GOOD.replace("million: 1", "million: 240000/3600") + "}\n")
    (row,) = read_rows(tmp_path / "mine.yaml")
    assert row.usd_per_million == Decimal(200) / 3
    assert row.vendor == "mine"


def test_more_prices_come_from_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "- {model: viva-voce, unit: output_audio_tokens, usd_per_million: 1.10, valid_from: 2026-01-01, "
        "seen_on: 2026-01-01, source: 'https://a.example/'}\n"
        "- {model: gpt-4o-mini-audio-preview, unit: input_audio_tokens, usd_per_million: 9, valid_from: 2024-12-17, "
        "seen_on: 2026-01-01, source: 'https://a.example/'}\n"
    )
    book = load_book(tmp_path)
    assert book.price(Usage(output_audio_tokens=1_000_000), "viva-voce", TODAY) == Decimal("1.10")
    assert book.price(Usage(input_audio_tokens=1_000_000), "gpt-4o-mini-audio-preview", TODAY) == 9
    assert len(load_book().rows) == len(BOOK.rows)


GOOD = "model: m, unit: output_audio_tokens, usd_per_million: 1, valid_from: 2026-01-01, seen_on: 2026-01-01, source: s"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{}", "list of rows"),
        ("- [", "cannot be read"),
        (f"- {{{GOOD}}}\n- {{model: m}}", "row 2: a row has the fields"),
        (f"- {{{GOOD}, note: n}}", "a row has the fields"),
        ("- {" + GOOD.replace("2026-01-01, source", "01/01/2026, source") + "}", "YYYY-MM-DD"),
        ("- {" + GOOD.replace("million: 1", "million: dear") + "}", "a price is a number"),
        ("- {" + GOOD.replace("million: 1", "million: 1/0") + "}", "a price is a number"),
        ("- {" + GOOD.replace("million: 1", "million: 1/2/3") + "}", "a price is a number"),
        ("- {" + GOOD.replace("million: 1", "million: -1") + "}", "under 0"),
        ("- {" + GOOD.replace("million: 1", "million: NaN") + "}", "under 0"),
        ("- {" + GOOD.replace("output_audio_tokens", "bytes") + "}", "a unit is one of"),
    ],
)
def test_a_wrong_list_is_named(tmp_path: Path, written: str, says: str) -> None:
    (tmp_path / "mine.yaml").write_text(written)
    with pytest.raises(InvalidValue, match=says) as error:
        load_book(tmp_path)
    assert "mine.yaml" in str(error.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no folder"):
        load_book(tmp_path / "none")
