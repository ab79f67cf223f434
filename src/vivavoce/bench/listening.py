"""How well and how fast we hear, against stock faster-whisper, in one run: `viva bench listening`.

Every clip is heard by three engines in turn, in an order that rotates from clip to clip, so that a busy machine slows
all of them alike:
  stock  faster-whisper as it comes (beam 5, 30 s windows): the yardstick of speed
  full   the same model, greedy, full 30 s window with faster-whisper's own fallbacks: the yardstick of words
  ours   `WhisperListener` as the server runs it, voice activity, fallbacks and word times included
Knows no HTTP. The engines are imported when a run starts, so that `viva --help` stays light.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.bench.clips import Clip, Half, choose, read_clips
from vivavoce.bench.machine import machine_name
from vivavoce.bench.scoring import Score, metric_of, score
from vivavoce.bench.stats import Interval, paired_rate_increase, paired_ratio, percentile, rate
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Heard, ListenOptions

ENGINES = ("stock", "full", "ours")
SHORT_CLIP_S = 10.0
"""Clips below this length make up the speed comparison."""

Progress = Callable[[int, int, str], None]
"""Called after each clip with (clips done, clips in all, clip id)."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """One clip by one engine."""

    engine: str
    transcript: str
    language: str | None
    seconds: float
    errors: int
    units: int


@dataclass(frozen=True, slots=True)
class ClipResult:
    """One clip by every engine that heard it. fallbacks: longer looks and stronger searches that ours needed."""

    id: str
    language: str
    duration_s: float
    metric: str
    hearings: dict[str, Hearing]
    fallbacks: int
    fallback_s: float


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """Error rates in per cent for one language."""

    language: str
    metric: str
    clips: int
    units: int
    rates: dict[str, float]
    language_right: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds per clip of one engine on short clips."""

    engine: str
    clips: int
    total_s: float
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class ListeningReport:
    """Everything `viva bench listening` states, with the machine it was measured on.

    wer_increase: ours against `full`, in points, all clips pooled (characters count as units where languages are
    unspaced). speedup: stock's time over ours on the clips below 10 s that both heard.
    """

    machine: str
    cores: int
    threads: int
    model: str
    half: str
    seed: int
    rows: tuple[LanguageRow, ...]
    overall: dict[str, float]
    wer_increase: Interval
    speedup: Interval | None
    speeds: tuple[Speed, ...]
    fallback_rate: float
    fallback_share: float
    clips: tuple[ClipResult, ...]

    @property
    def passed(self) -> bool:
        """The bar: at most 1.0 point more errors at the upper 95 % bound, at least 4 times the speed of stock."""
        fast = self.speedup is not None and self.speedup.estimate >= 4.0
        return self.wer_increase.upper <= 1.0 and fast


def run_listening(
    manifest: Path,
    *,
    model_dir: Path,
    limit: int | None = None,
    stock_limit: int | None = None,
    languages: Sequence[str] | None = None,
    collections: Sequence[str] | None = None,
    max_duration_s: float | None = SHORT_CLIP_S,
    half: Half = "all",
    threads: int = 2,
    seed: int = 0,
    output: Path | None = None,
    progress: Progress | None = None,
) -> ListeningReport:
    """Hear the chosen clips with all engines and compare. Blocks; takes about 5 s a clip on two cores.

    stock_limit: stock faster-whisper hears only this many clips, since it takes half of the time. output: a JSON file
    with every figure and transcript. Raises `InvalidValue` when no clip fits, `MissingDependency`, `ModelNotInstalled`.
    """
    clips = choose(
        read_clips(manifest),
        limit=limit,
        languages=languages,
        collections=collections,
        max_duration_s=max_duration_s,
        half=half,
        seed=seed,
    )
    if not clips:
        raise InvalidValue(f"No clip in {manifest.name} fits these conditions.")
    score("warm up", "warm up", "en")  # a missing extra shows before the first clip, not after it
    results = asyncio.run(_hear_all(clips, model_dir, threads, stock_limit, progress))
    report = summarise(results, model=model_dir.name, threads=threads, half=half, seed=seed)
    if output is not None:
        output.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1), encoding="utf-8")
    return report


async def _hear_all(
    clips: Sequence[Clip], model_dir: Path, threads: int, stock_limit: int | None, progress: Progress | None
) -> list[ClipResult]:
    vendor: Any = import_module("vivavoce.listen.whisper")
    faster_whisper: Any = import_module("faster_whisper")
    theirs = faster_whisper.WhisperModel(
        str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )
    ours = vendor.WhisperListener(model_dir, threads=threads)
    results: list[ClipResult] = []
    try:
        # No engine's first clip shall pay for first-time allocations.
        first = faster_whisper.decode_audio(str(clips[0].path), sampling_rate=LISTEN_RATE_HZ)
        for engine in ("full", "ours"):
            await _hear(ours, theirs, engine, first)
        for index, clip in enumerate(clips):
            samples = faster_whisper.decode_audio(str(clip.path), sampling_rate=LISTEN_RATE_HZ)
            engines = [e for e in ENGINES if e != "stock" or stock_limit is None or index < stock_limit]
            turned = engines[index % len(engines) :] + engines[: index % len(engines)]
            before = ours.stats.fallbacks, ours.stats.fallback_s
            hearings: dict[str, Hearing] = {}
            for engine in turned:
                text, language, seconds = await _hear(ours, theirs, engine, samples)
                counted: Score = score(clip.text, text, clip.language)
                hearings[engine] = Hearing(engine, text, language, seconds, counted.errors, counted.units)
            results.append(
                ClipResult(
                    clip.id,
                    clip.language,
                    clip.duration_s,
                    metric_of(clip.language),
                    hearings,
                    ours.stats.fallbacks - before[0],
                    ours.stats.fallback_s - before[1],
                )
            )
            if progress is not None:
                progress(index + 1, len(clips), clip.id)
    finally:
        await ours.close()
    return results


