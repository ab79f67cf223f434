"""The price book: what a request would have cost at the original, by its model and the day. What is unknown is None.

A pure function of usage, model and date over dated rows; exact, in `Decimal`. Knows no ledger and no request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from vivavoce.errors import InvalidValue
from vivavoce.usage import Usage

TOKEN_UNITS = (
    "input_text_tokens",
    "input_audio_tokens",
    "input_cached_tokens",
    "output_text_tokens",
    "output_audio_tokens",
)
OTHER_UNITS = ("input_characters", "input_seconds")
"""Of the text to be spoken, and of the recording to be heard: they stand for the tokens of what goes in. A model that
has a price for one of these and for no token is billed by it alone; its tokens are free."""

REPLACED = {"input_characters": "input_text_tokens", "input_seconds": "input_audio_tokens"}
"""Unit -> the tokens that are not billed beside it."""

UNITS = (*TOKEN_UNITS, *OTHER_UNITS)
FIELDS = {"model", "unit", "usd_per_million", "valid_from", "seen_on", "source"}

_MILLION = Decimal(1_000_000)
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class PriceRow:
    """`usd_per_million` of `unit` from the day `valid_from` on, as `source` had it on the day `seen_on`.

    vendor: who asks for it, by the name of the file that the row is in; empty where it is in none.
    """

    model: str
    unit: str
    usd_per_million: Decimal
    valid_from: date
    seen_on: date
    source: str
    vendor: str = ""


class PriceBook:
    """Rows, in the order in which they became valid."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self.rows = sorted(rows, key=lambda row: (row.model, row.unit, row.valid_from))
        self._by_model: dict[str, list[PriceRow]] = {}
        for row in self.rows:
            self._by_model.setdefault(row.model, []).append(row)

    @property
    def models(self) -> list[str]:
        """Every name that has rows of its own, by the alphabet."""
        return list(self._by_model)

    def history(self, model: str) -> list[PriceRow]:
        """All rows of `model`, each unit's oldest first.

        A dated name that has no rows of its own costs what its undated name costs.
        """
        return self._by_model.get(model) or self._by_model.get(_SNAPSHOT.sub("", model), [])

    def rates(self, model: str, on: date) -> Mapping[str, PriceRow]:
        """Unit -> the row in force for `model` on a day; empty where the book has none."""
        return {row.unit: row for row in self.history(model) if row.valid_from <= on}

    def price(
        self, usage: Usage, model: str, on: date, *, characters: int = 0, seconds: Decimal = Decimal(0)
    ) -> Decimal | None:
        """US dollars; None where a price that it takes is not in the book.

        characters, seconds: see `OTHER_UNITS`. Cached tokens cost what other text costs where they have no price.
        """
        rates = self.rates(model, on)
        if not rates:
            return None
        other = {"input_characters": Decimal(characters), "input_seconds": seconds}
        counts = {unit: count for unit, count in other.items() if unit in rates}
        if len(counts) < len(rates):  # tokens are billed too, or alone
            replaced = {REPLACED[unit] for unit in counts}
            counts |= {unit: count for unit, count in _tokens(usage, rates).items() if unit not in replaced}
        if any(count and unit not in rates for unit, count in counts.items()):
            return None
        return sum(
            (rates[unit].usd_per_million * count / _MILLION for unit, count in counts.items() if count), Decimal(0)
        )


def _tokens(usage: Usage, rates: Mapping[str, PriceRow]) -> dict[str, Decimal]:
    counts = {unit: Decimal(getattr(usage, unit)) for unit in TOKEN_UNITS}
    if "input_cached_tokens" in rates:
        counts["input_text_tokens"] -= counts["input_cached_tokens"]
    else:
        del counts["input_cached_tokens"]  # they are among the text already
    return counts


def read_rows(file: Path) -> list[PriceRow]:
    """The rows of a YAML file. Raises `InvalidValue` that names the file and the row."""
    try:
        # Scalars are taken as they are written: a price must not become a float on its way.
        found: Any = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidValue(f"The price list {file} cannot be read: {error}", param="prices_dir") from error
    if not isinstance(found, list):
        raise InvalidValue(f"The price list {file} must be a list of rows.", param="prices_dir")
    return [_row(row, f"{file}, row {number}", file.stem) for number, row in enumerate(cast("list[Any]", found), 1)]


def _row(row: Any, where: str, vendor: str) -> PriceRow:
    if not isinstance(row, dict) or cast("dict[str, Any]", row).keys() != FIELDS:
        raise InvalidValue(f"{where}: a row has the fields {', '.join(sorted(FIELDS))}.", param="prices_dir")
    fields = cast("dict[str, str]", row)
    try:
        price = _quotient(fields["usd_per_million"])
        days = date.fromisoformat(fields["valid_from"]), date.fromisoformat(fields["seen_on"])
    except (ArithmeticError, ValueError, TypeError) as error:
        raise InvalidValue(
            f"{where}: dates are YYYY-MM-DD, and a price is a number or a quotient of two.", param="prices_dir"
        ) from error
    if fields["unit"] not in UNITS or not price.is_finite() or price < 0:
        raise InvalidValue(
            f"{where}: a unit is one of {', '.join(UNITS)}, and no price is under 0.", param="prices_dir"
        )
    return PriceRow(fields["model"], fields["unit"], price, *days, fields["source"], vendor)


def _quotient(text: str) -> Decimal:
    """Of `12.5` and of `240000/3600`. Raises `ArithmeticError` where it is neither, or nothing divides it."""
    number, _, divisor = text.partition("/")
    return Decimal(number) / Decimal(divisor or 1)


def load_book(extra: Path | None = None) -> PriceBook:
    """The book that comes with Viva Voce, and the rows of `*.yaml` in the folder `extra`. Raises `InvalidValue`."""
    rows = list(_own_rows())
    if extra is not None:
        if not extra.is_dir():
            raise InvalidValue(f"There is no folder {extra} to read prices from.", param="prices_dir")
        for file in sorted(extra.glob("*.yaml")):
            rows += read_rows(file)
    return PriceBook(rows)


@cache
def _own_rows() -> tuple[PriceRow, ...]:
    folder = Path(__file__).parent
    return tuple(row for file in sorted(folder.glob("*.yaml")) for row in read_rows(file))
