"""`viva transcribe` on a terminal: progress with the time that is left, results in place, failures told by name.

Results go to files, each there whole or not at all, or to standard output; everything else to standard error.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from vivavoce import __version__
from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.reading import FileSource, PipeSource, Source
from vivavoce.engines.registry import build_diarizer, build_listener, require_weights
from vivavoce.engines.spec import OFF, Stage
from vivavoce.errors import InvalidValue, StorageFailed, VivaError
from vivavoce.listen.base import Heard, Listener, ListenOptions
from vivavoce.listen.speakers.base import Diarizer, SpeakerOptions
from vivavoce.listen.speakers.channels import as_one
from vivavoce.listen.speakers.finding import SpeakerQuestion, understood
from vivavoce.settings import Settings
from vivavoce.transcribe.formats import FORMATS, TELL_SPEAKERS
from vivavoce.transcribe.inputs import Job, jobs
from vivavoce.transcribe.journal import Journal
from vivavoce.transcribe.long import Ears, hear_long
from vivavoce.transcribe.remote import HttpListener

KNOWN_CLIP_S = 60.0
REMOTE_MODEL = "whisper-1"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. speakers: tell who speaks; known: their names, with a clip of each. base_url: who listens, if
    not this process."""

    formats: Sequence[str] = ("txt",)
    out: Path | None = None
    speakers: bool = False
    count: int | None = None
    known: Mapping[str, Path] | None = None
    channels: bool = False
    options: ListenOptions = field(default_factory=ListenOptions)
    base_url: str | None = None
    api_key: str = "none"
    again: bool = False


def transcribe(settings: Settings, inputs: Sequence[str], wish: Wish) -> bool:
    """Transcribe everything; whether all of it worked out. One recording that fails does not keep the others waiting.

    Raises `InvalidValue` for what cannot be asked for, `ModelNotInstalled`, `MissingDependency`, `EngineFailed`.
    """
    wish = _checked(settings, wish)
    console = Console(stderr=True)
    work = jobs(inputs, wish.formats, wish.out)
    todo = [job for job in work if wish.again or not job.done()]
    for job in work:
        if job not in todo:
            console.print(f"{job.path}: there already (--again does it again)", highlight=False, markup=False)
    return not todo or asyncio.run(_Transcribing(settings, wish, console).all(todo))


def named_clips(given: Sequence[str]) -> dict[str, Path]:
    """Of `NAME=CLIP`. Raises `InvalidValue`."""
    named: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name.strip() or not path or name in named:
            raise InvalidValue(f"'{text}' is no NAME=CLIP, or names a speaker again.", param="known-speaker")
        named[name.strip()] = Path(path)
    return named


def _checked(settings: Settings, wish: Wish) -> Wish:
    for fmt in wish.formats:
        if fmt not in FORMATS:
            raise InvalidValue(f"There is no format '{fmt}'. Known: {', '.join(FORMATS)}.", param="format")
    wanted = wish.speakers or bool(wish.known) or wish.count is not None
    if wish.channels and wanted:
        raise InvalidValue("--channels tells who speaks by the channel: leave out --speakers.", param="channels")
    telling = [fmt for fmt in wish.formats if fmt in TELL_SPEAKERS]
    if telling and not (wanted or wish.channels):
        raise InvalidValue(f"The format {telling[0]} says who speaks: add --speakers or --channels.", param="format")
    if wanted and settings.engine("speakers") == OFF:
        raise InvalidValue("Speakers cannot be told apart: the setting 'speakers' is off.", param="speakers")
    return replace(wish, speakers=wanted)


