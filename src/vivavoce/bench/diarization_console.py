"""`viva bench speakers` on a terminal: makes conversations, tells their speakers apart, scores, shows, saves."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.bench.clips import Clip, Half, read_clips
from vivavoce.bench.conversations import STEP_SAMPLES, Conversation, conversations, overlap_share
from vivavoce.bench.diarization import (
    DerRow,
    ErrorRate,
    baseline,
    baseline_spans,
    half_of,
    read_rttm,
    speech_flags,
)
from vivavoce.bench.machine import machine_name
from vivavoce.codec.decode import decode
from vivavoce.engines.registry import build_diarizer, require_weights
from vivavoce.errors import InvalidValue
from vivavoce.listen.level import gain_for
from vivavoce.listen.speakers.base import Diarizer, SpeakerTurn
from vivavoce.listen.speakers.finding import find_speakers
from vivavoce.listen.vad import VoiceActivity
from vivavoce.settings import Settings

BAR = 0.15
"""The error rate over all conversations that `viva bench speakers` exits 1 above."""

LEAST_OVERLAP = 0.1
"""Conversations with less of it are too easy to be counted."""

OURS, PLAIN = "ours", "plain"


def bench_speakers(
    settings: Settings, manifest: Path, *, count: int, half: Half, seed: int, plain: bool, out: Path | None
) -> bool:
    """Measure, show and save; whether the rate over the conversations is within the bar. plain: the plain way too.

    Raises `InvalidValue`, `ModelNotInstalled`, `MissingDependency`, `EngineFailed`.
    """
    console = Console()
    spec = settings.engine_spec()
    require_weights(spec, ("speakers",))
    diarizer = build_diarizer(spec)
    if diarizer is None:
        raise InvalidValue("There is nothing to measure: the setting 'speakers' is off.", param="speakers")
    activity = VoiceActivity()
    made = conversations(
        half_of(read_clips(manifest, with_text=False), half),
        count,
        _decoded,
        lambda samples: _speech(activity, samples),
        seed=seed,
    )
    meetings = _meetings(manifest)
    rates = {name: (ErrorRate(), ErrorRate()) for name in ((OURS, PLAIN) if plain else (OURS,))}
    took_s = sound_s = 0.0
    for recording in track([*made, *meetings], "telling speakers apart", console=console, transient=True):
        started_s = time.perf_counter()
        found = asyncio.run(find_speakers(diarizer, Audio(recording.samples, LISTEN_RATE_HZ)))
        took_s += time.perf_counter() - started_s
        sound_s += recording.duration_s
        meeting = recording in meetings
        name = "meetings" if meeting else recording.id.rsplit("-", 1)[0]
        rates[OURS][meeting].add(name, recording, found)
        if plain:
            rates[PLAIN][meeting].add(name, recording, asyncio.run(_plain(diarizer, activity, recording)))
    rows = {name: [*conversed.rows(), *met.rows()[:-1]] for name, (conversed, met) in rates.items()}
    overlap = float(np.mean([overlap_share(one.truth) for one in made]))
    facts = {
        "machine": machine_name(),
        "engine": spec.speakers,
        "half": half,
        "seed": seed,
        "conversations": len(made),
        "overlap_share": overlap,
        "real_time_factor": sound_s / took_s,
    }
    console.print(_table(rows))
    console.print(
        f"{len(made)} conversations of the {half} half, {overlap:.0%} of speech overlapped; "
        f"{sound_s / took_s:.0f} times as fast as they last, on {machine_name()}",
        highlight=False,
    )
    if out is not None:
        figures = {name: [asdict(row) | {"rate": row.rate} for row in each] for name, each in rows.items()}
        out.write_text(json.dumps(facts | {"rates": figures}, indent=1) + "\n", encoding="utf-8")
    return overlap >= LEAST_OVERLAP and next(row.rate for row in rows[OURS] if row.name == "all") <= BAR


async def _plain(diarizer: Diarizer, activity: VoiceActivity, recording: Conversation) -> tuple[SpeakerTurn, ...]:
    spans = baseline_spans(_speech(activity, recording.samples), STEP_SAMPLES / LISTEN_RATE_HZ)
    audio = Audio(recording.samples, LISTEN_RATE_HZ)
    return baseline(spans, [await diarizer.embed(audio.slice(*span)) for span in spans])


def _meetings(manifest: Path) -> list[Conversation]:
    """Recordings with a truth of their own."""
    found: list[Conversation] = []
    for line in manifest.read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if row.get("rttm") and row.get("use_for_der"):
            truth = read_rttm(manifest.parent / str(row["rttm"]))
            samples = decode((manifest.parent / str(row["path"])).read_bytes()).samples
            found.append(Conversation(str(row["id"]), samples, truth, len({turn.speaker for turn in truth})))
    return found


def _decoded(clip: Clip) -> Samples:
    return decode(clip.path.read_bytes()).samples


def _speech(activity: VoiceActivity, samples: Samples) -> Any:
    return speech_flags(np.concatenate(list(activity.blocks(samples, gain_for(samples)))))


def _table(rows: Mapping[str, Sequence[DerRow]]) -> Table:
    table = Table(title="Diarization error rate, no collar, overlaps scored", title_justify="left", box=None)
    plain = {row.name: f"{row.rate:.1%}" for row in rows.get(PLAIN, ())}
    headings = ("", "n", "DER", "missed", "made up", "confused", "±0.25 s", "count", *(["plain"] if plain else []))
    for heading in headings:
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for row in rows[OURS]:
        shares = (row.rate, *(seconds / row.total_s for seconds in (row.missed_s, row.made_up_s, row.confused_s)))
        table.add_row(
            row.name,
            str(row.recordings),
            *(f"{share:.1%}" for share in (*shares, row.forgiving)),
            f"{row.counted}/{row.recordings}",
            *([plain[row.name]] if plain else []),
        )
    return table
