"""`viva bench …`: what can be measured. Like `cli`, each command calls one function and imports what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Half = Literal["all", "tune", "report"]

bench_app = typer.Typer(no_args_is_help=True, help="Measure this machine; every figure comes with its n.")

BaseUrlOption = Annotated[
    str | None,
    typer.Option(help="Any OpenAI-compatible server, e.g. http://127.0.0.1:8080/v1; none: `viva serve` is started."),
]
ModelOption = Annotated[str, typer.Option(help="Model to ask for.")]
QuestionsOption = Annotated[
    Path | None, typer.Option(help="A folder of your own recordings, in place of our spoken questions.")
]
ProfileOption = Annotated[str | None, typer.Option(help="Which set of models: default, gpu, or tiny for tests.")]


@bench_app.command("listening")
def bench_listening(
    manifest: Annotated[Path, typer.Option(help="Recordings with their text, one JSON object per line.")] = Path(
        "../shared/speech/manifest.jsonl"
    ),
    clips: Annotated[int, typer.Option(help="How many clips; 0 takes all. About 5 s each on two cores.")] = 200,
    language: Annotated[list[str] | None, typer.Option(help="Only these languages (ISO 639-1); repeatable.")] = None,
    max_s: Annotated[float, typer.Option(help="Only clips up to this length, in seconds.")] = 10.0,
    half: Annotated[
        Half, typer.Option(help="Policies were tuned on half of the speakers; report on the other.")
    ] = "all",
    seed: Annotated[int, typer.Option(help="Which clips, and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every figure and transcript as JSON.")] = None,
) -> None:
    """Our listening against stock faster-whisper, clip by clip in one run: words and speed. Exits 1 below the bar."""
    from vivavoce.bench.console import bench_listening as compare
    from vivavoce.settings import load_settings

    settings = load_settings()
    passed = compare(
        manifest,
        settings.models_dir / settings.engine("listen").partition(":")[2],
        clips=clips or None,
        languages=language,
        max_s=max_s,
        half=half,
        threads=settings.threads,
        seed=seed,
        out=out,
    )
    if not passed:
        raise typer.Exit(1)


@bench_app.command("transcribe")
def bench_transcribe(
    manifest: Annotated[Path, typer.Option(help="Recordings with their text, one JSON object per line.")] = Path(
        "../shared/speech/manifest.jsonl"
    ),
    minutes: Annotated[float, typer.Option(min=1.0, help="Minutes of sound in all; clips come again if few.")] = 60.0,
    part_minutes: Annotated[float, typer.Option(min=1.0, help="Length of one joined recording, in minutes.")] = 10.0,
    language: Annotated[list[str] | None, typer.Option(help="Only these languages (ISO 639-1); repeatable.")] = None,
    half: Annotated[
        Half, typer.Option(help="Policies were tuned on half of the speakers; report on the other.")
    ] = "all",
    word_times: Annotated[
        bool, typer.Option("--word-times", help="Ours gives words their times too; the others don't.")
    ] = False,
    memory: Annotated[
        bool, typer.Option(help="Peak memory at a sixth, a half and all of the minutes; takes twice our time more.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Which clips in which order, and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every figure and transcript as JSON.")] = None,
) -> None:
    """How fast long recordings are transcribed, against faster-whisper's batched pipeline in the same run.

    Joins recordings with known text into long ones and has each heard by us, by faster-whisper's batched pipeline
    (batches of 8 and of 16) and by the same model greedily on full windows, all with the same weights and threads.
    States seconds of sound per second (RTFx), word errors with their bound, how long a three-second clip takes beside a
    long recording, and memory against length. An hour takes about 20 minutes on two cores; for a quick look:
    --minutes 10 --part-minutes 5 --no-memory. Exits 1 below the bars.
    """
    from vivavoce.bench.console import bench_transcribe as compare
    from vivavoce.settings import load_settings

    settings = load_settings()
    passed = compare(
        manifest,
        settings.models_dir / settings.engine("listen").partition(":")[2],
        minutes=minutes,
        part_minutes=part_minutes,
        languages=language,
        half=half,
        threads=settings.threads,
        seed=seed,
        word_times=word_times,
        memory=memory,
        out=out,
    )
    if not passed:
        raise typer.Exit(1)


@bench_app.command("languages")
def bench_languages(
    manifest: Annotated[Path, typer.Option(help="Recordings with their text, one JSON object per line.")] = Path(
        "../shared/speech/manifest.jsonl"
    ),
    clips: Annotated[int, typer.Option(help="Most recordings per language.")] = 20,
    language: Annotated[list[str] | None, typer.Option(help="Only these languages (ISO 639-1); repeatable.")] = None,
    voice: Annotated[str, typer.Option(help="The voice that is asked for; others stand in where needed.")] = "alloy",
    seed: Annotated[int, typer.Option(help="Which recordings, and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every figure as JSON; `make docs` reads it.")] = None,
    profile: ProfileOption = None,
) -> None:
    """How well each language is heard (real recordings) and spoken (our sentences, heard again): errors with n."""
    from vivavoce.bench.console import bench_languages as measure
    from vivavoce.settings import load_settings

    spec = load_settings(profile=profile).engine_spec()
    measure(manifest, spec, clips=clips, languages=language, voice=voice, seed=seed, out=out)


@bench_app.command("switching")
def bench_switching(
    manifest: Annotated[Path, typer.Option(help="Recordings with their text, one JSON object per line.")] = Path(
        "../shared/speech/manifest.jsonl"
    ),
    people: Annotated[int, typer.Option(min=0, help="Recordings made of several people's; 0: none.")] = 60,
    voices: Annotated[int, typer.Option(min=0, help="Recordings made by our own voices; 0: none.")] = 20,
    plain: Annotated[int, typer.Option(min=0, help="Recordings in one language; 0: none.")] = 120,
    brief: Annotated[int, typer.Option(min=0, help="Most recordings of a language for short utterances.")] = 20,
    half: Annotated[
        Half, typer.Option(help="Policies were tuned on half of the speakers; report on the other.")
    ] = "report",
    seed: Annotated[int, typer.Option(help="Which recordings, how joined, and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every figure as JSON; `make docs` reads it.")] = None,
) -> None:
    """Whether a change of language within a recording is heard: time in the right language and word errors, against one
    language for each window; what it costs recordings in one language; and which language short utterances are taken
    for. About ten minutes."""
    from vivavoce.bench.switching_console import Amounts
    from vivavoce.bench.switching_console import bench_switching as measure
    from vivavoce.settings import load_settings

    amounts = Amounts(people, voices, plain, brief)
    measure(load_settings(), manifest, amounts=amounts, half=half, seed=seed, out=out)


@bench_app.command("speed")
def bench_speed(
    base_url: BaseUrlOption = None,
    api_key: Annotated[str, typer.Option(help="Key for that server.")] = "none",
    model: ModelOption = "gpt-4o-mini-audio-preview",
    voice: Annotated[
        list[str] | None, typer.Option(help="Voice of the answers [default: alloy]; repeat to compare others with it.")
    ] = None,
    questions: QuestionsOption = None,
    length: Annotated[
        list[int] | None, typer.Option(help="Only questions of about 2, 5, 12 or 30 s; repeatable.")
    ] = None,
    each: Annotated[int, typer.Option(min=1, help="Questions of each length; 60 for a p95.")] = 60,
    compared: Annotated[
        int, typer.Option(min=0, help="How many of them also with a new prompt, other voices and the plain way.")
    ] = 20,
    against: Annotated[
        Literal["plain"] | None, typer.Option(help="plain: the usual three steps one after the other, same weights.")
    ] = None,
    scripted: Annotated[
        bool, typer.Option("--scripted", help="Only what the server itself adds, over scripted engines (n = 200).")
    ] = False,
    seed: Annotated[int, typer.Option(help="The bootstrap of intervals.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every answer's times as JSON; `make docs` reads it.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the distributions.")] = None,
    profile: ProfileOption = None,
) -> None:
    """How soon spoken questions are answered, by this server or any other: first words, first sound, end, with n."""
    from vivavoce.bench import speed_console
    from vivavoce.settings import load_settings

    if scripted:
        speed_console.bench_added(each=200, seed=seed, out=out)
        return
    speed_console.bench_speed(
        load_settings(profile=profile),
        base_url=base_url,
        api_key=api_key,
        model=model,
        voices=voice or ["alloy"],
        questions=questions,
        lengths_s=length,
        each=each,
        compared=compared,
        against_plain=against == "plain",
        seed=seed,
        out=out,
        svg=svg,
    )


@bench_app.command("load")
def bench_load(
    base_url: BaseUrlOption = None,
    api_key: Annotated[
        list[str] | None, typer.Option(help="Keys that ask; the first asks half of it [default: four of our own].")
    ] = None,
    model: ModelOption = "gpt-4o-mini-audio-preview",
    questions: QuestionsOption = None,
    times: Annotated[
        list[float] | None, typer.Option(min=0.01, help="Load in multiples of capacity; repeatable [default: ½ 1 2 4].")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long questions come, per load.")] = 120.0,
    callers: Annotated[int, typer.Option(min=1, help="Callers who find the capacity, each waiting for answers.")] = 4,
    calibration: Annotated[int, typer.Option(min=1, help="Answers by which it is found.")] = 40,
    bound: Annotated[float, typer.Option(help="Latest first sound of a good answer, in seconds.")] = 10.0,
    seed: Annotated[int, typer.Option(help="When questions come, and from whom.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every question's outcome as JSON.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw goodput over load.")] = None,
    profile: ProfileOption = None,
) -> None:
    """What a server does below and above its capacity: answers in time, refusals, waits, and who gets how much."""
    from vivavoce.bench.load_console import bench_load as measure
    from vivavoce.settings import load_settings

    measure(
        load_settings(profile=profile),
        base_url=base_url,
        api_keys=api_key or ["load-1", "load-2", "load-3", "load-4"],
        model=model,
        questions=questions,
        times=times or [0.5, 1.0, 2.0, 4.0],
        duration_s=seconds,
        callers=callers,
        calibration=calibration,
        bound_s=bound,
        seed=seed,
        out=out,
        svg=svg,
    )


@bench_app.command("tools")
def bench_tools(
    base_url: BaseUrlOption = None,
    api_key: Annotated[str, typer.Option(help="Key for that server.")] = "none",
    model: ModelOption = "gpt-4o-mini-audio-preview",
    calls: Annotated[bool, typer.Option(help="Put the requests; without, only the first sounds.")] = True,
    sounds: Annotated[
        int, typer.Option(min=0, help="Questions asked with and without tools, for the first sound; 0: none.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="The noise in recordings, and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every request, call and time as JSON.")] = None,
    profile: ProfileOption = None,
) -> None:
    """Whether the right tool is called with the right arguments: 40 requests over eight tools, typed and spoken by our
    voices, and eight questions that no tool answers; and what the tools cost the first sound. Any server."""
    from vivavoce.bench.tools_console import bench_tools as measure
    from vivavoce.settings import load_settings

    measure(
        load_settings(profile=profile),
        base_url=base_url,
        api_key=api_key,
        model=model,
        calls=calls,
        sounds=sounds,
        seed=seed,
        out=out,
    )


@bench_app.command("doubt")
def bench_doubt(
    manifest: Annotated[
        Path | None, typer.Option(help="Recordings with their text, to judge probabilities by; about 10 minutes.")
    ] = None,
    ask: Annotated[bool, typer.Option(help="Put questions that hang on a word that is easily misheard.")] = True,
    base_url: BaseUrlOption = None,
    api_key: Annotated[str, typer.Option(envvar="OPENAI_API_KEY", help="Its key.")] = "none",
    model: ModelOption = "gpt-4o-mini-audio-preview",
    seed: Annotated[int, typer.Option(help="Noise, folds and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every figure as JSON.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw probabilities against facts.")] = None,
) -> None:
    """How well we know what we did not hear: calibrated words, and answers that ask back."""
    from vivavoce.bench.doubt_console import bench_doubt as measure
    from vivavoce.settings import load_settings

    measure(
        load_settings(),
        manifest,
        base_url=base_url,
        api_key=api_key,
        model=model,
        ask=ask,
        seed=seed,
        out=out,
        svg=svg,
    )


@bench_app.command("tone")
def bench_tone(
    manifest: Annotated[Path, typer.Option(help="Recordings with their emotion, one JSON object per line.")] = Path(
        "../shared/speech/manifest.jsonl"
    ),
    base_url: BaseUrlOption = None,
    api_key: Annotated[str, typer.Option(help="Key for that server.")] = "none",
    model: ModelOption = "gpt-4o-mini-audio-preview",
    reading: Annotated[bool, typer.Option(help="Tell emotions; without, only the exam of routing.")] = True,
    baseline: Annotated[bool, typer.Option(help="Have the server tell them too, from transcripts.")] = True,
    pairs: Annotated[int, typer.Option(min=0, help="Most pairs of each kind in the exam of routing; 0: none.")] = 40,
    seed: Annotated[int, typer.Option(help="Which pairs, and the bootstrap.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write every figure and decision as JSON.")] = None,
    profile: ProfileOption = None,
) -> None:
    """How well tone is heard: unweighted recall on acted emotions, for speakers and languages that the head was not
    trained on, beside a baseline that reads the transcript; what it costs; and whether it changes how calls go on."""
    from vivavoce.bench.tone_console import bench_tone as measure
    from vivavoce.settings import load_settings

    measure(
        load_settings(profile=profile),
        manifest,
        base_url=base_url,
        api_key=api_key,
        model=model,
        reading=reading,
        baseline=baseline,
        pairs=pairs,
        seed=seed,
        out=out,
    )


@bench_app.command("speakers")
def bench_speakers(
    manifest: Annotated[Path, typer.Option(help="Recordings with their speakers, one JSON object per line.")] = Path(
        "../shared/speech/manifest.jsonl"
    ),
    count: Annotated[int, typer.Option(help="How many conversations are made of them.")] = 60,
    half: Annotated[
        Half, typer.Option(help="What is found best is found on half of the speakers; report on the other.")
    ] = "report",
    seed: Annotated[int, typer.Option(help="Who speaks with whom, and when.")] = 1,
    plain: Annotated[bool, typer.Option(help="The plain way beside it, which takes longer than ours.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write every figure as JSON.")] = None,
    profile: ProfileOption = None,
) -> None:
    """Who spoke when, by diarization error rate, beside a plain baseline. Exits 1 above 15 %."""
    from vivavoce.bench.diarization_console import bench_speakers as measure
    from vivavoce.settings import load_settings

    settings = load_settings(profile=profile)
    if not measure(settings, manifest, count=count, half=half, seed=seed, plain=plain, out=out):
        raise typer.Exit(1)
