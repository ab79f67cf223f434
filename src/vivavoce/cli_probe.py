"""`viva probe …`: is a model there, and how soon does it sound. Like `cli`, each command calls one function."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

probe_app = typer.Typer(
    no_args_is_help=True,
    help="Ask models a short spoken question at fixed times: are they there, and how soon do they sound?\n\n"
    "What was measured, and what was not and why, is kept in a diary in the data folder; the report is made of it.",
)

FolderOption = Annotated[
    Path | None, typer.Option("--folder", help="Where the diary lies [default: probe in the data folder].")
]


@probe_app.command("run")
def probe_run(
    base_url: Annotated[
        str | None,
        typer.Option(help="An OpenAI-compatible endpoint, with its /v1 [default: http://127.0.0.1:8080/v1]."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="[default: gpt-4o-mini-audio-preview]")] = None,
    targets: Annotated[
        Path | None, typer.Option(help="Several targets, from a TOML file (docs/probe.md), in place of these options.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What reports call it [default: the host].")] = None,
    every: Annotated[str | None, typer.Option(help="30s, 5m, 1h … [default: 5m; with --once, no fixed times].")] = None,
    offset: Annotated[
        str | None,
        typer.Option(help="Of its times from whole multiples of --every [default: one of its own; cron: 0]."),
    ] = None,
    for_time: Annotated[str | None, typer.Option("--for", help="24h, 7d … [default: until it is stopped].")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Ask once, now, as cron does; exits 1 if that went wrong.")
    ] = False,
    timeout: Annotated[str | None, typer.Option(help="For all of an answer [default: 60s].")] = None,
    voice: Annotated[str | None, typer.Option(help="Of the answer [default: alloy].")] = None,
    ask: Annotated[str | None, typer.Option(help="The question, which espeak-ng speaks, or --speech-url.")] = None,
    sound: Annotated[
        str | None, typer.Option(help="A recording to ask with, or one of beeps, hum, music, noise.")
    ] = None,
    speech_url: Annotated[str | None, typer.Option(help="A base URL whose /audio/speech speaks the question.")] = None,
    expect: Annotated[
        str | None,
        typer.Option(help="A pattern to be found in the answer; without one any answer that sounds is well."),
    ] = None,
    key_env: Annotated[str, typer.Option(help="The environment variable that holds the key.")] = "OPENAI_API_KEY",
    budget_per_day: Annotated[
        str | None, typer.Option(metavar="USD", help="What it may cost in a day (UTC); a paid endpoint needs one.")
    ] = None,
    budget_per_month: Annotated[str | None, typer.Option(metavar="USD", help="The same for a month.")] = None,
    unpriced: Annotated[
        bool, typer.Option("--unpriced", help="Go on where the price book knows no price; no cap can be kept.")
    ] = False,
    folder: FolderOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
) -> None:
    """Ask at fixed times, and keep what came, or why nothing was asked. Ctrl-C or SIGTERM ends it cleanly.

    Times are whole multiples of --every, so a restart goes on where it was. Nothing is tried again, a slow answer puts
    off no other, and times that passed while this did not run are kept as not measured.
    """
    import os

    from vivavoce.probe.console import probe
    from vivavoce.probe.targets import read_targets, span, target
    from vivavoce.settings import load_settings

    own: dict[str, Any] = {
        "base_url": base_url,
        "model": model,
        "name": name,
        "every": every,
        "offset": offset,
        "timeout": timeout,
        "voice": voice,
        "ask": ask,
        "sound": sound,
        "speech_url": speech_url,
        "expect": expect,
        "budget_per_day": budget_per_day,
        "budget_per_month": budget_per_month,
    }
    given = {option: value for option, value in own.items() if value is not None}
    if targets is not None and given:
        raise typer.BadParameter(f"--targets says all of that; leave out --{next(iter(given)).replace('_', '-')}.")
    if once and for_time is not None:
        raise typer.BadParameter("Either --once or --for.")
    settings = load_settings()
    if targets is not None:
        chosen = read_targets(targets)
    else:
        default: dict[str, Any] = {"base_url": "http://127.0.0.1:8080/v1", "unpriced": unpriced}
        default |= {"key_env": key_env} if os.environ.get(key_env) or key_env != "OPENAI_API_KEY" else {}
        chosen = [target(default | ({} if once else {"every": "5m"}) | given)]
    well = probe(
        chosen,
        folder or settings.data_dir / "probe",
        settings.prices_dir,
        once=once,
        for_s=None if for_time is None else span(for_time),
        quiet=quiet,
    )
    if not well:
        raise typer.Exit(1)


@probe_app.command("report")
def probe_report(
    since: Annotated[str, typer.Option(help="24h, 7d, 90d …")] = "24h",
    traffic: Annotated[
        bool, typer.Option("--traffic", help="Also what the ledger of this machine says of live traffic, as sums.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    folder: FolderOption = None,
) -> None:
    """How available each target was, with n and interval; first sound, failures, incidents, how times were kept."""
    from vivavoce.probe.console import report
    from vivavoce.settings import load_settings

    settings = load_settings()
    report(folder or settings.data_dir / "probe", since, as_json=as_json, ledger=settings.data_dir if traffic else None)
