"""How fast long recordings are transcribed, against faster-whisper's batched pipeline: `viva bench transcribe`.

Long recordings are joined from short ones with known text. Every part is heard by all engines in turn, in an order that
rotates from part to part, so that a busy machine slows all of them alike:
  ours        `WhisperListener` as the server runs it, many windows of a recording at a time
  batched-8   faster-whisper's `BatchedInferencePipeline` as it comes (beam 5, batches of 8): the yardstick of speed
  batched-16  the same with batches of 16
  full        the same model, greedy, full 30 s window with faster-whisper's own fallbacks: the yardstick of words
Then, beside a long recording, a short clip is sent again and again: what does an interactive caller wait? And memory is
measured against length. Knows no HTTP; engines are imported when a run starts.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from vivavoce import tasks
from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.bench.clips import Clip, Half, choose, read_clips
from vivavoce.bench.joining import Joined, join
from vivavoce.bench.machine import machine_name
from vivavoce.bench.memory import can_measure, peak_mib
from vivavoce.bench.scoring import score_joined
from vivavoce.bench.stats import Interval, paired_rate_increase, paired_ratio, percentile, rate
from vivavoce.listen.base import Heard, ListenOptions

ENGINES = ("ours", "batched-8", "batched-16", "full")
YARDSTICKS = ("batched-8", "batched-16")
MIN_CLIP_S, MAX_CLIP_S = 1.0, 30.0
"""Spoken digits of half a second run into one number when joined; longer clips would make every part the same."""
INTERACTIVE_S = 3.0
"""About the length of the short clip, and how often it is sent beside a long recording is `INTERACTIVE_EVERY_S`."""
INTERACTIVE_EVERY_S = 2.0

Progress = Callable[[str], None]
"""Called before each step with what is done next."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What must be reached. rtfx: seconds of sound per second. increase_points: errors above the full window at the
    upper 95 % bound. speedup: against the faster of the yardsticks. growth_mib: memory at the longest length over that
    at the shortest. call_s: 95th percentile of calls that an interactive clip may have to wait for."""

    rtfx: float = 25.0
    increase_points: float = 1.0
    speedup: float = 1.5
    growth_mib: float = 32.0
    call_s: float = 1.0


BARS = Bars()


@dataclass(frozen=True, slots=True)
class PartResult:
    """One joined recording by every engine: seconds, and errors clip by clip (in order of `clips`)."""

    language: str
    duration_s: float
    clips: tuple[str, ...]
    units: tuple[int, ...]
    seconds: dict[str, float]
    errors: dict[str, tuple[int, ...]]
    transcripts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Interactive:
    """Seconds for a short clip on its own and beside a long recording, and the long one's speed meanwhile."""

    clip_s: float
    alone_s: tuple[float, ...]
    beside_s: tuple[float, ...]
    rtfx_beside: float


@dataclass(frozen=True, slots=True)
class EngineRow:
    """One engine over all parts. error_rate in per cent."""

    engine: str
    seconds: float
    rtfx: float
    error_rate: float


@dataclass(frozen=True, slots=True)
class TranscribingReport:
    """Everything `viva bench transcribe` states, with the machine it was measured on.

    increase: ours against `full`, in points, resampled over different clips. speedup: the faster yardstick's time over
    ours, resampled over parts. call_p95_s: of calls that were not urgent. memory_mib: peak by minutes of sound.
    """

    machine: str
    cores: int
    threads: int
    model: str
    minutes: float
    half: str
    seed: int
    word_times: bool
    rows: tuple[EngineRow, ...]
    increase: Interval
    speedups: dict[str, Interval]
    call_p95_s: float
    fallback_rate: float
    interactive: Interactive | None
    memory_mib: dict[str, float]
    parts: tuple[PartResult, ...]

    @property
    def rtfx(self) -> float:
        return next(row.rtfx for row in self.rows if row.engine == "ours")

    @property
    def speedup(self) -> Interval:
        """Against the faster yardstick."""
        return min(self.speedups.values(), key=lambda interval: interval.estimate)

    @property
    def growth_mib(self) -> float | None:
        """Memory at the longest length over that at the shortest; None where it was not measured."""
        figures = list(self.memory_mib.values())
        return figures[-1] - figures[0] if len(figures) > 1 else None

    @property
    def passed(self) -> bool:
        return (
            self.rtfx >= BARS.rtfx
            and self.increase.upper <= BARS.increase_points
            and self.speedup.estimate >= BARS.speedup
            and self.call_p95_s <= BARS.call_s
            and (self.growth_mib is None or self.growth_mib <= BARS.growth_mib)
        )


