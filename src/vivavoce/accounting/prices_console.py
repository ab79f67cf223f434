"""The price book on a terminal: what is in force on a day, or all there ever was, also as a drawing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vivavoce.errors import NotFound, StorageFailed
from vivavoce.prices.book import PriceRow, load_book
from vivavoce.prices.history import histories
from vivavoce.prices.history_svg import history_svg
from vivavoce.prices.telling import LABELS, dollars, per, shown

COLUMNS = {
    "text in / out": (("input_text_tokens", "input_characters"), ("output_text_tokens",)),
    "audio in / out": (("input_audio_tokens", "input_seconds"), ("output_audio_tokens",)),
}
"""Heading -> what goes in and what comes out, by whichever unit there is. Cached tokens: so far no row prices them."""

BY = {"input_seconds": "/h", "input_characters": "/Mch"}
"""Unit -> what follows its price, where that is not of a million tokens."""


def show_prices(extra: Path | None, model: str | None, on: date, *, history: bool, as_json: bool) -> None:
    """Print the rows in force `on` a day, or all with `history`; of one model, or of all. Raises `NotFound`."""
    book = load_book(extra)
    if model is not None:
        rows = list(book.history(model) if history else book.rates(model, on).values())
        if not rows:
            raise NotFound(
                f"The book has no price for '{model}'" + ("" if history else f" on {on}") + ".", param="model"
            )
    elif history:
        rows = book.rows
    else:
        rows = [row for name in dict.fromkeys(row.model for row in book.rows) for row in book.rates(name, on).values()]
    if as_json:
        told = [asdict(row) | {"usd_per_million": f"{row.usd_per_million:f}"} for row in rows]
        sys.stdout.write(json.dumps(told, indent=1, default=str) + "\n")
        return
    if model is None and not history:
        _show_table(rows)
    else:
        _show_rows(rows)


def draw_history(extra: Path | None, model: str, today: date, file: Path) -> None:
    """Write the history of `model` as an SVG. Raises `NotFound`, and `StorageFailed` where it can't be written."""
    drawn = history_svg(histories(load_book(extra), model), today)
    if not drawn:
        raise NotFound(f"The book has no price for '{model}'.", param="model")
    try:
        file.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise StorageFailed(f"The drawing cannot be written to {file}: {error.strerror}.") from error
    Console().print(f"[dim]drawn into {escape(str(file))}[/]", highlight=False, soft_wrap=True)


def _show_table(rows: Sequence[PriceRow]) -> None:
    """A line per model."""
    table = Table(box=None, header_style="bold")
    table.add_column("US dollars per million", no_wrap=True)
    for heading in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name in dict.fromkeys(row.model for row in rows):
        prices = {row.unit: _price(row) for row in rows if row.model == name}
        pairs = [
            [next((prices[unit] for unit in units if unit in prices), "–") for units in sides]
            for sides in COLUMNS.values()
        ]
        table.add_row(name, *("" if pair == ["–", "–"] else " / ".join(pair) for pair in pairs))
    console = Console()
    console.print(table)
    console.print("[dim]of tokens; /h: an hour heard, not a million; /Mch: a million characters[/]", highlight=False)
    console.print("[dim]viva prices MODEL has days and sources; --history what was before[/]", highlight=False)


def _price(row: PriceRow) -> str:
    return dollars(shown(row.unit, row.usd_per_million)) + BY.get(row.unit, "")


def _show_rows(rows: Sequence[PriceRow]) -> None:
    """A line per row, and one for its source."""
    console = Console()
    name = source = ""
    for row in rows:
        if row.model != name:
            name, source = row.model, ""
            console.print(f"[bold]{name}[/]", highlight=False)
        if row.source != source:
            source = row.source
            console.print(f"  [dim]{source}, seen on {row.seen_on}[/]", highlight=False, soft_wrap=True)
        price = f"${dollars(shown(row.unit, row.usd_per_million))}"
        console.print(
            f"    {LABELS[row.unit]:<14} {price:>8} per {per(row.unit)}, from {row.valid_from}",
            highlight=False,
            soft_wrap=True,
        )
