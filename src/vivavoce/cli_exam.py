"""`viva exam …`: how good, how fast and how dear an endpoint is. Like `cli`, each command calls one function."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from vivavoce.exam.papers import Amounts

exam_app = typer.Typer(
    no_args_is_help=True,
    help="Examine any OpenAI-compatible endpoint: how good, how fast, how dear.\n\n"
    "A run is a file of everything that was asked and answered; it can be resumed, compared and exported.",
)


def _usd(text: str) -> Decimal:
    try:
        usd = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise typer.BadParameter("An amount in US dollars, as 12.50.") from None
    if not usd.is_finite() or usd < 0:
        raise typer.BadParameter("An amount in US dollars, as 12.50.")
    return usd


def _amounts(texts: list[str]) -> Amounts:
    """`60` is of each exam, `safety=0` of one."""
    from vivavoce.exam.catalogue import chosen
    from vivavoce.exam.papers import Amounts

    amounts = Amounts()
    for text in texts:
        exam, _, number = text.rpartition("=")
        if not number.isdecimal():
            raise typer.BadParameter("A number, as 60, or one for an exam, as safety=0.", param_hint="--items")
        chosen([exam] if exam else [])
        amounts = replace(amounts, of={**amounts.of, exam: int(number)}) if exam else replace(amounts, each=int(number))
    return amounts


KeyOption = Annotated[
    str, typer.Option("--api-key", envvar="OPENAI_API_KEY", show_envvar=True, help="Key for the endpoint.")
]
RehearKeyOption = Annotated[
    str, typer.Option("--rehear-key", envvar="VIVA_EXAM_REHEAR_KEY", help="Key for --rehear-url, where it is another.")
]
SpeechKeyOption = Annotated[
    str, typer.Option("--speech-key", envvar="VIVA_EXAM_SPEECH_KEY", help="Key for --speech-url, where it is another.")
]
BudgetOption = Annotated[
    Decimal | None,
    typer.Option(parser=_usd, metavar="USD", help="What the run may cost in all; needed for a paid endpoint."),
]
UnpricedOption = Annotated[
    bool, typer.Option("--unpriced", help="Go on where the price book knows no price; no cap can be kept.")
]
PricesOption = Annotated[
    Path | None, typer.Option("--prices-dir", envvar="VIVA_PRICES_DIR", help="More prices, as YAML files.")
]
KeepOption = Annotated[
    bool, typer.Option("--keep-audio/--no-keep-audio", help="Keep spoken answers beside the run, or only their hashes.")
]


ManifestOption = Annotated[
    Path | None, typer.Option(help="Manifest of the run's recordings: a run does not say where they lie.")
]


RunsOption = Annotated[
    Path | None,
    typer.Option(
        envvar="VIVA_RUNS_DIR",
        show_envvar=True,
        help="Where runs are kept, and the pages look for them [default: exam-runs in the data folder].",
    ),
]
DataOption = Annotated[Path | None, typer.Option(envvar="VIVA_DATA_DIR", hidden=True)]


@exam_app.command("list")
def exam_list() -> None:
    """Every exam: what it asks, what it is ranked by, and how many items it has."""
    from vivavoce.exam.console import list_tasks

    list_tasks()


@exam_app.command("run")
def exam_run(
    tasks: Annotated[list[str] | None, typer.Argument(help="Names of `viva exam list`; none: all.")] = None,
    base_url: Annotated[
        str, typer.Option(help="Any OpenAI-compatible endpoint, with its /v1.")
    ] = "http://127.0.0.1:8080/v1",
    api_key: KeyOption = "none",
    model: Annotated[str, typer.Option(help="Model that answers.")] = "gpt-4o-mini-audio-preview",
    transcriber: Annotated[str, typer.Option(help="Model that transcribes.")] = "gpt-4o-mini-transcribe",
    voice: Annotated[str, typer.Option(help="Voice of spoken answers.")] = "alloy",
    items: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|EXAM=N",
            help="Items of each exam, or of one; 0: all; repeatable [default: 40].",
            show_default=False,
        ),
    ] = None,
    month: Annotated[
        str, typer.Option(help="Rotation of items, as 2026-11 [default: this month].", show_default=False)
    ] = "",
    seed: Annotated[int, typer.Option(help="Rotation of items too: another seed, other items.")] = 0,
    speech_url: Annotated[
        str, typer.Option(help="A base URL whose /audio/speech speaks items too, beside the program espeak-ng.")
    ] = "",
    speech_key: SpeechKeyOption = "",
    item_voice: Annotated[
        list[str] | None, typer.Option(help="Voices of spoken items: espeak-ng:en-us+m3, speech:alloy; repeatable.")
    ] = None,
    rehear_url: Annotated[
        str, typer.Option(help="A base URL that hears spoken answers again [default: the endpoint itself].")
    ] = "",
    rehear_key: RehearKeyOption = "",
    manifest: Annotated[Path | None, typer.Option(help="Recordings of people, one JSON object per line.")] = None,
    label: Annotated[str, typer.Option(help="What reports call it [default: the model's name].")] = "",
    preview: Annotated[
        bool | None,
        typer.Option("--preview/--no-preview", help="Badged, and outside averages [default: by its name]."),
    ] = None,
    sound_out: Annotated[
        bool, typer.Option("--sound-out", help="Ask for sound in answers to typed questions too, where it is demanded.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Questions at a time.")] = 1,
    budget: BudgetOption = None,
    unpriced: UnpricedOption = False,
    prices_dir: PricesOption = None,
    keep_audio: KeepOption = True,
    note: Annotated[str, typer.Option(help="A sentence kept in the run: hardware, profile, what was changed.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The run's file [default: one in the folder of runs].")
    ] = None,
    runs_dir: RunsOption = None,
    data_dir: DataOption = None,
) -> None:
    """Put the exams to an endpoint. Exits 1 where not all could be asked; what was asked is kept."""
    from vivavoce.exam import console
    from vivavoce.exam.items import Rotation

    plan = console.Plan(
        base_url=base_url,
        model=model,
        tasks=tasks or [],
        amounts=_amounts(items or []),
        rotation=Rotation(month or console.this_month(), seed),
        transcriber=transcriber,
        rehear_url=rehear_url,
        speech_url=speech_url,
        voices=item_voice or [],
        voice=voice,
        manifest=manifest,
        label=label,
        preview=preview,
        sound_out=sound_out,
        note=note,
    )
    keys = console.Keys(api_key, rehear_key, speech_key)
    money = console.Money(budget, unpriced, prices_dir)
    folder = runs_dir or console.runs_folder(data_dir)
    if not console.run(plan, keys, money, out=out, folder=folder, concurrency=concurrency, keep_audio=keep_audio):
        raise typer.Exit(1)


@exam_app.command("resume")
def exam_resume(
    run: Annotated[Path, typer.Argument(help="The file of a run.")],
    api_key: KeyOption = "none",
    rehear_key: RehearKeyOption = "",
    speech_key: SpeechKeyOption = "",
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Questions at a time [default: as before].")
    ] = None,
    budget: BudgetOption = None,
    unpriced: UnpricedOption = False,
    prices_dir: PricesOption = None,
    keep_audio: KeepOption = True,
    manifest: ManifestOption = None,
) -> None:
    """Go on with a run that was ended or killed: what was not asked yet, and what got no answer."""
    from vivavoce.exam import console

    keys = console.Keys(api_key, rehear_key, speech_key)
    money = console.Money(budget, unpriced, prices_dir)
    if not console.resume(run, keys, money, concurrency=concurrency, keep_audio=keep_audio, manifest=manifest):
        raise typer.Exit(1)


@exam_app.command("compare")
def exam_compare(
    runs: Annotated[list[Path], typer.Argument(help="Files of runs, of one model or of several.")],
    html: Annotated[Path | None, typer.Option(help="A folder for pages about these runs, for a browser.")] = None,
    sound: Annotated[
        bool,
        typer.Option("--sound/--no-sound", help="Copy questions and answers beside the pages, to be played."),
    ] = True,
    manifest: ManifestOption = None,
) -> None:
    """Runs side by side: ranks as far as the intervals tell, and whether a model has changed since its first run."""
    from vivavoce.exam.console import compare

    compare(runs)
    if html is None:
        return
    from vivavoce.web.export import write_pages
    from vivavoce.web.sources import Sources

    write_pages(Sources.of_runs(runs, sound=sound, manifest=manifest), html)


@exam_app.command("export")
def exam_export(
    run: Annotated[Path, typer.Argument(help="The file of a run.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help=".csv: every try; .json: every figure; .jsonl: a run to publish.")
    ],
) -> None:
    """A run for other programs, or to publish: a .jsonl leaves out what is said in recordings of people."""
    from vivavoce.exam.console import export

    export(run, out)
