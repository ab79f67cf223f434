"""What a scenario costs at each model of the book, in US dollars; None where a price is not known, never 0.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from vivavoce.prices.audio_tokens import audio_tokens
from vivavoce.prices.book import PriceBook
from vivavoce.prices.scenarios import SCENARIOS, Scenario
from vivavoce.usage import Usage

GRAIN = Decimal("1e-12")
"""Dollars are told to this, as the ledger keeps them: prices by the hour are no round number by the second."""


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """By the key of the scenario; None: not known, or the model does not do it."""

    model: str
    vendor: str
    usd: Mapping[str, Decimal | None]


def cost(book: PriceBook, model: str, scenario: Scenario, on: date) -> Decimal | None:
    """US dollars by the prices of a day. None where one that it takes is missing, and where `model` can't do it.

    What makes a model one that hears or speaks is a price for it.
    """
    rates = book.rates(model, on)
    counted = audio_tokens(model)
    if scenario.heard_s and not {"input_audio_tokens", "input_seconds"} & rates.keys():
        return None
    if scenario.spoken_s and ("output_audio_tokens" not in rates or counted.output_per_s is None):
        return None
    usage = Usage(
        input_text_tokens=scenario.input_text_tokens,
        input_audio_tokens=int(scenario.heard_s * counted.input_per_s),
        output_text_tokens=scenario.output_text_tokens,
        output_audio_tokens=int(scenario.spoken_s * (counted.output_per_s or 0)),
    )
    usd = book.price(usage, model, on, seconds=scenario.heard_s)
    return None if usd is None else usd.quantize(GRAIN).normalize()


def costs(book: PriceBook, model: str, on: date, scenarios: Sequence[Scenario] = SCENARIOS) -> ModelCosts:
    """Of one model. All None where the book does not know it."""
    rows = book.history(model)
    vendor = rows[-1].vendor if rows else ""
    return ModelCosts(model, vendor, {scenario.key: cost(book, model, scenario, on) for scenario in scenarios})


def cost_table(
    book: PriceBook, on: date, by: Scenario = SCENARIOS[0], scenarios: Sequence[Scenario] = SCENARIOS
) -> list[ModelCosts]:
    """Every model of the book that has a price on a day and can do one of `scenarios`, the cheapest `by` one first.

    Those for which it is not known come last, and are in the order of the other scenarios.
    """
    order = [by.key, *(scenario.key for scenario in scenarios if scenario is not by)]

    def place(each: ModelCosts) -> tuple[object, ...]:
        found = [each.usd[key] for key in order]
        return (*((usd is None, usd or Decimal(0)) for usd in found), each.model)

    table = [costs(book, model, on, scenarios) for model in book.models]
    return sorted((each for each in table if any(usd is not None for usd in each.usd.values())), key=place)
