"""`viva bench …` on a terminal: options in, a progress bar, tables out. Knows engines by name only."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBars

from vivavoce.bench.clips import Clip, Half, read_clips
from vivavoce.bench.languages import LanguageRow, LanguagesReport, Progress, measure
from vivavoce.bench.languages_page import languages_table, write_report
from vivavoce.bench.listening import render, run_listening
from vivavoce.bench.machine import machine_name
from vivavoce.bench.transcribing import run_transcribing
from vivavoce.bench.transcribing_table import render as render_transcribing
from vivavoce.engines.registry import build_listener, build_speaker, require_weights
from vivavoce.engines.spec import EngineSpec
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
    _require(manifest)
    console = Console()
    columns = (TextColumn("listening"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBars(*columns, console=console) as bars:
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


def bench_transcribe(
    manifest: Path,
    model_dir: Path,
    *,
    minutes: float,
    part_minutes: float,
    languages: list[str] | None,
    half: Half,
    threads: int,
    seed: int,
    word_times: bool,
    memory: bool,
    out: Path | None,
) -> bool:
    """Run, show and save the comparison; whether it passed its bars. Raises `InvalidValue` without recordings."""
    _require(manifest)
    console = Console()
    with console.status("joining recordings") as status:
        report = run_transcribing(
            manifest,
            model_dir=model_dir,
            minutes=minutes,
            part_minutes=part_minutes,
            languages=languages,
            half=half,
            threads=threads,
            seed=seed,
            word_times=word_times,
            memory_minutes=(minutes / 6, minutes / 2, minutes) if memory else (),
            output=out,
            progress=status.update,
        )
    console.print(render_transcribing(report))
    return report.passed


def bench_languages(
    manifest: Path,
    spec: EngineSpec,
    *,
    clips: int,
    languages: list[str] | None,
    voice: str,
    seed: int,
    out: Path | None,
) -> LanguagesReport:
    """Measure, show and save how well each language is heard and spoken; without recordings only the speaking.

    Raises `InvalidValue` for an unknown voice, `ModelNotInstalled`.
    """
    console = Console()
    recordings = read_clips(manifest) if manifest.is_file() else []
    if not recordings:
        console.print(f"No recordings at {manifest}: hearing stays untested.")
    require_weights(spec, stages=("listen", "speak"))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBars(*columns, console=console) as bars:
        bar = bars.add_task("languages", total=None)

        def advance(done: int, total: int, language: str) -> None:
            bars.update(bar, completed=done, total=total, description=f"languages ({language})")

        rows = asyncio.run(_measure(spec, recordings, clips, languages, voice, seed, advance))
    report = LanguagesReport(
        date=time.strftime("%Y-%m-%d"),
        machine=machine_name(),
        cores=os.cpu_count() or 1,
        listen=spec.listen,
        speak=spec.speak,
        seed=seed,
        rows=rows,
    )
    if out is not None:
        write_report(report, out)
    console.print(languages_table(report))
    return report


def _require(manifest: Path) -> None:
    if not manifest.is_file():
        raise InvalidValue(
            f"No recordings: {manifest} does not exist. Point --manifest at a JSON Lines file with id, path, language, "
            "text, speaker and duration_s per line.",
            param="manifest",
        )


async def _measure(
    spec: EngineSpec,
    recordings: list[Clip],
    clips: int,
    languages: list[str] | None,
    voice: str,
    seed: int,
    progress: Progress,
) -> tuple[LanguageRow, ...]:
    listener, speaker = build_listener(spec), build_speaker(spec)
    try:
        return await measure(
            listener,
            speaker,
            recordings,
            clips_per_language=clips,
            languages=languages,
            voice=voice,
            seed=seed,
            progress=progress,
        )
    finally:
        await listener.close()
        await speaker.close()
