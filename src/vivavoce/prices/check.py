"""The book against another table of prices: what differs, who has acknowledged it, and which rows are old. Pure.

It flags and changes nothing: which of two tables is right is for a person to find out at the source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol, cast

from vivavoce.errors import InvalidValue
from vivavoce.prices.book import PriceBook, PriceRow
from vivavoce.prices.telling import shown

ACKNOWLEDGED = Path(__file__).parent / "acknowledged.toml"

COMPARED = (
    "input_text_tokens",
    "input_audio_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "input_characters",
    "input_seconds",
)
"""Units. Cached tokens are not among them: the book prices them as text (decision 24)."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What the other table has for a unit, by the million as the book has it.

    general: one price for all tokens of a direction, because it has none for this unit; so tables come to bill audio at
    the rate of text. since: the first day, where it has one.
    """

    usd_per_million: Decimal
    general: bool = False
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """A model as the other table has it, under its name there; quotes by unit."""

    model: str
    quotes: Mapping[str, Quote]


class PriceTable(Protocol):
    """Another table. `name`: which, with its version; `read_on`: the day on which it is read."""

    @property
    def name(self) -> str: ...
    @property
    def read_on(self) -> date: ...

    def find(self, vendor: str, model: str, on: date) -> Quoted | None:
        """None where it does not have the model of that vendor."""
        ...

    def audio_models(self, vendor: str) -> Sequence[str]:
        """Its names of what it prices for hearing or speaking."""
        ...


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The reason of a difference is known: it is of exactly these prices, as they are told (`telling.shown`)."""

    model: str
    unit: str
    ours: Decimal | None
    theirs: Decimal
    day: date
    reason: str

    def covers(self, model: str, unit: str, ours: Decimal | None, theirs: Decimal) -> bool:
        return (self.model, self.unit, self.ours, self.theirs) == (model, unit, ours, theirs)


@dataclass(frozen=True, slots=True)
class Difference:
    """ours None: the book has no price for a unit that the other table has one for."""

    model: str
    vendor: str
    unit: str
    ours: PriceRow | None
    theirs: Quote
    their_model: str
    acknowledged: Acknowledgement | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """compared: prices that both have; borrowed: how many of these the book took from that table, so that they prove
    nothing. unknown: models of ours that it lacks. unlisted: (vendor, model) of its audio
    models that we lack. unneeded: acknowledgements of what no longer differs so."""

    table: str
    read_on: date
    on: date
    compared: int
    borrowed: int
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]
    unlisted: tuple[tuple[str, str], ...]
    unneeded: tuple[Acknowledgement, ...]

    @property
    def flagged(self) -> list[Difference]:
        """What nobody has acknowledged."""
        return [difference for difference in self.differences if difference.acknowledged is None]


def compare(book: PriceBook, table: PriceTable, on: date, acknowledged: Sequence[Acknowledgement] = ()) -> Comparison:
    """Every model of the book that belongs to a vendor, by the prices in force on a day."""
    both, differences, unknown = list[PriceRow](), list[Difference](), list[str]()
    found: set[tuple[str, str]] = set()
    vendors: set[str] = set()
    for model in book.models:
        rates = book.rates(model, on)
        named = [vendor for vendor in dict.fromkeys(row.vendor for row in rates.values()) if vendor]
        if not named:
            continue
        vendor, quoted = next(((v, q) for v in named if (q := table.find(v, model, on))), ("", None))
        if quoted is None:
            unknown.append(model)
            continue
        vendors.add(vendor)
        found.add((vendor, quoted.model))
        both += [row for unit, row in rates.items() if unit in quoted.quotes]
        differences += _differences(model, vendor, rates, quoted, acknowledged)
    used = {difference.acknowledged for difference in differences}
    return Comparison(
        table.name,
        table.read_on,
        on,
        len(both),
        sum(row.source.partition(" ")[0] == table.name.partition(" ")[0] for row in both),
        tuple(differences),
        tuple(unknown),
        tuple((v, name) for v in sorted(vendors) for name in table.audio_models(v) if (v, name) not in found),
        tuple(each for each in acknowledged if each not in used),
    )


def _differences(
    model: str, vendor: str, rates: Mapping[str, PriceRow], quoted: Quoted, acknowledged: Sequence[Acknowledgement]
) -> list[Difference]:
    made: list[Difference] = []
    for unit in COMPARED:
        row, quote = rates.get(unit), quoted.quotes.get(unit)
        if quote is None or (row is None and quote.general and _priced(rates, unit)):
            continue
        ours, theirs = (row and shown(unit, row.usd_per_million)), shown(unit, quote.usd_per_million)
        if ours == theirs:
            continue
        by = next((each for each in acknowledged if each.covers(model, unit, ours, theirs)), None)
        made.append(Difference(model, vendor, unit, row, quote, quoted.model, by))
    return made


def _priced(rates: Mapping[str, PriceRow], unit: str) -> bool:
    """There is a price for something of the direction of `unit`: what has only audio going out writes no text."""
    return any(other.startswith(unit.partition("_")[0]) for other in rates)


def old_rows(book: PriceBook, on: date, days: int) -> list[PriceRow]:
    """Rows in force on a day that were seen at their source more than `days` days before it, the oldest first."""
    in_force = [row for model in book.models for row in book.rates(model, on).values()]
    return sorted((row for row in in_force if row.seen_on < on - timedelta(days=days)), key=lambda row: row.seen_on)


def read_acknowledged(file: Path = ACKNOWLEDGED) -> list[Acknowledgement]:
    """The entries `[[difference]]` of a TOML file. Raises `InvalidValue` that names the file and the entry."""
    try:
        found: Any = tomllib.loads(file.read_text(encoding="utf-8")).get("difference", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidValue(f"The acknowledged differences {file} cannot be read: {error}") from error
    if not isinstance(found, list):
        raise InvalidValue(f"The acknowledged differences {file} cannot be read: they are entries [[difference]].")
    entries = cast("list[Any]", found)
    return [_acknowledgement(entry, f"{file}, difference {number}") for number, entry in enumerate(entries, 1)]


def _acknowledgement(entry: Any, where: str) -> Acknowledgement:
    try:
        ours = None if entry["ours"] == "none" else Decimal(str(entry["ours"]))
        theirs = Decimal(str(entry["theirs"]))
        made = Acknowledgement(entry["model"], entry["unit"], ours, theirs, entry["day"], entry["reason"].strip())
    except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise InvalidValue(f'{where}: needs model, unit, ours (a price, or "none"), theirs, day and reason.') from error
    if made.unit not in COMPARED or not made.reason or type(made.day) is not date:
        raise InvalidValue(f"{where}: a unit is one of {', '.join(COMPARED)}, the day a date, and no reason is empty.")
    return made