def run_transcribing(
    manifest: Path,
    *,
    model_dir: Path,
    minutes: float = 60.0,
    part_minutes: float = 10.0,
    languages: Sequence[str] | None = None,
    half: Half = "all",
    threads: int = 2,
    seed: int = 0,
    word_times: bool = False,
    memory_minutes: Sequence[float] = (10.0, 30.0, 60.0),
    output: Path | None = None,
    progress: Progress = lambda _: None,
) -> TranscribingReport:
    """Join, hear with all engines, compare. Blocks; takes some 20 minutes for an hour on two cores.

    word_times: ours also gives every word its times, which the others don't. memory_minutes: rising lengths; empty to
    leave memory out. output: a JSON file with every figure and transcript. Raises `InvalidValue` when there are too few
    recordings, `MissingDependency`, `ModelNotInstalled`.
    """
    score_joined(["warm up"], "warm up", "en")  # a missing extra shows now, not after the first part
    fitting = [clip for clip in read_clips(manifest) if MIN_CLIP_S <= clip.duration_s <= MAX_CLIP_S]
    clips = choose(fitting, languages=languages, half=half, seed=seed)
    parts = join(clips, minutes, part_minutes, _decoded, seed=seed)
    bench = _Bench(model_dir, threads, ListenOptions(word_times=word_times))
    results, interactive = asyncio.run(bench.run(parts, clips, progress))
    memory: dict[str, float] = {}
    for length in memory_minutes if can_measure() else ():
        progress(f"memory at {length:g} min")
        memory[f"{length:g}"] = peak_mib(model_dir, parts[0].samples, length, threads)
    report = summarise(
        results,
        model=model_dir.name,
        threads=threads,
        half=half,
        seed=seed,
        word_times=word_times,
        call_s=bench.call_s,
        fallback_rate=bench.fallback_rate,
        interactive=interactive,
        memory_mib=memory,
    )
    if output is not None:
        output.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1), encoding="utf-8")
    return report


def _decoded(clip: Clip) -> Samples:
    faster_whisper: Any = import_module("faster_whisper")
    return faster_whisper.decode_audio(str(clip.path), sampling_rate=LISTEN_RATE_HZ)


