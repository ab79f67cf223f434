"""`viva bench switching` on a terminal. Knows engines by name only, but for Whisper, which it needs twice."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console, Group

from vivavoce.bench.clips import Clip, Half, choose, read_clips
from vivavoce.bench.machine import machine_name
from vivavoce.bench.scoring import score
from vivavoce.bench.switching import (
    BRIEF_S,
    BriefTrial,
    MixedTrial,
    PlainTrial,
    code_of,
    hear_brief,
    hear_mixed,
    hear_plain,
    mixed,
    own_voices,
    spaced,
)
from vivavoce.bench.switching_page import (
    SwitchingReport,
    brief_rows,
    completed,
    mixed_figures,
    plain_figures,
    read_switching,
    switching_tables,
    write_switching,
)
from vivavoce.engines.registry import build_speaker, require_weights
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Listener
from vivavoce.settings import Settings

OWN_LANGUAGES = ("en", "es", "fr", "it", "pt")
"""Languages with spaced words that our best voices speak."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Recordings of each kind; brief: most speakers' recordings per language and length. 0 leaves a kind out."""

    people: int
    voices: int
    plain: int
    brief: int


@dataclass(frozen=True, slots=True)
class _Trials:
    people: list[MixedTrial]
    voices: list[MixedTrial]
    plain: list[PlainTrial]
    brief: list[BriefTrial]


def bench_switching(
    settings: Settings, manifest: Path, *, amounts: Amounts, half: Half, seed: int, out: Path | None
) -> SwitchingReport:
    """Measure, show and save; of an earlier report in `out` the kinds that are left out this time stay.

    Raises `InvalidValue` without recordings or for another listener than Whisper,
    `ModelNotInstalled`, `MissingDependency`."""
    console = Console()
    if not manifest.is_file():
        raise InvalidValue(f"There are no recordings: {manifest} does not exist.", param="manifest")
    kind, _, model = settings.engine("listen").partition(":")
    if kind != "whisper":
        raise InvalidValue(f"Changes of language are heard by Whisper, not by '{kind}'.", param="listen")
    spec = settings.engine_spec()
    require_weights(spec, stages=("listen", "speak") if amounts.voices else ("listen",))
    score("warm up", "warm up", "en")  # a missing extra shows before the first recording, not after it
    clips = read_clips(manifest)
    with console.status("hearing") as status:
        trials = asyncio.run(_measure(spec, settings.models_dir / model, clips, amounts, half, seed, status.update))
    report = SwitchingReport(
        date=time.strftime("%Y-%m-%d"),
        machine=machine_name(),
        cores=os.cpu_count() or 1,
        listen=spec.listen,
        half=half,
        seed=seed,
        people=mixed_figures(trials.people, seed=seed),
        voices=mixed_figures(trials.voices, seed=seed),
        plain=plain_figures(trials.plain, seed=seed),
        brief=brief_rows(trials.brief),
    )
    if out is not None:
        write_switching(completed(report, read_switching(out)) if out.exists() else report, out)
    console.print(Group(*switching_tables(report)))
    return report


async def _measure(
    spec: EngineSpec,
    model_dir: Path,
    clips: Sequence[Clip],
    amounts: Amounts,
    half: Half,
    seed: int,
    told: Callable[[str], None],
) -> _Trials:
    vendor: Any = import_module("vivavoce.listen.whisper")
    switching: Listener = vendor.WhisperListener(model_dir, threads=spec.threads)
    single: Listener = vendor.WhisperListener(model_dir, threads=spec.threads, changes=None)
    ours = choose(clips, half=half, seed=seed)
    parts = spaced(ours)
    trials = _Trials([], [], [], [])
    try:
        await hear_plain(parts[0], switching, single, turn=0)  # no engine's first recording pays for allocations
        for number, recording in enumerate(mixed(parts, amounts.people, seed=seed), 1):
            told(f"people who change their language: {number} of {amounts.people}")
            trials.people.append(await hear_mixed(recording, switching, single))
        for number, clip in enumerate(parts[: amounts.plain], 1):
            told(f"people who don't: {number} of {amounts.plain}")
            trials.plain.append(await hear_plain(clip, switching, single, turn=number))
        for clip in _few_of_each(ours, amounts.brief):
            told(f"the first seconds: {clip.id}")
            heard = [await hear_brief(clip, length_s, switching) for length_s in BRIEF_S]
            trials.brief.extend(trial for trial in heard if trial is not None)
        if amounts.voices:
            told("our own voices: speaking")
            speaker = build_speaker(spec)
            try:
                spoken = await own_voices(speaker, OWN_LANGUAGES, amounts.voices, seed=seed)
            finally:
                await speaker.close()
            for number, recording in enumerate(spoken, 1):
                told(f"our own voices: {number} of {amounts.voices}")
                trials.voices.append(await hear_mixed(recording, switching, single))
    finally:
        await switching.close()
        await single.close()
    return trials


def _few_of_each(clips: Sequence[Clip], most: int) -> list[Clip]:
    """At most `most` of each language that are long enough, and none that is a digit alone."""
    taken: dict[str, list[Clip]] = {}
    for clip in clips:
        own = taken.setdefault(code_of(clip), [])
        if len(own) < most and clip.duration_s >= BRIEF_S[0]:
            own.append(clip)
    return [clip for code in sorted(taken) for clip in taken[code]]
