"""The model store on a terminal: tables, progress bars, a verdict. Knows how things look, not how they are fetched."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.prompt import Confirm
from rich.table import Table

from vivavoce.errors import TooBusy
from vivavoce.models.inventory import InventoryRow, inventory, other_bytes, row
from vivavoce.models.sources import PullProgress
from vivavoce.models.store import ModelStore

_HUB_HASH = "hash from the hub, not ours"
_NOTES = f"* asks for consent before it is fetched   ¹ {_HUB_HASH}   more: viva models show NAME"


def size_text(size_bytes: int) -> str:
    """Bytes for people, in units of a thousand: `148 MB`, `4.68 GB`."""
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.2f} GB"


def show_models(root: Path, *, offline: bool, as_json: bool = False) -> None:
    """Print one row per model of the catalogue, or all that is known of them as JSON."""
    rows = inventory(ModelStore(root, offline=offline))
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in rows], indent=1) + "\n")
        return
    table = Table(box=None, header_style="bold")
    for heading in ("name", "size", "licence", "here", "from"):
        table.add_column(heading, no_wrap=heading != "from", justify="right" if heading == "size" else "left")
    for role in ("listen", "think", "speak", "speakers"):
        table.add_row(f"[dim]{role}[/]")
        for one in (each for each in rows if each.role == role):
            table.add_row("  " + one.name, size_text(one.size_bytes), _licence(one), _here(one), _kinds(one))
    console = Console()
    console.print(table)
    partial, other = sum(one.partial_bytes for one in rows), other_bytes(root, rows)
    used = sum(one.disk_bytes for one in rows)
    more = "".join(
        f", {size_text(count)} {what}"
        for count, what in ((partial, "of unfinished pulls"), (other, "of other files"))
        if count > 0
    )
    console.print(f"[dim]{size_text(used)} of weights{more} in {root}[/]", highlight=False, soft_wrap=True)
    console.print(f"[dim]{_NOTES}[/]", highlight=False, soft_wrap=True)


def show_model(root: Path, name: str, *, offline: bool) -> None:
    """Print all that is known of one model. Raises `NotFound`."""
    one = row(ModelStore(root, offline=offline), name)
    console = Console()
    facts = {
        "what": f"{one.title} ({one.role})",
        "note": one.note,
        "maker": one.maker,
        "licence": one.licence,
        "terms": one.terms or "",
        "size": size_text(one.size_bytes),
        "from": ", ".join(_short(one.sources)),
        "hashes": "ours: checked against the catalogue, whatever the source"
        if one.hash_from == "catalogue"
        else f"{_HUB_HASH}: recorded when pulled, and `verify` compares with that",
        "here": f"{one.path} ({size_text(one.disk_bytes)})" if one.installed else "no",
        "unfinished": size_text(one.partial_bytes) if one.partial_bytes else "",
    }
    console.print(f"[bold]{one.name}[/]", highlight=False)
    for label, text in facts.items():
        if text:
            console.print(f"  [dim]{label:<11}[/]{text}", highlight=False, soft_wrap=True)
    for file in one.files:
        digest = file.sha256 or "(the hub says it when it is pulled)"
        came = f"  [dim]{file.source}[/]" if file.source else ""
        console.print(f"  {file.name:<26}{file.size_bytes:>13,} B  {digest}{came}", highlight=False, soft_wrap=True)


def pull_models(root: Path, names: Sequence[str], *, offline: bool, accept_licence: bool = False) -> None:
    """Fetch `names` one after another, each with a progress bar; consent is asked for before the first byte.

    Raises `ModelNotInstalled`, `NotFound`.
    """
    store = ModelStore(root, offline=offline)
    console = Console()
    rows = [row(store, name) for name in dict.fromkeys(names)]
    missing = [one for one in rows if not (one.installed and one.recorded)]
    accepted = {one.name for one in missing if accept_licence or _consents(console, one)}
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        for one in rows:
            if one not in missing:
                console.print(f"{one.name}: already here")
                continue
            console.print(f"{one.name}: {one.licence}, {one.maker}", highlight=False)
            bar = bars.add_task(one.name, total=None)

            def show(progress: PullProgress, bar: object = bar) -> None:
                bars.update(bar, completed=progress.done_bytes, total=progress.total_bytes)  # pyright: ignore[reportArgumentType]
                if progress.note:
                    bars.console.print(f"[dim]{progress.model}: {progress.note}[/]", highlight=False)

            store.pull(one.name, show, accept_terms=one.name in accepted)


def remove_models(root: Path, names: Sequence[str], *, offline: bool) -> None:
    """Delete models, and say what that freed. Raises `NotFound` before anything is deleted, `TooBusy`."""
    store = ModelStore(root, offline=offline)
    for name in names:
        store.entry(name)
    busy: TooBusy | None = None
    total = 0
    for name in dict.fromkeys(names):
        try:
            freed = store.remove(name)
        except TooBusy as error:
            busy = error
            continue
        total += freed
        print_line(f"{name}: " + (f"{size_text(freed)} freed" if freed else "was not here"))
    if len(names) > 1:
        print_line(f"{size_text(total)} freed")
    if busy is not None:
        raise busy


def remove_unfinished(root: Path, *, offline: bool) -> None:
    """Delete what interrupted pulls have left, and say what that freed."""
    freed = ModelStore(root, offline=offline).remove_unfinished()
    for name, count in freed.items():
        print_line(f"{name}: {size_text(count)} of an unfinished pull freed")
    if not freed:
        print_line("No unfinished pulls.")


def verify_models(root: Path, names: Sequence[str] | None, *, offline: bool) -> bool:
    """Print the state of each model; True when all are as the catalogue says."""
    store = ModelStore(root, offline=offline)
    chosen = list(names or ()) or [name for name in store.names if store.is_installed(name)]
    if not chosen:
        print_line("No weights are installed. Fetch them with: viva models pull")
    fine = True
    for name in chosen:
        problems = store.verify(name)
        fine = fine and not problems
        print_line(f"{name}: " + ("; ".join(problems) if problems else "ok"))
    return fine


def installed_models(root: Path, *, offline: bool) -> list[str]:
    """Names of all models that take room on this disk, whole or in part."""
    return [one.name for one in inventory(ModelStore(root, offline=offline)) if one.disk_bytes or one.partial_bytes]


def print_line(text: str) -> None:
    """One plain line, never wrapped and never coloured: fit for a pipe."""
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


def _consents(console: Console, one: InventoryRow) -> bool:
    """Whether the user agrees to what a licence asks. Without a terminal nobody can, and nobody is waited for."""
    if one.terms is None or not (sys.stdin.isatty() and console.is_terminal):
        return False
    console.print(f"[bold]{one.name}[/] is under the {one.licence} licence. {one.terms}", highlight=False)
    return Confirm.ask("Do you accept these terms?", console=console, default=False)


def _licence(one: InventoryRow) -> str:
    return one.licence + (" *" if one.terms else "")


def _here(one: InventoryRow) -> str:
    if one.installed:
        return "yes"
    return f"{size_text(one.partial_bytes)} of it" if one.partial_bytes else "–"


def _kinds(one: InventoryRow) -> str:
    """The kinds of source that a model came from; `show` has them file by file."""
    kinds = {origin.partition(":")[0] for file in one.files for origin in (file.source or "").split(", ") if origin}
    return ", ".join(sorted(kinds)) + (" ¹" if one.hash_from == "hub" else "")


def _short(sources: Sequence[str]) -> list[str]:
    """A long row of packages by its first and last."""
    return [*sources[:2], f"… {sources[-1]}"] if len(sources) > 4 else list(sources)