class _Bench:
    """The engines of one run, and how each of them is asked."""

    def __init__(self, model_dir: Path, threads: int, options: ListenOptions) -> None:
        faster_whisper: Any = import_module("faster_whisper")
        whisper: Any = import_module("vivavoce.listen.whisper")
        self._model: Any = faster_whisper.WhisperModel(
            str(model_dir), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
        self._batched: Any = faster_whisper.BatchedInferencePipeline(self._model)
        self._ours: Any = whisper.WhisperListener(model_dir, threads=threads)
        self._options = options
        self.call_s: list[float] = []
        self.fallback_rate = 0.0

    async def run(
        self, parts: Sequence[Joined], clips: Sequence[Clip], progress: Progress
    ) -> tuple[list[PartResult], Interactive]:
        try:
            warm_up = parts[0].samples[: 10 * LISTEN_RATE_HZ]
            for engine in ENGINES:
                await self._hear(engine, warm_up)
            results: list[PartResult] = []
            for index, part in enumerate(parts):
                results.append(await self._part(part, index, f"part {index + 1} of {len(parts)}", progress))
            self.call_s = list(self._ours.batch_call_s)
            self.fallback_rate = 100.0 * self._ours.stats.fallbacks / max(1, self._ours.stats.windows)
            progress("a short clip beside a long recording")
            short = min(clips, key=lambda clip: (abs(clip.duration_s - INTERACTIVE_S), clip.id))
            return results, await self._interactive(parts[0], short)
        finally:
            await self._ours.close()

    async def _part(self, part: Joined, index: int, name: str, progress: Progress) -> PartResult:
        turn = index % len(ENGINES)
        seconds: dict[str, float] = {}
        errors: dict[str, tuple[int, ...]] = {}
        transcripts: dict[str, str] = {}
        units: tuple[int, ...] = ()
        for engine in ENGINES[turn:] + ENGINES[:turn]:
            progress(f"{name} ({part.language}): {engine}")
            transcripts[engine], seconds[engine] = await self._hear(engine, part.samples)
            scores = score_joined([clip.text for clip in part.clips], transcripts[engine], part.language)
            errors[engine] = tuple(one.errors for one in scores)
            units = tuple(one.units for one in scores)
        ids = tuple(clip.id for clip in part.clips)
        return PartResult(part.language, part.duration_s, ids, units, seconds, errors, transcripts)

    async def _hear(self, engine: str, samples: Samples) -> tuple[str, float]:
        """Transcript and wall-clock seconds."""
        started_s = time.perf_counter()
        if engine == "ours":
            text = (await self._listen(samples)).transcript
        elif engine == "full":
            # Joined sentences have nothing to do with each other: conditioning on the last one would only mislead.
            text = _text(self._model.transcribe(samples, beam_size=1, condition_on_previous_text=False))
        else:
            text = _text(self._batched.transcribe(samples, batch_size=int(engine.rpartition("-")[2])))
        return text, time.perf_counter() - started_s

    async def _listen(self, samples: Samples) -> Heard:
        audio = Audio(samples, LISTEN_RATE_HZ)
        async with aclosing(self._ours.listen(audio, self._options)) as segments:
            return Heard.of([segment async for segment in segments], audio.duration_s)

    async def _interactive(self, long: Joined, short: Clip) -> Interactive:
        """The short clip every two seconds: first on its own, then for as long as the long recording takes."""
        samples = _decoded(short)

        async def once() -> float:
            started_s = time.perf_counter()
            await self._listen(samples)
            return time.perf_counter() - started_s

        alone = [await once() for _ in range(10)]
        beside: list[float] = []
        started_s = time.perf_counter()
        whole = asyncio.create_task(self._listen(long.samples))
        try:
            while not whole.done():
                beside.append(await once())
                await asyncio.wait([whole], timeout=max(0.0, INTERACTIVE_EVERY_S - beside[-1]))
            seconds = time.perf_counter() - started_s
        finally:
            await tasks.end(whole)
        return Interactive(short.duration_s, tuple(alone), tuple(beside), long.duration_s / seconds)


def _text(heard: tuple[Any, Any]) -> str:
    return " ".join(str(segment.text).strip() for segment in heard[0])


def summarise(
    results: Sequence[PartResult],
    *,
    model: str,
    threads: int,
    half: str,
    seed: int,
    word_times: bool,
    call_s: Sequence[float],
    fallback_rate: float,
    interactive: Interactive | None,
    memory_mib: dict[str, float],
) -> TranscribingReport:
    """Figures from what was heard. Pure, but for the name of the machine."""
    ours, full, units = (_by_clip(results, what) for what in ("ours", "full", None))
    duration_s = sum(result.duration_s for result in results)
    own_s = [result.seconds["ours"] for result in results]
    return TranscribingReport(
        machine=machine_name(),
        cores=os.cpu_count() or 1,
        threads=threads,
        model=model,
        minutes=duration_s / 60,
        half=half,
        seed=seed,
        word_times=word_times,
        rows=tuple(_row(results, engine, duration_s) for engine in ENGINES),
        increase=paired_rate_increase(ours, full, units, seed=seed),
        speedups={e: paired_ratio([r.seconds[e] for r in results], own_s, seed=seed) for e in YARDSTICKS},
        call_p95_s=percentile(call_s, 95) if call_s else 0.0,
        fallback_rate=fallback_rate,
        interactive=interactive,
        memory_mib=memory_mib,
        parts=tuple(results),
    )


def _by_clip(results: Sequence[PartResult], engine: str | None) -> list[float]:
    """Errors of an engine (None: units) per different clip: a clip heard twice is no second witness."""
    totals: dict[str, float] = {}
    for result in results:
        for clip, count in zip(result.clips, result.errors[engine] if engine else result.units, strict=True):
            totals[clip] = totals.get(clip, 0.0) + count
    return list(totals.values())


def _row(results: Sequence[PartResult], engine: str, duration_s: float) -> EngineRow:
    seconds = sum(result.seconds[engine] for result in results)
    errors = [sum(result.errors[engine]) for result in results]
    return EngineRow(engine, seconds, duration_s / seconds, rate(errors, [sum(result.units) for result in results]))
