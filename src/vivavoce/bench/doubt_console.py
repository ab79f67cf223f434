"""`viva bench doubt` on a terminal: hears the recordings, puts the questions, shows, draws, saves."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from vivavoce.audio import Audio
from vivavoce.bench.babble import in_babble
from vivavoce.bench.clips import Clip, read_clips
from vivavoce.bench.confusable import Outcome, Trial, outcome, put_questions, questions
from vivavoce.bench.doubt import (
    Calibration,
    Marks,
    Utterance,
    calibration,
    found_weights,
    marks,
    unseen_probabilities,
    utterance,
)
from vivavoce.bench.doubt_svg import reliability_svg
from vivavoce.bench.exchange import Answered, Server
from vivavoce.bench.machine import machine_name
from vivavoce.bench.serving import served
from vivavoce.bench.speed_console import progress_bar, speak_texts
from vivavoce.codec.decode import decode
from vivavoce.engines.registry import build_listener, require_weights
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import ListenOptions
from vivavoce.listen.doubt import EVIDENCE
from vivavoce.settings import Settings
from vivavoce.turn import hear_all

NOISES: tuple[tuple[str, float | None], ...] = (("clear", None), ("babble, 10 dB", 10.0), ("babble, 3 dB", 3.0))
LONGEST_S = 25.0
OPTIONS = ListenOptions(token_logprobs=True)
SYSTEM = "Answer in one or two short sentences."
ANSWER_TOKENS = 40


@dataclass(frozen=True, slots=True)
class DoubtReport:
    """What was measured; parts that were not asked for are None or empty. weights: found on all that may be."""

    date: str
    machine: str
    cores: int
    engine: str
    seed: int
    weights: dict[str, float] | None = None
    whole: Calibration | None = None
    clear: Calibration | None = None
    marks: Marks | None = None
    outcome: Outcome | None = None
    trials: tuple[Trial, ...] = ()


_REPORT = TypeAdapter(DoubtReport)


def bench_doubt(
    settings: Settings,
    manifest: Path | None,
    *,
    base_url: str | None,
    api_key: str,
    model: str,
    ask: bool,
    seed: int,
    out: Path | None,
    svg: Path | None,
) -> DoubtReport:
    """Measure, show and save. manifest: recordings to judge probabilities by, if any; ask: put the questions.

    Raises `ModelNotInstalled`, `InvalidValue` (no recordings), `UpstreamFailed`, `TooBusy`.
    """
    console = Console()
    report = DoubtReport(
        time.strftime("%Y-%m-%d"), machine_name(), os.cpu_count() or 1, settings.engine("listen"), seed
    )
    if manifest is not None:
        report = _judge(settings, manifest, report, console)
    if ask:
        report = _ask(settings, base_url, api_key, model, report, console)
    if out is not None:
        out.write_bytes(_REPORT.dump_json(report, indent=1) + b"\n")
    if svg is not None and report.whole is not None:
        svg.write_text(reliability_svg(report.whole), encoding="utf-8")
    for table in doubt_tables(report):
        console.print(table)
    return report


def _judge(settings: Settings, manifest: Path, report: DoubtReport, console: Console) -> DoubtReport:
    if not manifest.is_file():
        raise InvalidValue(f"There are no recordings: {manifest} does not exist.", param="manifest")
    spec = settings.engine_spec()
    require_weights(spec, ("listen",))
    clips = [clip for clip in read_clips(manifest) if clip.duration_s <= LONGEST_S]
    listener = build_listener(spec)
    with asyncio.Runner() as runner, progress_bar(console, "listening") as progress:

        def hear(clip: Clip, number: int, may_train: bool, others: list[Audio]) -> list[Utterance]:
            audio = decode(clip.path.read_bytes())
            random = np.random.default_rng(report.seed + number)
            found: list[Utterance] = []
            for noise, snr_db in NOISES:
                sound = audio if snr_db is None else in_babble(audio, others, snr_db, random)
                heard = runner.run(hear_all(listener, sound, OPTIONS))
                speaker = f"{clip.collection}/{clip.speaker}"
                found.append(
                    utterance(clip.id, speaker, noise, heard.segments, clip.text, clip.language, may_train=may_train)
                )
            progress(number + 1, len(clips), clip.id)
            return found

        closed = _closed(manifest)
        talk = [decode(clip.path.read_bytes()) for clip in clips[:: max(1, len(clips) // 40)]]
        utterances = [each for n, clip in enumerate(clips) for each in hear(clip, n, clip.id not in closed, talk)]
        runner.run(listener.close())
    sure = unseen_probabilities(utterances, report.seed)
    pairs = [(each, p) for each, p in zip(utterances, sure, strict=True) if each.noise == NOISES[0][0]]
    clear, clearly = [each for each, _ in pairs], [p for _, p in pairs]
    bias, weights = found_weights([each for each in utterances if each.may_train])
    return replace(
        report,
        weights={"bias": bias, **dict(zip(EVIDENCE, weights.tolist(), strict=True))},
        whole=calibration(utterances, sure, report.seed),
        clear=calibration(clear, clearly, report.seed),
        marks=marks(clear, clearly),
    )


def _closed(manifest: Path) -> frozenset[str]:
    """Ids of recordings whose licence keeps weights found on them from being shipped."""
    rows = (json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines() if line.strip())
    return frozenset(str(row["id"]) for row in rows if row.get("non_commercial"))


def _ask(
    settings: Settings, base_url: str | None, api_key: str, model: str, report: DoubtReport, console: Console
) -> DoubtReport:
    spec = settings.engine_spec()
    require_weights(spec, ("listen", "think", "speak") if base_url is None else ("speak",))
    spoken = speak_texts(spec, [question.text for question in questions()], console)
    with ExitStack() as stack:
        server = Server(stack.enter_context(served(base_url, settings.profile, console)), api_key, model)
        stack.callback(server.close)

        def put(wav: bytes, told: bool) -> Answered:
            return server.answer(wav, SYSTEM, ANSWER_TOKENS, hearing_note=told, ask_back=told)

        with progress_bar(console, "asking") as progress:
            trials = put_questions(put, spoken, report.seed, progress)
    return replace(report, outcome=outcome(trials, report.seed), trials=tuple(trials))


def doubt_tables(report: DoubtReport) -> list[Table]:
    """How well probabilities fit, what is marked, and what asking back saves."""
    tables: list[Table] = []
    if report.whole is not None and report.clear is not None:
        tables.append(_calibrations({"all": report.whole, "clear": report.clear}, report))
    if report.marks is not None:
        tables.append(_marks(report.marks))
    if report.outcome is not None:
        tables.append(_outcome(report.outcome))
    return tables


def _calibrations(found: dict[str, Calibration], report: DoubtReport) -> Table:
    table = Table(
        title="Word probabilities, by weights found on other speakers",
        caption=f"{report.engine}; {report.machine}; weights on all: {json.dumps(report.weights)}",
    )
    table.add_column("recordings")
    for column in ("words", "speakers", "right", "calibration error (95 %)", "ranking"):
        table.add_column(column, justify="right")
    for name, each in found.items():
        error = f"{each.error.estimate:.3f} ({each.error.low:.3f} to {each.error.high:.3f})"
        table.add_row(name, str(each.words), str(each.speakers), f"{each.right:.1%}", error, f"{each.ranking:.3f}")
    return table


def _marks(found: Marks) -> Table:
    table = Table(title="Clear recordings with an unclear word")
    table.add_column("heard")
    table.add_column("marked", justify="right")
    table.add_row("all right", f"{found.right_marked} of {found.right}")
    table.add_row("a word that matters wrong", f"{found.wrong_marked} of {found.wrong}")
    return table


def _outcome(found: Outcome) -> Table:
    table = Table(title="Questions that hang on a word that is easily misheard")
    table.add_column("")
    for column in ("n", "without doubt told", "with it"):
        table.add_column(column, justify="right")
    table.add_row(
        "misheard in babble: answers built on it", str(found.misheard), str(found.built_untold), str(found.built_told)
    )
    if found.rest is not None:
        rest = f"{found.rest.estimate:.2f} ({found.rest.low:.2f} to {found.rest.high:.2f})"
        table.add_row("… what is left of them", "", "1", rest)
    table.add_row("clear and heard rightly: asked back", str(found.clear), "", str(found.needless))
    return table
