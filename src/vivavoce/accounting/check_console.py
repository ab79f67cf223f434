"""The check of the price book on a terminal and as JSON: what differs, for a person to look at."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from vivavoce.errors import StorageFailed
from vivavoce.prices.book import PriceRow, load_book
from vivavoce.prices.check import ACKNOWLEDGED, Comparison, Difference, compare, old_rows, read_acknowledged
from vivavoce.prices.telling import LABELS, told


def check_prices(extra: Path | None, on: date, acknowledged: Path | None, max_age: int, out: Path | None) -> bool:
    """Print every difference, and write all of it to `out`. False: one of them nobody has acknowledged.

    Raises `MissingDependency` without genai-prices, `InvalidValue` for a file that is wrong, `StorageFailed` where
    `out` cannot be written.
    """
    from vivavoce.prices.genai import GenaiPrices  # noqa: PLC0415  (30,000 lines of prices)

    book = load_book(extra)
    found = compare(book, GenaiPrices(datetime.now(UTC).date()), on, read_acknowledged(acknowledged or ACKNOWLEDGED))
    old = old_rows(book, on, max_age)
    if out is not None:
        _write(out, found, old, max_age)
    console = Console()

    def say(line: str, style: str = "") -> None:
        console.print(line, style=style, highlight=False, soft_wrap=True, markup=False)

    for difference in found.differences:
        _say_difference(difference, found, say)
    for old_source, rows in _by_source(old).items():
        days = min(row.seen_on for row in rows)
        models = ", ".join(dict.fromkeys(row.model for row in rows))
        say(f"not seen for over {max_age} days: {models} ({len(rows)} prices, {days}) at {old_source}", "dim")
    for each in found.unneeded:
        say(f"acknowledged on {each.day}, and no longer so: {each.model}, {LABELS[each.unit]}", "dim")
    for model in found.unknown:
        say(f"not in {found.table}: {model}", "dim")
    if found.unlisted:
        names = ", ".join(f"{vendor} {name}" for vendor, name in found.unlisted)
        say(f"of audio in {found.table}, and not in the book: {names}", "dim")
    flagged = len(found.flagged)
    say(
        f"{found.compared} prices compared with {found.table} ({found.borrowed} of them taken from it): "
        f"{len(found.differences)} differ, {flagged or 'none'} of them unacknowledged",
        "bold red" if flagged else "bold",
    )
    return not flagged


def _say_difference(difference: Difference, found: Comparison, say: Callable[..., None]) -> None:
    """The two prices, each with its source and day, and who says that it is so."""
    known = difference.acknowledged
    what = f"{difference.model}, {LABELS[difference.unit]}"
    say(f"{what}: {'acknowledged' if known else 'DIFFERS'}", "" if known else "bold red")
    row, theirs = difference.ours, difference.theirs
    if row is None:
        say("    ours:   no price")
    else:
        say(f"    ours:   {told(row.unit, row.usd_per_million)}, from {row.valid_from}; {row.source}, {row.seen_on}")
    since = f", from {theirs.since}" if theirs.since else ""
    general = (
        " (its price of all tokens: it has none for audio)" if theirs.general and "audio" in difference.unit else ""
    )
    under = "" if difference.their_model == difference.model else f", under {difference.their_model}"
    amount = told(difference.unit, theirs.usd_per_million)
    say(f"    theirs: {amount}{general}{since}; {found.table}{under}, {found.read_on}")
    if known:
        say(f"    {known.day}: {known.reason}", "dim")


def _by_source(rows: Sequence[PriceRow]) -> dict[str, list[PriceRow]]:
    by_source: dict[str, list[PriceRow]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    return by_source


def _write(out: Path, found: Comparison, old: Sequence[PriceRow], max_age: int) -> None:
    report = {
        "table": found.table,
        "read_on": found.read_on.isoformat(),
        "prices_on": found.on.isoformat(),
        "compared": found.compared,
        "borrowed": found.borrowed,
        "unacknowledged": len(found.flagged),
        "differences": [_difference_told(each) for each in found.differences],
        "no_longer_so": [{"model": each.model, "unit": each.unit, "day": str(each.day)} for each in found.unneeded],
        "models_not_there": list(found.unknown),
        "models_not_in_the_book": [{"vendor": vendor, "model": model} for vendor, model in found.unlisted],
        "max_age_days": max_age,
        "old": [_row_told(row) | {"model": row.model, "unit": row.unit} for row in old],
    }
    try:
        out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageFailed(f"The report cannot be written to {out}: {error.strerror}.") from error


def _difference_told(difference: Difference) -> dict[str, Any]:
    known, theirs = difference.acknowledged, difference.theirs
    return {
        "model": difference.model,
        "vendor": difference.vendor,
        "unit": difference.unit,
        "ours": difference.ours and _row_told(difference.ours),
        "theirs": {
            "usd_per_million": f"{theirs.usd_per_million:f}",
            "general": theirs.general,
            "since": theirs.since and theirs.since.isoformat(),
            "model": difference.their_model,
        },
        "acknowledged": known and {"day": known.day.isoformat(), "reason": known.reason},
    }


def _row_told(row: PriceRow) -> dict[str, Any]:
    return {
        "usd_per_million": f"{row.usd_per_million:f}",
        "valid_from": row.valid_from.isoformat(),
        "seen_on": row.seen_on.isoformat(),
        "source": row.source,
    }