class _Transcribing:
    """One run: the engines, loaded once, and the terminal."""

    def __init__(self, settings: Settings, wish: Wish, console: Console) -> None:
        self._settings = settings
        self._wish = wish
        self._console = console

    async def all(self, todo: Sequence[Job]) -> bool:
        with self._console.status("Loading engines …"):
            listener, diarizer = await asyncio.to_thread(self._engines)
        try:
            ears = Ears(listener, diarizer, self._wish.options, await self._speakers(diarizer))
            with _progress(self._console) as progress:
                worked = [await self._one(job, ears, progress) for job in todo]
        finally:
            for engine in (listener, diarizer):
                if engine is not None:
                    await engine.close()
        return all(worked)

    def _engines(self) -> tuple[Listener, Diarizer | None]:
        spec = self._settings.engine_spec()
        stages: list[Stage] = [] if self._wish.base_url else ["listen"]
        require_weights(spec, [*stages, "speakers"] if self._wish.speakers else stages)
        diarizer = build_diarizer(spec) if self._wish.speakers else None
        if self._wish.base_url:
            return HttpListener(self._wish.base_url, self._wish.api_key, REMOTE_MODEL), diarizer
        return build_listener(spec), diarizer

    async def _speakers(self, diarizer: Diarizer | None) -> SpeakerOptions:
        if diarizer is None:
            return SpeakerOptions()
        clips = {name: _clip(path) for name, path in (self._wish.known or {}).items()}
        return await understood(diarizer, SpeakerQuestion(clips, self._wish.count, param="known-speaker"))

    async def _one(self, job: Job, ears: Ears, progress: Progress) -> bool:
        task = progress.add_task(job.name, total=None)
        try:
            source: Source = (
                await asyncio.to_thread(PipeSource, sys.stdin.buffer) if job.path is None else FileSource(job.path)
            )
            heard, journals = await self._heard(job, source, ears, progress, task)
            await asyncio.to_thread(_write, job, self._wish.formats, heard)
            for journal in journals:
                journal.remove()
        except (VivaError, OSError) as error:
            why = error.message if isinstance(error, VivaError) else f"{error.strerror}."
            self._console.print(f"viva: {job.path or job.name}: {why}", style="red", highlight=False, markup=False)
            return False
        finally:
            progress.remove_task(task)
        where = ", ".join(map(str, job.outputs.values())) if job.outputs is not None else "standard output"
        self._console.print(f"{job.name}: {_clock(heard.duration_s)} heard → {where}", highlight=False, markup=False)
        return True

    async def _heard(
        self, job: Job, source: Source, ears: Ears, progress: Progress, task: TaskID
    ) -> tuple[Heard, list[Journal]]:
        channels: list[int | None] = [None]
        if self._wish.channels:
            if source.about.channels < 2:
                raise InvalidValue("It has one channel: --channels wants one for each speaker.", param="channels")
            channels = list(range(source.about.channels))
        if source.about.duration_s is not None:
            progress.update(task, total=source.about.duration_s * len(channels))
        names = [chr(ord("A") + number) for number in range(len(channels))]
        heard: dict[str, Heard] = {}
        journals: list[Journal] = []
        for name, channel in zip(names, channels, strict=True):
            journal = self._journal(job, channel)
            journals.append(journal)
            done_s = sum(one.duration_s for one in heard.values())
            with closing(source.blocks(channel)) as blocks:
                async with aclosing(hear_long(blocks, ears, journal)) as happening:
                    async for happened in happening:
                        if isinstance(happened, Heard):
                            heard[name] = happened
                        else:
                            progress.update(task, completed=done_s + happened)
        return (as_one(heard) if self._wish.channels else heard[names[0]]), journals

    def _journal(self, job: Job, channel: int | None) -> Journal:
        """Of this recording, heard in this way by these engines, beside its result. What is shown has none, and a pipe
        has none: it cannot be read again."""
        if job.path is None or not job.outputs:
            return Journal(None, {})
        facts = job.path.stat()
        title: dict[str, Any] = {
            "viva": __version__,
            "recording": [str(job.path.resolve()), facts.st_size, facts.st_mtime_ns, channel],
            "listen": self._wish.base_url or self._settings.engine("listen"),
            "speakers": self._settings.engine("speakers") if self._wish.speakers else None,
            "options": asdict(self._wish.options),
        }
        place = next(iter(job.outputs.values()))
        way = hashlib.sha256(repr(sorted(title.items())).encode()).hexdigest()[:8]
        return Journal(place.with_name(f".{place.name}.{way}.heard"), title)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        speed_estimate_period=120.0,
    )


def _clip(path: Path) -> Audio:
    try:
        return decode(path.read_bytes(), rate_hz=LISTEN_RATE_HZ, max_duration_s=KNOWN_CLIP_S)
    except OSError as error:
        raise InvalidValue(f"Cannot read {path}: {error.strerror}.", param="known-speaker") from error


def _write(job: Job, formats: Sequence[str], heard: Heard) -> None:
    """Raises `StorageFailed`."""
    for fmt in formats:
        text = FORMATS[fmt][1](heard, job.name)
        if job.outputs is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            continue
        place = job.outputs[fmt]
        partial = place.with_name(f".{place.name}.{os.getpid()}.partial")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(place)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StorageFailed(f"Cannot write {place}: {error.strerror}.") from error


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
