"""The price book on a terminal: what is in force on a day, or all there ever was."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vivavoce.errors import NotFound
from vivavoce.prices.book import OTHER_UNITS, PriceRow, load_book

COLUMNS = {
    "text in / out": ("input_text_tokens", "output_text_tokens"),
    "audio in / out": ("input_audio_tokens", "output_audio_tokens"),
}
"""Heading -> units. Cached tokens have none: so far no row prices them."""


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


def _show_table(rows: Sequence[PriceRow]) -> None:
    """A line per model."""
    table = Table(box=None, header_style="bold")
    for heading in ("US dollars per million", *COLUMNS, "other"):
        table.add_column(heading, justify="left" if heading.startswith("US") else "right", no_wrap=True)
    for name in dict.fromkeys(row.model for row in rows):
        prices = {row.unit: f"{row.usd_per_million:f}" for row in rows if row.model == name}
        pairs = [" / ".join(prices.get(unit, "–") for unit in units) for units in COLUMNS.values()]
        other = [f"{prices[unit]} {unit.removeprefix('input_')}" for unit in OTHER_UNITS if unit in prices]
        table.add_row(name, *("" if pair == "– / –" else pair for pair in pairs), *(other or [""]))
    console = Console()
    console.print(table)
    console.print("[dim]viva prices MODEL has days and sources; --history what was before[/]", highlight=False)


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
        unit = row.unit.replace("_", " ")
        price = f"${row.usd_per_million:f}"
        console.print(f"    {unit:<20} {price:>8} per million, from {row.valid_from}", highlight=False, soft_wrap=True)
