"""What a conversation, an hour heard and a call cost, on a terminal: at each model of the book and on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from vivavoce.accounting.keys_console import opened
from vivavoce.errors import NotFound
from vivavoce.prices.book import load_book
from vivavoce.prices.costs import ModelCosts, cost_table, costs
from vivavoce.prices.own import HOUR_S, LEAST_TURNS, Pace, Turn, own_cost, pace_of
from vivavoce.prices.scenarios import CALL, CALL_S, CONVERSATION, SCENARIOS, Scenario
from vivavoce.prices.telling import usd_told

OWN = "this machine"


@dataclass(frozen=True, slots=True)
class Own:
    """This machine: its pace by measured turns, and what an hour of it costs; None where nobody knows."""

    pace: Pace | None
    usd_per_hour: Decimal | None

    def cost(self, scenario: Scenario) -> Decimal | None:
        return own_cost(self.pace, self.usd_per_hour, scenario)

    def machine_s(self, scenario: Scenario) -> float | None:
        return None if self.pace is None else self.pace.machine_s(scenario)


def show_costs(
    extra: Path | None,
    folder: Path,
    model: str | None,
    on: date,
    *,
    by: str,
    turns: Sequence[Turn] | None,
    cost_per_hour: Decimal | None,
    as_json: bool,
) -> None:
    """Print a line per model, the cheapest `by` the scenario of that key first, and one for this machine.

    turns: as measured; None: those of the ledger in `folder`. Raises `NotFound` for a model without prices.
    """
    book = load_book(extra)
    if model is None:
        table = cost_table(book, on, next(scenario for scenario in SCENARIOS if scenario.key == by))
    else:
        if not book.rates(model, on):
            raise NotFound(f"The book has no price for '{model}' on {on}.", param="model")
        table = [costs(book, model, on)]
    own = Own(pace_of(_ledger_turns(folder) if turns is None else turns), cost_per_hour)
    if as_json:
        sys.stdout.write(json.dumps(_told(table, own, on), indent=1) + "\n")
        return
    _show(table, own, by)


def _ledger_turns(folder: Path) -> list[Turn]:
    with opened(folder) as ledger:
        return [Turn(*turn) for turn in ledger.usage.measured_turns()]


def _show(table: Sequence[ModelCosts], own: Own, by: str) -> None:
    shown = Table(box=None, header_style="bold")
    shown.add_column("US dollars", no_wrap=True)
    shown.add_column("")
    for scenario in SCENARIOS:
        shown.add_column(scenario.title, justify="right", header_style="bold")
    lines = [([each.model, each.vendor, *map(_cell, each.usd.values())], "") for each in table]
    mine = own.cost(next(scenario for scenario in SCENARIOS if scenario.key == by))
    known = [usd for each in table if (usd := each.usd[by]) is not None]
    place = len(lines) if mine is None else sum(usd < mine for usd in known)
    lines.insert(place, ([OWN, "", *(_own_cell(own, scenario) for scenario in SCENARIOS)], "bold"))
    for cells, style in lines:
        shown.add_row(*cells, style=style)
    console = Console()
    console.print(shown)
    for note in _notes(own):
        console.print(f"[dim]{note}[/]", highlight=False)


def _cell(usd: Decimal | None) -> str:
    return "–" if usd is None else usd_told(usd)


def _own_cell(own: Own, scenario: Scenario) -> str:
    """Dollars, or the time that they would be of."""
    usd, machine_s = own.cost(scenario), own.machine_s(scenario)
    if usd is not None or machine_s is None:
        return _cell(usd)
    return f"{machine_s:.1f} s"


def _notes(own: Own) -> list[str]:
    notes = [
        f"conversation: {_sides(CONVERSATION)}: {CONVERSATION.tokens} tokens by our rule, as OpenAI counts",
        f"call: {_sides(CALL)}, and nobody for {CALL_S - CALL.heard_s - CALL.spoken_s} s; hour: only what is heard",
        "each second counts once: where the past is sent again with every turn, it is paid for again",
        "–: no price for a part of it, or the model does not do it",
    ]
    pace = own.pace
    if pace is None:
        return [
            *notes,
            f"{OWN}: not measured. The ledger needs {LEAST_TURNS} turns, or give a report of `viva bench speed --out`: "
            "--speed FILE",
        ]
    parts = [f"{pace.turn_s:.2f} s a turn"]
    parts += [f"{pace.heard_s:.3f} s a second heard"] if pace.heard_s is not None else []
    parts += [f"{pace.spoken_s:.3f} s a second spoken"] if pace.spoken_s is not None else []
    told = f"{OWN}: busy for {', '.join(parts)} ({pace.n} turns, half of them within {pace.error:.0%})"
    if own.usd_per_hour is None:
        notes.append(f"{told}; VIVA_COST_PER_HOUR says what that costs")
    else:
        whole = own.usd_per_hour * CALL_S / HOUR_S
        notes.append(
            f"{told}, at {usd_told(own.usd_per_hour)} an hour; idle time is nobody's: "
            f"a machine that does nothing else costs {usd_told(whole)} in five minutes"
        )
    if pace.longest_heard_s < float(HOUR_S):
        notes.append(
            f"{OWN}: no recording was longer than {pace.longest_heard_s:.0f} s; the hour is reckoned from them"
        )
    return notes


def _sides(scenario: Scenario) -> str:
    """Who speaks for how long, and the text beside it."""
    return (
        f"{scenario.turns} turns, the caller speaks for {scenario.heard_s} s, the model for {scenario.spoken_s} s; "
        f"{scenario.input_text_tokens} tokens of text in, {scenario.output_text_tokens} out"
    )


def _told(table: Sequence[ModelCosts], own: Own, on: date) -> dict[str, Any]:
    """As JSON, money as text."""
    pace = own.pace
    return {
        "on": on.isoformat(),
        "scenarios": [
            {
                "key": scenario.key,
                "title": scenario.title,
                "turns": scenario.turns,
                "heard_s": float(scenario.heard_s),
                "spoken_s": float(scenario.spoken_s),
                "input_text_tokens": scenario.input_text_tokens,
                "output_text_tokens": scenario.output_text_tokens,
            }
            for scenario in SCENARIOS
        ],
        "models": [
            {"model": each.model, "vendor": each.vendor, "usd": {key: _exact(usd) for key, usd in each.usd.items()}}
            for each in table
        ],
        "own": {
            "usd_per_hour": _exact(own.usd_per_hour),
            "usd": {scenario.key: _exact(own.cost(scenario)) for scenario in SCENARIOS},
            "machine_s": {scenario.key: own.machine_s(scenario) for scenario in SCENARIOS},
            "turns": pace.n if pace else 0,
            "error": pace.error if pace else None,
        },
    }


def _exact(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"
