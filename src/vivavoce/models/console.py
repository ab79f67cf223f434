"""The model store on a terminal: a table, progress bars, a verdict. Knows how things look, not how they are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from vivavoce.models.sources import PullProgress
from vivavoce.models.store import ModelStore


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:.2f} GB"


def show_models(root: Path, *, offline: bool) -> None:
    """Print one row per model of the catalogue."""
    table = Table(box=None, header_style="bold")
    for heading in ("name", "role", "what it is", "size", "licence", "here", "source"):
        table.add_column(heading, no_wrap=heading in {"name", "size"}, justify="right" if heading == "size" else "left")
    rows = ModelStore(root, offline=offline).inventory()
    for row in rows:
        here = "yes" if row.installed else "–"
        table.add_row(row.name, row.role, row.title, _size(row.size), row.licence, here, row.source or "")
    console = Console()
    console.print(table)
    used = sum(row.size for row in rows if row.installed)
    console.print(f"[dim]{_size(used)} in {root}[/]", highlight=False, soft_wrap=True)


def pull_models(root: Path, names: Sequence[str], *, offline: bool) -> None:
    """Fetch `names` one after another, each with a progress bar. Raises `ModelNotInstalled`, `NotFound`."""
    store = ModelStore(root, offline=offline)
    console = Console()
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    known = {row.name for row in store.inventory() if row.installed and row.source}
    with Progress(*columns, console=console) as bars:
        for name in names:
            if name in known:
                console.print(f"{name}: already here")
                continue
            bar = bars.add_task(name, total=None)

            def show(progress: PullProgress, bar: object = bar) -> None:
                bars.update(bar, completed=progress.done_bytes, total=progress.total_bytes)  # pyright: ignore[reportArgumentType]
                if progress.note:
                    bars.console.print(f"[dim]{progress.model}: {progress.note}[/]", highlight=False)

            store.pull(name, show)


def verify_models(root: Path, names: Sequence[str] | None, *, offline: bool) -> bool:
    """Print the state of each model; True when all are as the catalogue says."""
    store = ModelStore(root, offline=offline)
    console = Console()
    chosen = list(names or ()) or [row.name for row in store.inventory() if row.installed]
    if not chosen:
        console.print("No weights are installed. Fetch them with: viva models pull")
    fine = True
    for name in chosen:
        problems = store.verify(name)
        fine = fine and not problems
        console.print(f"{name}: " + ("; ".join(problems) if problems else "ok"), highlight=False, soft_wrap=True)
    return fine
