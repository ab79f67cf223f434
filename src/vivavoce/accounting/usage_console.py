"""What was used, on a terminal: sums by day, key and model, and what they cost here and at the original."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vivavoce.accounting.keys_console import opened
from vivavoce.ledger.usage import By, UsageSum

PLAIN = ("requests", "text", "audio", "price")
COMPARED = ("requests", "machine", "here", "there", "saved")
"""Headings. The seconds of sound, and all the rest, are in the JSON."""

NO_KEY = "(no key)"
ALMOST_ALL = Decimal("0.99")


def show_usage(
    folder: Path, since: date | None, until: date | None, by: Sequence[By], *, compare: bool, as_json: bool
) -> None:
    """Print sums from `since` (None: the first of this month) to `until` (None: today), both included."""
    today = datetime.now(UTC).date()
    first, last = since or today.replace(day=1), until or today
    with opened(folder) as ledger:
        names = {key.id: key.name for key in ledger.keys.list()}
        sums = ledger.usage.sums(since=first, until=last, by=by)
        total = ledger.usage.sums(since=first, until=last, by=())
    if as_json:
        told = {
            "since": first.isoformat(),
            "until": last.isoformat(),
            "data": [each.told(names) for each in sums],
            "total": total[0].told(names) if total else None,
        }
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
        return
    console = Console()
    if not total:
        console.print(f"Nothing was used from {first} to {last}.")
        return
    figures = _compared if compare else _plain
    table = Table(box=None, header_style="bold")
    for heading in by:
        table.add_column(heading, no_wrap=heading == "day", overflow="fold")
    for heading in COMPARED if compare else PLAIN:
        table.add_column(heading, justify="right", no_wrap=True)
    for each in sums:
        table.add_row(*_named(each, by, names), *figures(each))
    if len(sums) > 1:
        table.add_section()
        table.add_row(*(["all", *[""] * (len(by) - 1)] if by else []), *figures(total[0]))
    console.print(table)
    for note in _notes(total[0], compare=compare):
        console.print(f"[dim]{note}[/]", highlight=False)


def _named(each: UsageSum, by: Sequence[By], names: dict[str, str]) -> list[str]:
    key = NO_KEY if each.key_id is None else escape(names.get(each.key_id, each.key_id))
    values = {"day": each.day or "", "key": key, "model": each.model or ""}
    return [values[name] for name in by]


def _plain(each: UsageSum) -> list[str]:
    usage = each.usage
    text = f"{usage.input_text_tokens:,} / {usage.output_text_tokens:,}"
    audio = f"{usage.input_audio_tokens:,} / {usage.output_audio_tokens:,}"
    return [f"{each.requests:,}", text, audio, _usd(each.price_usd, each.unpriced)]


def _compared(each: UsageSum) -> list[str]:
    saved = "–"
    if each.price_usd and each.cost_usd is not None and not (each.unpriced or each.uncosted):
        share = 1 - each.cost_usd / each.price_usd
        saved = f"{share:.1%}" if share > ALMOST_ALL else f"{share:.0%}"
    money = _usd(each.cost_usd, each.uncosted), _usd(each.price_usd, each.unpriced)
    return [f"{each.requests:,}", _span(each.machine_s), *money, saved]


def _usd(usd: Decimal | None, missing: int) -> str:
    """Four digits that say something; `≥` where a part of it is not known, a dash where nothing is."""
    if usd is None:
        return "–"
    least = Decimal("0.0001")
    shown = f"${usd:.2f}" if usd >= 1 else f"${usd:.4f}" if usd >= least or not usd else f"< ${least}"
    return ("≥ " if missing else "") + shown


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _notes(total: UsageSum, *, compare: bool) -> list[str]:
    price = "there" if compare else "text, audio: tokens in and out; price"
    notes = [f"{price}: what the original would have asked for them, by the price book (`viva prices`)"]
    if total.unpriced:
        notes.append(f"{total.unpriced} requests are not in it: their model has no price")
    if compare:
        notes.append(
            "machine: time under way, each moment shared among the turns of that moment; idle time is nobody's"
        )
        if total.uncosted:
            notes.append(f"{total.uncosted} requests are not in `here`: VIVA_COST_PER_HOUR was not set when they came")
    return notes
