"""`viva bench tone` on a terminal: hears the recordings, starts a server if none is named, measures, shows, saves."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.bench.exchange import Server
from vivavoce.bench.languages import sentences
from vivavoce.bench.machine import machine_name
from vivavoce.bench.routing import INSTRUCTIONS, ExamRow, Routed, examine, pairs_of
from vivavoce.bench.serving import served
from vivavoce.bench.speed_console import progress_bar, speak_texts
from vivavoce.bench.stats import Interval
from vivavoce.bench.tone import (
    ActedClip,
    ClipHeard,
    Cost,
    Tell,
    ToneRow,
    acted_clips,
    cost_of,
    longest_voicing,
    row_of_texts,
    rows_of_tones,
    tell_all,
)
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode
from vivavoce.engines.registry import build_listener, require_weights, tone_engine
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Listener, ListenOptions
from vivavoce.listen.manner import CIRCUMPLEX
from vivavoce.listen.tone_head import HEADS, ToneHead
from vivavoce.resampling import resample
from vivavoce.settings import Settings
from vivavoce.turn import hear_all

TIMED = 61
"""Recordings by which the cost is measured, the first of them only to warm up."""

READING = f"Which emotion does the speaker of this sentence feel? Answer with one word of: {', '.join(CIRCUMPLEX)}."


@dataclass(frozen=True, slots=True)
class ToneReport:
    """What was measured; parts that were not asked for are None or empty."""

    date: str
    machine: str
    cores: int
    engine: str
    seed: int
    cost: Cost | None = None
    rows: tuple[ToneRow, ...] = ()
    exam: tuple[ExamRow, ...] = ()
    routed: Mapping[str, Routed] | None = None


_REPORT = TypeAdapter(ToneReport)


def bench_tone(
    settings: Settings,
    manifest: Path,
    *,
    base_url: str | None,
    api_key: str,
    model: str,
    reading: bool,
    baseline: bool,
    pairs: int,
    seed: int,
    out: Path | None,
) -> ToneReport:
    """Measure, show and save. reading: tell emotions; baseline: from transcripts too; pairs: most of a kind to route.

    Raises `ModelNotInstalled`, `InvalidValue` (no recordings, no head for the listener), `UpstreamFailed`, `TooBusy`.
    """
    console = Console()
    if not manifest.is_file():
        raise InvalidValue(f"There are no recordings: {manifest} does not exist.", param="manifest")
    spec = settings.engine_spec()
    name = tone_engine(spec)
    if name is None or not name.startswith("head:"):
        raise InvalidValue(f"There is no tone head for '{spec.listen}'.", param="tone")
    tellers = Tellers(name.partition(":")[2])
    clips = acted_clips(manifest)
    report = ToneReport(time.strftime("%Y-%m-%d"), machine_name(), os.cpu_count() or 1, name, seed)
    with ExitStack() as stack:
        server: Server | None = None
        if pairs or (reading and baseline):
            server = Server(stack.enter_context(served(base_url, settings.profile, console)), api_key, model)
            stack.callback(server.close)
        if reading:
            cost, rows = _read(spec, clips, tellers, server if baseline else None, seed, console)
            report = replace(report, cost=cost, rows=tuple(rows))
        if server is not None and pairs:
            foreign = [clip for clip in clips if not tellers.trained_on(clip.speaker)]
            ours = _ours(spec, Path(stack.enter_context(TemporaryDirectory(prefix="viva-bench-"))), console)
            with progress_bar(console, "routing") as progress:
                exam, routed = examine(pairs_of([*foreign, *ours], pairs, seed), _router(server), progress)
            report = replace(report, exam=tuple(exam), routed=routed)
    if out is not None:
        out.write_bytes(_REPORT.dump_json(report, indent=1) + b"\n")
    for table in tone_tables(report):
        console.print(table)
    return report


def _read(
    spec: EngineSpec, clips: Sequence[ActedClip], tellers: Tellers, server: Server | None, seed: int, console: Console
) -> tuple[Cost, list[ToneRow]]:
    require_weights(spec, ("listen",))
    with Ears(build_listener(spec)) as ears, progress_bar(console, "listening") as progress:
        heard = [ears.hear(clip, number + 1, len(clips), progress) for number, clip in enumerate(clips)]
    width = next(len(each.voicing.states) for each in heard if each.voicing)
    cost = cost_of([ears.samples(clip) for clip in clips[:TIMED]], width, tellers.shipped)
    rows: list[ToneRow] = []
    for collection in sorted({clip.collection for clip in clips}):
        own = [each for each in heard if each.clip.collection == collection]
        tell = tellers.for_speakers([each.clip.speaker for each in own])
        for way, known in (("tone", False), ("tone, speaker known", True)):
            rows.append(rows_of_tones(way, own, tell_all(own, tell, known=known), seed))
        if server is not None:
            with progress_bar(console, "reading") as progress:
                rows.append(row_of_texts(own, _reader(server), list(CIRCUMPLEX), seed, progress))
    return cost, rows


def _ours(spec: EngineSpec, folder: Path, console: Console) -> list[ActedClip]:
    """Everyday sentences, each said by two of our voices, which are calm."""
    texts = [text for text in sentences()["en"] for _ in range(2)]
    clips: list[ActedClip] = []
    for number, sound in enumerate(speak_texts(spec, texts, console)):
        path = folder / f"{number}.wav"
        path.write_bytes(encode(sound, "wav"))
        clips.append(ActedClip(f"our voices/{number}", path, "en", f"voice {number}", "neutral", texts[number]))
    return clips


class Ears:
    """A listener, asked from outside of any event loop."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._runner = asyncio.Runner()

    def __enter__(self) -> Ears:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._listener.close())
        self._runner.close()

    def hear(self, clip: ActedClip, number: int, total: int, progress: Callable[[int, int, str], None]) -> ClipHeard:
        audio = Audio(self.samples(clip), LISTEN_RATE_HZ)
        heard = self._runner.run(hear_all(self._listener, audio, ListenOptions(voicing=True)))
        progress(number, total, clip.collection)
        return ClipHeard(clip, heard, longest_voicing(heard))

    @staticmethod
    def samples(clip: ActedClip) -> Samples:
        """At 16 kHz."""
        return resample(decode(clip.path.read_bytes()), LISTEN_RATE_HZ).samples