async def _hear(ours: Any, theirs: Any, engine: str, samples: Samples) -> tuple[str, str | None, float]:
    """Transcript, language and wall-clock seconds."""
    started = time.perf_counter()
    if engine == "ours":
        audio = Audio(samples, LISTEN_RATE_HZ)
        heard = Heard.of([s async for s in ours.listen(audio, ListenOptions())], audio.duration_s)
        return heard.transcript, heard.language, time.perf_counter() - started
    text, language = _transcribe(theirs, samples, **({"beam_size": 1} if engine == "full" else {}))
    return text, language, time.perf_counter() - started


def _transcribe(model: Any, samples: Samples, **settings: int) -> tuple[str, str]:
    segments, info = model.transcribe(samples, **settings)
    return "".join(segment.text for segment in segments).strip(), str(info.language)


def summarise(results: Sequence[ClipResult], *, model: str, threads: int, half: str, seed: int) -> ListeningReport:
    """Figures from what was heard. Pure, but for the name of the machine."""
    ours = [result.hearings["ours"] for result in results]
    full = [result.hearings["full"] for result in results]
    units = [hearing.units for hearing in ours]
    short = [r for r in results if r.duration_s < SHORT_CLIP_S and "stock" in r.hearings]
    speedup = None
    if short:
        speedup = paired_ratio(
            [r.hearings["stock"].seconds for r in short], [r.hearings["ours"].seconds for r in short], seed=seed
        )
    total_s = sum(hearing.seconds for hearing in ours)
    return ListeningReport(
        machine=machine_name(),
        cores=os.cpu_count() or 1,
        threads=threads,
        model=model,
        half=half,
        seed=seed,
        rows=tuple(
            _language_row(language, [r for r in results if r.language == language])
            for language in sorted({r.language for r in results})
        ),
        overall=_rates(results),
        wer_increase=paired_rate_increase([h.errors for h in ours], [h.errors for h in full], units, seed=seed),
        speedup=speedup,
        speeds=tuple(_speed(engine, [r.hearings[engine].seconds for r in short]) for engine in ENGINES if short),
        fallback_rate=100.0 * sum(r.fallbacks > 0 for r in results) / len(results),
        fallback_share=100.0 * sum(r.fallback_s for r in results) / total_s if total_s else 0.0,
        clips=tuple(results),
    )


def _rates(results: Sequence[ClipResult]) -> dict[str, float]:
    """Error rate per engine, over the clips that it heard."""
    rates: dict[str, float] = {}
    for engine in ENGINES:
        heard = [r.hearings[engine] for r in results if engine in r.hearings]
        if sum(h.units for h in heard):
            rates[engine] = rate([h.errors for h in heard], [h.units for h in heard])
    return rates


def _language_row(language: str, results: Sequence[ClipResult]) -> LanguageRow:
    ours = [result.hearings["ours"] for result in results]
    right = sum(hearing.language == language.partition("-")[0] for hearing in ours)
    return LanguageRow(
        language,
        results[0].metric,
        len(results),
        sum(h.units for h in ours),
        _rates(results),
        100.0 * right / len(results),
    )


def _speed(engine: str, seconds: Sequence[float]) -> Speed:
    return Speed(engine, len(seconds), sum(seconds), percentile(seconds, 50), percentile(seconds, 95))


def render(report: ListeningReport) -> Group:
    """The report as tables for a terminal."""
    words = Table(title=f"Errors in per cent, model {report.model}, {len(report.clips)} clips ({report.half})")
    for heading in ("language", "metric", "clips", "units", *ENGINES, "language right"):
        words.add_column(heading, justify="left" if heading in {"language", "metric"} else "right")
    for row in report.rows:
        cells = [f"{row.rates[e]:.1f}" if e in row.rates else "–" for e in ENGINES]
        words.add_row(row.language, row.metric, str(row.clips), str(row.units), *cells, f"{row.language_right:.0f} %")
    words.add_section()
    total = sum(row.units for row in report.rows)
    overall = [f"{report.overall[e]:.1f}" if e in report.overall else "–" for e in ENGINES]
    words.add_row("all", "", str(len(report.clips)), str(total), *overall, "")
    speed = Table(title=f"Seconds per clip under {SHORT_CLIP_S:.0f} s; {report.machine}, {report.cores} cores")
    for heading in ("engine", "clips", "p50", "p95", "total"):
        speed.add_column(heading, justify="left" if heading == "engine" else "right")
    for item in report.speeds:
        speed.add_row(item.engine, str(item.clips), f"{item.p50_s:.2f}", f"{item.p95_s:.2f}", f"{item.total_s:.1f}")
    return Group(words, speed, *_sentences(report))


def _sentences(report: ListeningReport) -> list[str]:
    increase = report.wer_increase
    said = [
        f"Errors against the full window: {increase.estimate:+.2f} points, upper 95 % bound {increase.upper:+.2f} "
        f"(n = {increase.clips} clips, {increase.resamples} resamples; bar: at most +1.00)"
    ]
    if report.speedup is not None:
        fast = report.speedup
        said.append(
            f"Speed against stock faster-whisper: {fast.estimate:.1f} times, 95 % interval {fast.low:.1f} to "
            f"{fast.high:.1f} (n = {fast.clips} clips; bar: at least 4.0)"
        )
    said.append(
        f"Fallbacks: {report.fallback_rate:.1f} % of clips, {report.fallback_share:.1f} % of our time (included above)"
    )
    said.append("Passed." if report.passed else "Not passed.")
    return said
