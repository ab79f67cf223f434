"""`viva prices`: what the originals cost, what that comes to, and whether another table says the same.

No logic of its own: each command calls one function of `accounting` and prints what it says.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
OnOption = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="Prices of another day [default: today].")
]

_SHOW = "show"


class _OrModel(TyperGroup):
    """What is no command is a model's name, or an option of `show`: `viva prices gpt-audio --history`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            args = [_SHOW, *args]
        return super().parse_args(ctx, args)


prices_app = typer.Typer(
    cls=_OrModel,
    help="The price book: what the originals cost, by text and audio, with the day and the source of every price.\n\n"
    "`viva prices [MODEL]` shows it and `viva prices --costs` what a conversation comes to (`viva prices show --help` "
    "has their options); `viva prices check` compares it with genai-prices.",
)


class By(StrEnum):
    """By the key of a scenario."""

    CONVERSATION = "conversation"
    HOUR = "hour"
    CALL = "call"


def _day(on: datetime | None) -> date:
    return on.date() if on else datetime.now(UTC).date()


@prices_app.command(_SHOW)
def show(
    model: Annotated[
        str | None, typer.Argument(help="One model; a dated name costs what its undated one does.")
    ] = None,
    on: OnOption = None,
    history: Annotated[bool, typer.Option("--history", help="Every row there is, not only those in force.")] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw the history of MODEL into this file, as step lines.")
    ] = None,
    costs: Annotated[
        bool,
        typer.Option(
            "--costs",
            help="What a typical conversation, an hour of audio in and a call of five minutes cost, of every model and "
            "on this machine (VIVA_COST_PER_HOUR).",
        ),
    ] = False,
    by: Annotated[By, typer.Option(help="With --costs: by which of them models are ordered, the cheapest first.")] = (
        By.CONVERSATION
    ),
    speed: Annotated[
        Path | None,
        typer.Option(
            "--speed",
            help="With --costs: measured turns for this machine's share, as `viva bench speed --out` writes them "
            "[default: those in the ledger].",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """The price book, one model of it, its history, or what things cost by it. The command where none is named."""
    from vivavoce.accounting.costs_console import show_costs
    from vivavoce.accounting.prices_console import draw_history, show_prices
    from vivavoce.settings import load_settings

    settings = load_settings()
    if costs and (history or svg is not None):
        raise typer.BadParameter("--costs are of one day: leave out --history and --svg.")
    if costs:
        turns = None
        if speed is not None:
            from vivavoce.bench.speed_figures import measured_turns
            from vivavoce.bench.speed_page import read_report

            turns = measured_turns(read_report(speed))
        show_costs(
            settings.prices_dir,
            settings.data_dir,
            model,
            _day(on),
            by=by,
            turns=turns,
            cost_per_hour=settings.cost_per_hour,
            as_json=as_json,
        )
    elif svg is not None:
        if model is None:
            raise typer.BadParameter("A drawing is of one model: viva prices MODEL --svg FILE.")
        draw_history(settings.prices_dir, model, _day(on), svg)
    else:
        show_prices(settings.prices_dir, model, _day(on), history=history, as_json=as_json)


@prices_app.command("check")
def check(
    on: OnOption = None,
    acknowledged: Annotated[
        Path | None,
        typer.Option(help="Differences whose reason is known [default: those that come along].", metavar="FILE"),
    ] = None,
    max_age: Annotated[
        int, typer.Option("--age", min=0, metavar="DAYS", help="Name prices not seen at their source for longer.")
    ] = 90,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the whole report, as JSON.")] = None,
) -> None:
    """Compare the book with genai-prices, as it is installed. Exits 1 at a difference that nobody has acknowledged.

    It changes nothing, in the book or elsewhere, and fetches nothing: `pip install -U genai-prices` before it brings
    newer prices. Old rows are named, and no failure.
    """
    from vivavoce.accounting.check_console import check_prices
    from vivavoce.settings import load_settings

    if not check_prices(load_settings().prices_dir, _day(on), acknowledged, max_age, out):
        raise typer.Exit(1)