class Tellers:
    """The head for a listener, and for each speaker that it was trained on one that was not."""

    def __init__(self, listener: str) -> None:
        self._unseen = {path.stem: path for path in (HEADS / "unseen" / listener).glob("*.npz")}
        self._shipped = HEADS / f"{listener}.npz"
        self.shipped = self._teller(self._shipped)

    def trained_on(self, speaker: str) -> bool:
        return speaker in self._unseen

    def for_speakers(self, speakers: Sequence[str]) -> Callable[[str], Tell]:
        """Heads that have not heard these. Raises `InvalidValue` where some were trained on and not left out."""
        if any(map(self.trained_on, speakers)) and not all(map(self.trained_on, speakers)):
            raise InvalidValue("Some speakers of a set were trained on, and some were not: which is not told apart.")
        return self._unheard

    def _unheard(self, speaker: str) -> Tell:
        return self._teller(self._unseen.get(speaker, self._shipped))

    def _teller(self, path: Path) -> Tell:
        head = ToneHead(path)
        return lambda utterances, known: asyncio.run(head.read(utterances, known))


def _reader(server: Server) -> Callable[[str], str]:
    def read(transcript: str) -> str:
        said = server.answer(transcript, READING, 5).text.lower()
        return next((name for name in CIRCUMPLEX if name in said), "neutral")

    return read


def _router(server: Server) -> Callable[[ActedClip, bool], Routed]:
    def route(clip: ActedClip, note: bool) -> Routed:
        came = server.answer(clip.path.read_bytes(), INSTRUCTIONS, 5, hearing_note=note)
        return Routed("person" in came.text.lower(), came.note, came.heard)

    return route


def tone_tables(report: ToneReport) -> list[Table]:
    """How well emotions are told, what that costs, and what it changes."""
    tables = [_recalls(report)] if report.rows else []
    tables += [_costs(report.cost)] if report.cost is not None else []
    return [*tables, _exam(report.exam)] if report.exam else tables


def _recalls(report: ToneReport) -> Table:
    table = Table(
        title="Emotions told from recordings", caption=f"{report.machine}, {report.cores} cores; 95 % intervals"
    )
    for column in ("recordings", "speakers", "told by", "unweighted recall", "anger or fear against calm or neutral"):
        table.add_column(column)
    table.add_column("calibration error", justify="right")
    for row in report.rows:
        table.add_row(
            row.collection,
            str(row.speakers),
            row.way,
            f"{_told(row.recall)}, n {row.clips}, {row.emotions} emotions",
            f"{_told(row.urgent)}, n {row.urgent_clips}",
            "–" if row.calibration_error is None else f"{row.calibration_error:.2f}",
        )
    return table


def _costs(cost: Cost) -> Table:
    table = Table(title="What tone costs an utterance, medians of processor time")
    for column in ("utterances", "seconds", "taking its voicing", "reading its tone"):
        table.add_column(column, justify="right")
    table.add_row(
        str(cost.clips), f"{cost.seconds:.1f}", *(f"{value:.1f} ms" for value in (cost.taking_ms, cost.reading_ms))
    )
    return table


def _exam(rows: Sequence[ExamRow]) -> Table:
    table = Table(
        title="Calls routed by the same words in two voices, with the hearing note and without it (95 % intervals)"
    )
    for column in ("pairs", "n", "differently, with", "without", "rightly, with", "without"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            f"{'upset, calm' if row.differ else 'calm, calm'} ({row.language})",
            str(row.pairs),
            *(_told(each) for each in (row.changed_with, row.changed_without, row.right_with, row.right_without)),
        )
    return table


def _told(value: Interval) -> str:
    return f"{value.estimate:.2f} ({value.low:.2f} to {value.high:.2f})"
