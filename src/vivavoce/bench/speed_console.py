"""`viva bench speed` on a terminal: makes the questions, starts what has to be started, measures, shows and saves."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import ExitStack, aclosing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBars

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.bench import added
from vivavoce.bench.exchange import Server
from vivavoce.bench.machine import machine_name
from vivavoce.bench.plain import build_plain
from vivavoce.bench.questions import LENGTHS_S, Progress, Question, SpeakText, new_wav, read_questions, speak_questions
from vivavoce.bench.replay import record, replaying
from vivavoce.bench.serving import served, serving
from vivavoce.bench.speed import Measuring, SpeedReport, system_prompt
from vivavoce.bench.speed_page import read_report, speed_tables, write_report
from vivavoce.bench.speed_svg import speed_svg
from vivavoce.engines.registry import build_speaker, require_weights
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue
from vivavoce.settings import Settings
from vivavoce.speak.base import Speaker
from vivavoce.speak.saying import Saying
from vivavoce.turn import say

MOST_VOICES = 6
"""Voices that speak our questions: enough for many recordings of few texts."""

HELLO = "Hello, can you hear me?"

ADDED_LENGTHS_S = (2, 5, 30)


def bench_speed(
    settings: Settings,
    *,
    base_url: str | None,
    api_key: str,
    model: str,
    voices: list[str],
    questions: Path | None,
    lengths_s: list[int] | None,
    each: int,
    compared: int,
    against_plain: bool,
    seed: int,
    out: Path | None,
    svg: Path | None,
) -> SpeedReport:
    """Measure, show and save how soon spoken questions are answered; without a base URL by a server of its own.

    Raises `ModelNotInstalled`, `InvalidValue`, `UpstreamFailed`, `EngineFailed`.
    """
    console = Console()
    spec = settings.engine_spec()
    require_weights(spec, ("listen", "think", "speak") if against_plain or base_url is None else ("speak",))
    asked, hello = ready_questions(spec, questions, _known(lengths_s), each, console)
    with ExitStack() as stack:
        base_url = stack.enter_context(served(base_url, settings.profile, console))
        server = Server(base_url, api_key, model)
        stack.callback(server.close)
        engines = server.engines()
        plain = None
        if against_plain:
            with console.status("Loading the plain way …"):
                plain = build_plain(spec, settings.speaking_note)
            stack.callback(plain.close)
        measuring = Measuring(server.ask, plain.ask if plain is not None else None, voices, hello)
        try:
            with progress_bar(console, "asking") as progress, suppress(KeyboardInterrupt):
                measuring.run(asked, each, compared, progress)
        finally:  # what was measured is kept, however the run ends
            report = replace(
                _report(model, voices, seed),
                engines=engines,
                trials=tuple(measuring.trials),
                failures=tuple(measuring.failures),
            )
            if report.trials:
                _deliver(report, out, svg, console)
    if not report.trials:
        raise InvalidValue("Interrupted before the first answer: nothing was measured.")
    return report


def bench_added(*, each: int, seed: int, out: Path | None) -> SpeedReport:
    """Measure what the server itself adds, over scripted engines. A report that `out` already is gets these figures."""
    console = Console()
    model, voice = "viva-voce", "alloy"
    earlier = read_report(out) if out is not None and out.is_file() else _report(model, [voice], seed)
    with serving(added.SETTINGS) as base_url, progress_bar(console, "asking") as progress:
        server = Server(base_url, "none", model)
        question = new_wav(added.hum(ADDED_LENGTHS_S[0]), seed)
        recorded = record(base_url, model, question, system_prompt("Anna"), voice, added.engine_waits_s())
        with replaying(recorded) as replay_url:
            replay = Server(replay_url, "none", model)
            found = added.measure_added(server.ask, replay.ask, voice, ADDED_LENGTHS_S, each, progress)
            replay.close()
        server.close()
    report = replace(earlier, added=found)
    _deliver(report, out, None, console)
    return report


def _report(model: str, voices: list[str], seed: int) -> SpeedReport:
    return SpeedReport(
        date=time.strftime("%Y-%m-%d"),
        machine=machine_name(),
        cores=os.cpu_count() or 1,
        model=model,
        engines={},
        voices=tuple(voices),
        seed=seed,
        trials=(),
    )


def _deliver(report: SpeedReport, out: Path | None, svg: Path | None, console: Console) -> None:
    if out is not None:
        write_report(report, out)
    if svg is not None:
        svg.write_text(speed_svg(report), encoding="utf-8")
    console.print(speed_tables(report))


@contextmanager
def progress_bar(console: Console, what: str) -> Generator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBars(*columns, console=console) as bars:
        bar = bars.add_task(what, total=None)

        def advance(done: int, total: int, about: str) -> None:
            bars.update(bar, completed=done, total=total, description=f"{what} ({about})")

        yield advance


def _known(lengths_s: list[int] | None) -> list[int]:
    """In order, all of them for None. Raises `InvalidValue` for one that there are no questions of."""
    if unknown := set(lengths_s or ()) - set(LENGTHS_S):
        known = ", ".join(map(str, LENGTHS_S))
        raise InvalidValue(f"There are no questions of {min(unknown)} s. Choose of {known}.", param="length")
    return sorted(set(lengths_s or LENGTHS_S))


def ready_questions(
    spec: EngineSpec, folder: Path | None, lengths_s: list[int], each: int, console: Console
) -> tuple[list[Question], Audio]:
    """The questions, and a short recording to warm up with. What is spoken is kept in the cache folder."""
    with _asking_voices(spec) as (voices, speak):
        hello = speak(HELLO, voices[0])
        if folder is not None:
            found = read_questions(folder)
            return [question for question in found if question.length_s in lengths_s], hello
        cache = user_cache_path("vivavoce", appauthor=False)
        kept = cache / "questions" / spec.engines("speak")[0].replace(":", "-")
        with progress_bar(console, "speaking questions") as progress:
            wanted = dict.fromkeys(lengths_s, each)
            return speak_questions(kept, voices, wanted, speak, progress), hello


def speak_texts(spec: EngineSpec, texts: Sequence[str], console: Console) -> list[Audio]:
    """`texts` spoken by several voices in turn. They are spoken anew each time: a minute for fifty short ones."""
    spoken: list[Audio] = []
    with _asking_voices(spec) as (voices, speak), progress_bar(console, "speaking requests") as progress:
        for number, text in enumerate(texts):
            spoken.append(speak(text, voices[number % len(voices)]))
            progress(number + 1, len(texts), text)
    return spoken


@contextmanager
def _asking_voices(spec: EngineSpec) -> Generator[tuple[list[str], SpeakText]]:
    """The voices that put our questions, and what makes them speak. Raises `InvalidValue` where none is English."""
    speaker = build_speaker(spec)
    with asyncio.Runner() as runner:
        try:
            yield question_voices(speaker), lambda text, voice: runner.run(_speak(speaker, text, voice))
        finally:
            runner.run(speaker.close())


def question_voices(speaker: Speaker) -> list[str]:
    """English voices of the first engine, spread over all that it has."""
    first = next(iter(speaker.voices.values()))
    english = [
        name
        for name, voice in speaker.voices.items()
        if voice.engine == first.engine and voice.readable and voice.primary_language == "en"
    ]
    if not english:
        raise InvalidValue("No voice here speaks English: give recordings with --questions FOLDER.", param="questions")
    return english[:: max(1, len(english) // MOST_VOICES)][:MOST_VOICES]


async def _speak(speaker: Speaker, text: str, voice: str) -> Audio:
    async def whole() -> AsyncGenerator[str, None]:
        yield text

    async with aclosing(say(speaker, whole(), Saying(voice))) as spoken:
        return Audio.join([spoke.audio async for spoke in spoken], SPEAK_RATE_HZ)
