"""The check of the book against another table: what is flagged, what is not, and how genai-prices is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import (
    ClauseEquals,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
)

from vivavoce.errors import InvalidValue
from vivavoce.prices.book import PriceBook, PriceRow, load_book
from vivavoce.prices.check import Acknowledgement, Quote, Quoted, compare, old_rows, read_acknowledged
from vivavoce.prices.genai import GenaiPrices

DAY = date(2026, 11, 25)
PAGE = "https://a.example/"


@dataclass
class Table:
    """What another table has, as a test says."""

    quoted: dict[str, Quoted]
    audio: Sequence[str] = ()
    name: str = "other 1.0"
    read_on: date = DAY
    asked: list[str] = field(default_factory=list[str])

    def find(self, vendor: str, model: str, on: date) -> Quoted | None:
        self.asked.append(f"{vendor}:{model}:{on}")
        return self.quoted.get(model)

    def audio_models(self, vendor: str) -> Sequence[str]:
        return self.audio


def row(unit: str, usd: str, model: str = "m", vendor: str = "openai", source: str = PAGE) -> PriceRow:
    return PriceRow(model, unit, Decimal(usd), DAY, DAY, source, vendor)


def table(**quotes: Quote) -> Table:
    return Table({"m": Quoted("m", quotes)})


ALIKE = table(input_audio_tokens=Quote(Decimal("10.00")))


@pytest.mark.parametrize(
    ("rows", "quotes", "flagged"),
    [
        ([row("input_audio_tokens", "10")], {"input_audio_tokens": Quote(Decimal("10.00"))}, []),
        (
            [row("input_audio_tokens", "10")],
            {"input_audio_tokens": Quote(Decimal("0.15"), general=True)},
            ["input_audio_tokens"],
        ),
        ([row("input_audio_tokens", "10")], {}, []),
        # a price that only they have; but what they have for all tokens says nothing of what a model does
        ([row("input_audio_tokens", "10")], {"output_audio_tokens": Quote(Decimal(20))}, ["output_audio_tokens"]),
        ([row("output_audio_tokens", "9")], {"output_text_tokens": Quote(Decimal(9), general=True)}, []),
        (
            [row("input_audio_tokens", "10")],
            {"output_text_tokens": Quote(Decimal(9), general=True)},
            ["output_text_tokens"],
        ),
        # an hour, told to a millionth of a dollar: 0.24
        ([row("input_seconds", "66.666666")], {"input_seconds": Quote(Decimal(240000) / 3600)}, []),
        ([row("input_seconds", "66.7")], {"input_seconds": Quote(Decimal(240000) / 3600)}, ["input_seconds"]),
        # cached tokens are priced as text here, on purpose
        ([row("input_text_tokens", "1")], {"input_cached_tokens": Quote(Decimal("0.1"))}, []),
    ],
)
def test_what_differs_is_flagged(rows: list[PriceRow], quotes: dict[str, Quote], flagged: list[str]) -> None:
    found = compare(PriceBook(rows), table(**quotes), DAY)
    assert [difference.unit for difference in found.flagged] == flagged
    assert [difference.unit for difference in found.differences] == flagged


KNOWN = Acknowledgement("m", "input_audio_tokens", Decimal(10), Decimal("0.15"), DAY, "they bill it as text")


@pytest.mark.parametrize(
    ("ours", "theirs", "flagged", "unneeded"),
    [("10", "0.15", 0, 0), ("11", "0.15", 1, 1), ("10", "0.16", 1, 1), ("10", "10", 0, 1)],
)
def test_an_acknowledgement_is_of_exactly_these_prices(ours: str, theirs: str, flagged: int, unneeded: int) -> None:
    other = table(input_audio_tokens=Quote(Decimal(theirs), general=True))
    found = compare(PriceBook([row("input_audio_tokens", ours)]), other, DAY, [KNOWN])
    assert (len(found.flagged), len(found.unneeded)) == (flagged, unneeded)


def test_what_could_not_be_compared_is_told() -> None:
    rows = [
        row("input_audio_tokens", "10"),
        row("input_audio_tokens", "5", "unknown"),
        row("input_audio_tokens", "5", "mine", vendor=""),
        row("input_text_tokens", "5", source="other 0.9"),
    ]
    quotes = {"input_audio_tokens": Quote(Decimal(10)), "input_text_tokens": Quote(Decimal(5))}
    other = Table({"m": Quoted("m-there", quotes)}, audio=["m-there", "new-there"])
    found = compare(PriceBook(rows), other, DAY)
    assert other.asked == [f"openai:m:{DAY}", f"openai:unknown:{DAY}"]
    assert (found.compared, found.borrowed, found.unknown) == (2, 1, ("unknown",))
    assert found.unlisted == (("openai", "new-there"),)


def test_prices_are_those_of_the_day_that_is_asked_for() -> None:
    later = PriceRow("m", "input_audio_tokens", Decimal(99), date(2027, 1, 1), DAY, PAGE, "openai")
    assert compare(PriceBook([row("input_audio_tokens", "10"), later]), ALIKE, DAY).flagged == []
    assert len(compare(PriceBook([row("input_audio_tokens", "10"), later]), ALIKE, date(2027, 1, 1)).flagged) == 1


def test_old_rows_are_those_in_force_that_nobody_saw_for_long() -> None:
    def seen(on: str, unit: str, since: str = "2025-01-01") -> PriceRow:
        return PriceRow("m", unit, Decimal(1), date.fromisoformat(since), date.fromisoformat(on), PAGE)

    book = PriceBook(
        [
            seen("2026-08-27", "input_audio_tokens"),  # 90 days before
            seen("2026-08-26", "output_audio_tokens"),
            seen("2025-01-01", "input_text_tokens"),
            seen("2026-11-01", "input_text_tokens", "2026-11-01"),  # has taken the place of the old one
        ]
    )
    assert [found.unit for found in old_rows(book, DAY, 90)] == ["output_audio_tokens"]
    assert old_rows(book, DAY, 91) == []


ENTRY = 'model = "m"\nunit = "input_audio_tokens"\nours = "10"\ntheirs = "0.15"\nday = 2026-11-25\nreason = "r"\n'


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("[[difference]\n", "cannot be read"),
        ("[[difference]]\n" + ENTRY.replace('reason = "r"\n', ""), "difference 1: needs model"),
        ("[[difference]]\n" + ENTRY.replace('"10"', '"much"'), "difference 1: needs model"),
        (
            "[[difference]]\n" + ENTRY + "[[difference]]\n" + ENTRY.replace('"r"', '" "'),
            "difference 2: .* no reason is empty",
        ),
        ("[[difference]]\n" + ENTRY.replace("input_audio_tokens", "bytes"), "a unit is one of"),
        ("[[difference]]\n" + ENTRY.replace("2026-11-25", '"today"'), "the day a date"),
        ("difference = 1\n", "cannot be read"),
    ],
)
def test_a_wrong_acknowledgement_is_named(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(written)
    with pytest.raises(InvalidValue, match=says) as error:
        read_acknowledged(file)
    assert "known.toml" in str(error.value)


def test_acknowledgements_are_read(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text("[[difference]]\n" + ENTRY + "[[difference]]\n" + ENTRY.replace('"10"', '"none"'))
    first, second = read_acknowledged(file)
    assert first == Acknowledgement("m", "input_audio_tokens", Decimal(10), Decimal("0.15"), DAY, "r")
    assert second.ours is None
    file.write_text("")
    assert read_acknowledged(file) == []


def test_the_book_that_comes_along_passes_its_check() -> None:
    found = compare(load_book(), GenaiPrices(DAY), DAY, read_acknowledged())
    assert found.flagged == []
    assert found.unneeded == ()
    assert found.compared - found.borrowed > 70
    assert found.table.startswith("genai-prices ")


@pytest.fixture
def genai() -> Iterator[GenaiPrices]:
    """genai-prices with models of our own."""

    def model(name: str, prices: ModelPrice | list[ConditionalPrice]) -> ModelInfo:
        return ModelInfo(id=name, match=ClauseEquals(equals=name), prices=prices)

    def usd(**prices: str) -> ModelPrice:
        return ModelPrice(**{key: Decimal(value) for key, value in prices.items()})

    tiers = TieredPrices(base=Decimal(1), tiers=[Tier(start=1000, price=Decimal(2))])
    risen = StartDateConstraint(start_date=date(2026, 8, 11))
    models = [
        model("text-only", usd(input_mtok="0.15", output_mtok="0.6")),
        model("apart", usd(input_mtok="2.5", output_mtok="10", input_audio_mtok="32", output_audio_mtok="64")),
        model("by-the-hour", usd(input_mtok="0.1", output_mtok="0.4", audio_hours="0.24", input_audio_hours="0.24")),
        model("by-the-session", usd(audio_hours="3")),
        model("speaks", usd(input_mchars="15")),
        model("tiered", ModelPrice(input_mtok=tiers)),
        model(
            "risen",
            [ConditionalPrice(prices=usd(input_mtok="1")), ConditionalPrice(risen, prices=usd(input_mtok="2"))],
        ),
    ]
    provider = Provider(id="openai", name="O", api_pattern="https://o", models=models, model_match=ClauseStartsWith(""))
    set_custom_snapshot(DataSnapshot(providers=[provider], from_auto_update=False))
    yield GenaiPrices(DAY)
    set_custom_snapshot(None)


GENERAL = {"general": True}


@pytest.mark.parametrize(
    ("model", "quotes"),
    [
        (
            "text-only",
            {
                "input_text_tokens": ("0.15", True),
                "input_audio_tokens": ("0.15", True),
                "output_text_tokens": ("0.6", True),
                "output_audio_tokens": ("0.6", True),
            },
        ),
        (
            "apart",
            {
                "input_text_tokens": ("2.5", True),
                "input_audio_tokens": ("32", False),
                "output_text_tokens": ("10", True),
                "output_audio_tokens": ("64", False),
            },
        ),
        (
            "by-the-hour",
            {
                "input_text_tokens": ("0.1", True),
                "output_text_tokens": ("0.4", True),
                "output_audio_tokens": ("0.4", True),
                "input_seconds": ("66.666667", False),
            },
        ),
        ("by-the-session", {}),
        ("speaks", {"input_characters": ("15", False)}),
        ("tiered", {"input_text_tokens": ("1", True), "input_audio_tokens": ("1", True)}),
        ("risen", {"input_text_tokens": ("2", True), "input_audio_tokens": ("2", True)}),
    ],
)
def test_genai_prices_are_read_by_our_units(
    genai: GenaiPrices, model: str, quotes: dict[str, tuple[str, bool]]
) -> None:
    found = genai.find("openai", model, DAY)
    assert found is not None
    told = {
        unit: (quote.usd_per_million.quantize(Decimal("1e-6")), quote.general) for unit, quote in found.quotes.items()
    }
    assert told == {unit: (Decimal(usd), general) for unit, (usd, general) in quotes.items()}


@pytest.mark.parametrize(("on", "usd", "since"), [("2026-08-10", 1, None), ("2026-08-11", 2, date(2026, 8, 11))])
def test_genai_prices_are_those_of_the_day(genai: GenaiPrices, on: str, usd: int, since: date | None) -> None:
    found = genai.find("openai", "risen", date.fromisoformat(on))
    assert found is not None
    quote = found.quotes["input_text_tokens"]
    assert (quote.usd_per_million, quote.since) == (usd, since)


def test_what_genai_prices_lacks_is_none(genai: GenaiPrices) -> None:
    assert genai.find("openai", "nothing", DAY) is None
    assert genai.find("nobody", "apart", DAY) is None
    assert genai.audio_models("nobody") == []
    assert genai.audio_models("openai") == ["apart", "by-the-hour", "by-the-session", "speaks"]
