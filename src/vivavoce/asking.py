"""`viva ask` and `viva speak`: one turn with engines in this process, printed as it happens.

A caller of `turn`; knows no HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import FORMATS, encode
from vivavoce.conversation import AudioPart, Message
from vivavoce.engines.registry import build, build_speaker, require_weights
from vivavoce.errors import InvalidValue
from vivavoce.settings import Settings
from vivavoce.speak.saying import Saying
from vivavoce.tickets import Room
from vivavoce.turn import Called, Engines, Finished, PartHeard, Read, Spoke, Thought, Turn, run, say


def ask_once(settings: Settings, question: Path, out: Path | None, voice: str, console: Console | None = None) -> None:
    """Answer a recording: prints what was heard and answered, writes the spoken answer to `out`.

    Raises what any stage raises, and `InvalidValue` where a file cannot be read or its ending is unknown.
    """
    console = console or Console()
    fmt = _format_of(out) if out is not None else "wav"
    audio = decode(_read(question), max_duration_s=settings.max_audio_s, declared=question.suffix[1:])
    spec = settings.engine_spec()
    require_weights(spec)
    with console.status("Loading engines …"):
        engines = build(spec)
    turn = Turn(
        conversation=[Message("user", (AudioPart(audio),))],
        saying=Saying.with_voice(voice, engines.speaker.voices) if out is not None else None,
        speaking_note=settings.speaking_note or None,
        hearing_note=settings.hearing_note,
        ask_back=settings.ask_back,
    )
    clauses = asyncio.run(_print_turn(turn, engines, console))
    if out is not None:
        out.write_bytes(encode(Audio.join(clauses, SPEAK_RATE_HZ), fmt))
        console.print(f"[dim]written to[/] {out}")


async def _print_turn(turn: Turn, engines: Engines, console: Console) -> list[Audio]:
    clauses: list[Audio] = []
    try:
        async with aclosing(run(turn, engines)) as events:
            async for event in events:
                match event:
                    case PartHeard():
                        heard = event.heard
                        what = escape(heard.transcript) or "[dim](nothing was said)[/]"
                        console.print(f"[bold]heard[/]    {what} [dim]({heard.language or '–'})[/]")
                        console.print("[bold]answered[/] ", end="")
                    case Thought():
                        console.print(event.text, end="", markup=False, highlight=False, soft_wrap=True)
                    case Spoke():
                        clauses.append(event.audio)
                    case Room() | Called() | Read():
                        pass  # nobody else is here; no tools and no form were asked for
                    case Finished():
                        _print_end(event, console)
    finally:
        await close(engines)
    return clauses


def _print_end(finished: Finished, console: Console) -> None:
    usage, timings = finished.usage, finished.timings
    console.print()
    console.print(
        f"[dim]tokens   in {usage.input_audio_tokens} audio + {usage.input_text_tokens} text, "
        f"out {usage.output_audio_tokens} audio + {usage.output_text_tokens} text[/]"
    )
    sound = f"first sound {timings.first_sound_s:.2f} s, " if timings.first_sound_s is not None else ""
    console.print(f"[dim]time     {sound}whole answer {timings.total_s:.2f} s[/]")


def speak_once(settings: Settings, text: str, out: Path, voice: str, speed: float) -> None:
    """Speak `text` into `out`. Raises `InvalidValue` for an unknown voice or ending, or nothing to say."""
    console = Console()
    fmt = _format_of(out)
    spec = settings.engine_spec()
    require_weights(spec, stages=("speak",))
    speaker = build_speaker(spec)
    saying = Saying.with_voice(voice, speaker.voices, speed=speed)

    async def whole() -> AsyncGenerator[str, None]:
        yield text

    async def collect() -> list[Audio]:
        clauses: list[Audio] = []
        async with aclosing(say(speaker, whole(), saying)) as spoken:
            async for spoke in spoken:
                clauses.append(spoke.audio)
        await speaker.close()
        return clauses

    started_s = time.perf_counter()
    with console.status("Speaking …"):
        audio = Audio.join(asyncio.run(collect()), SPEAK_RATE_HZ)
    if not len(audio.samples):
        raise InvalidValue("There is nothing in this text that can be spoken.", param="text")
    out.write_bytes(encode(audio, fmt))
    took_s = time.perf_counter() - started_s
    console.print(f"{out}: {audio.duration_s:.1f} s of speech in {took_s:.1f} s")


async def close(engines: Engines) -> None:
    for engine in (engines.listener, engines.thinker, engines.speaker, engines.diarizer):
        if engine is not None:
            await engine.close()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidValue(f"Cannot read {file}: {error.strerror}.", param="question") from error


def _format_of(out: Path) -> str:
    fmt = {"ogg": "opus", "pcm": "pcm16"}.get(out.suffix[1:].lower(), out.suffix[1:].lower())
    if fmt not in FORMATS:
        raise InvalidValue(f"Cannot write '{out.suffix}': use one of {', '.join(FORMATS)}.", param="out")
    return fmt
