"""`viva bench …` on a terminal: options in, a progress bar, tables out. Knows no engine."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vivavoce.bench.clips import Half
from vivavoce.bench.listening import render, run_listening
from vivavoce.errors import InvalidValue


def bench_listening(
    manifest: Path,
    model_dir: Path,
    *,
    clips: int | None,
    languages: list[str] | None,
    max_s: float,
    half: Half,
    threads: int,
    seed: int,
    out: Path | None,
) -> bool:
    """Run, show and save the comparison; whether it passed its bar. Raises `InvalidValue` without recordings."""
    if not manifest.is_file():
        raise InvalidValue(
            f"No recordings: {manifest} does not exist. Point --manifest at a JSON Lines file with id, path, language, "
            "text, speaker and duration_s per line.",
            param="manifest",
        )
    console = Console()
    columns = (TextColumn("listening"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("clips", total=None)

        def advance(done: int, total: int, _: str) -> None:
            bars.update(bar, completed=done, total=total)

        report = run_listening(
            manifest,
            model_dir=model_dir,
            limit=clips,
            languages=languages,
            max_duration_s=max_s,
            half=half,
            threads=threads,
            seed=seed,
            output=out,
            progress=advance,
        )
    console.print(render(report))
    return report.passed
