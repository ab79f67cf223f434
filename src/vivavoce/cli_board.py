"""`viva board …`: the observatory's pages as files. Like `cli`, each command calls one function."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

board_app = typer.Typer(
    no_args_is_help=True,
    help="The pages about models, exams, prices and status: `viva serve` shows them, and here they become files.",
)


@board_app.command("export")
def board_export(
    folder: Annotated[Path, typer.Argument(help="Where the pages go; index.html is the first of them.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option("--run", help="Only this run file; repeatable [default: all of VIVA_RUNS_DIR]."),
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(help="Show recordings of people too, words and sound, found beside this manifest of theirs."),
    ] = None,
    traffic: Annotated[bool, typer.Option("--traffic", help="Show sums of this machine's live traffic too.")] = False,
) -> None:
    """Write every page that needs no server, to be opened from a disk or put on any web server.

    Links are relative and nothing is fetched from elsewhere. Files of an earlier export are overwritten, and those that
    are of no page any more stay.
    """
    from vivavoce.settings import load_settings
    from vivavoce.web.export import write_pages
    from vivavoce.web.sources import Sources

    settings = load_settings()
    sources = Sources.of(
        data_dir=settings.data_dir,
        runs=settings.runs_folder,
        prices_dir=settings.prices_dir,
        cost_per_hour=settings.cost_per_hour,
        traffic=traffic,
        only=runs,
        recordings=manifest.resolve().parent if manifest is not None else None,
    )
    write_pages(sources, folder)
