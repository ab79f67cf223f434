"""Keys on a terminal: made and shown once, listed, revoked. Works on the ledger itself; a running server notices."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from vivavoce.ledger.keys import Key, KeyLimits
from vivavoce.ledger.ledger import Ledger

NONE = "No keys. A server without one answers this machine only, and everybody on it: viva keys create NAME"
NONE_IN_FORCE = "No key is in force (--all shows the revoked ones): servers let nobody in. viva keys create NAME"


@contextmanager
def opened(folder: Path) -> Generator[Ledger, None, None]:
    """The ledger in `folder`, closed afterwards."""
    ledger = Ledger(folder)
    try:
        yield ledger
    finally:
        ledger.close()


def create_key(folder: Path, name: str, limits: KeyLimits, *, admin: bool, as_json: bool) -> None:
    """Make a key and print it, for the only time: alone on standard output, all else on standard error."""
    with opened(folder) as ledger:
        key, token = ledger.keys.create(name, limits, admin=admin)
    if as_json:
        sys.stdout.write(json.dumps(told(key) | {"key": token}) + "\n")
        return
    notes = Console(stderr=True)
    notes.print(f"[bold]{escape(key.name)}[/] ({key.id}). This is its key; it cannot be shown again:", highlight=False)
    sys.stdout.write(token + "\n")
    notes.print(
        "[dim]Send it as `Authorization: Bearer …`, or as `api_key` of the official clients.[/]", highlight=False
    )


def show_keys(folder: Path, *, revoked: bool, as_json: bool) -> None:
    """One row per key in force, with what it used of its month; `revoked`: also those that no longer are."""
    today = datetime.now(UTC).date()
    with opened(folder) as ledger:
        all_keys = ledger.keys.list()
        keys = [key for key in all_keys if revoked or key.revoked_at is None]
        any_revoked = len(all_keys) > len(keys)
        spent = {key.id: ledger.usage.spent(key.id, today) for key in keys}
    if as_json:
        rows = [told(key) | _spent_told(*spent[key.id]) for key in keys]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    console = Console()
    if not keys:
        console.print(NONE_IN_FORCE if any_revoked else NONE, highlight=False)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("name", "id", "key", "limits", "this month"):
        table.add_column(heading, no_wrap=heading in ("id", "key"))
    for key in keys:
        tokens, usd = spent[key.id]
        table.add_row(_named(key), key.id, f"…{key.hint}", _limits(key.limits), f"{tokens:,} tokens\n${usd:.2f}")
    console.print(table)


def revoke_key(folder: Path, which: str) -> None:
    """Revoke a key by name or id. Raises `NotFound`."""
    with opened(folder) as ledger:
        key = ledger.keys.revoke(which)
    told = f"{escape(key.name)} ({key.id}) is revoked. Running servers refuse it within a second."
    Console().print(told, highlight=False, soft_wrap=True)


def told(key: Key) -> dict[str, Any]:
    """As JSON: times in Unix seconds, money as text."""
    values = asdict(key)
    limits = values.pop("limits")
    usd: Decimal | None = limits["monthly_usd"]
    return values | limits | {"monthly_usd": None if usd is None else f"{usd:f}"}


def _spent_told(tokens: int, usd: Decimal) -> dict[str, Any]:
    return {"tokens_this_month": tokens, "usd_this_month": f"{usd.normalize():f}"}


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _named(key: Key) -> str:
    name = escape(key.name)
    if key.revoked_at is not None:
        return f"{name} (revoked {_day(key.revoked_at)})"
    return f"{name} (admin)" if key.admin else name


def _limits(limits: KeyLimits) -> str:
    said = (
        limits.requests_per_minute is not None and f"{limits.requests_per_minute:,} requests/min",
        limits.tokens_per_minute is not None and f"{limits.tokens_per_minute:,} tokens/min",
        limits.monthly_tokens is not None and f"{limits.monthly_tokens:,} tokens/month",
        limits.monthly_usd is not None and f"${limits.monthly_usd:,f}/month",
    )
    return "\n".join(each for each in said if each) or "none"
