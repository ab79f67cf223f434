"""What a model costs: scenarios by the price book, or by the time of one's own machine. Unknown is None, never 0."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from vivavoce.board.subjects import Subject
from vivavoce.prices.audio_tokens import audio_tokens
from vivavoce.prices.book import PriceBook, PriceRow
from vivavoce.prices.costs import cost, costs
from vivavoce.prices.history import History, Source, histories, sources
from vivavoce.prices.own import Pace, own_cost
from vivavoce.prices.scenarios import CALL, CONVERSATION, HOUR_HEARD, SCENARIOS

CHAT_UNITS = ("input_text_tokens", "output_text_tokens", "input_audio_tokens", "output_audio_tokens")
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
MOST_LINES = 6
"""More lines in one drawing cannot be told apart."""


@dataclass(frozen=True, slots=True)
class OwnMachine:
    """usd_per_hour: what an hour of this machine costs, where somebody said so; pace: by measured turns."""

    usd_per_hour: Decimal | None = None
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """US dollars; see `prices.scenarios` for what each is."""

    conversation: Decimal | None = None
    hour_heard: Decimal | None = None
    call: Decimal | None = None

    @property
    def known(self) -> bool:
        return any(usd is not None for usd in (self.conversation, self.hour_heard, self.call))


@dataclass(frozen=True, slots=True)
class Priced:
    """One model on the page of prices. rates: those in force; slug: of its own page."""

    name: str
    slug: str
    vendor: str
    rates: Mapping[str, PriceRow]
    money: Money
    input_per_s: int
    output_per_s: int | None


@dataclass(frozen=True, slots=True)
class PriceHistory:
    histories: Sequence[History] = field(default_factory=list[History])
    sources: Sequence[Source] = field(default_factory=list[Source])


def money_of(subject: Subject, book: PriceBook, own: OwnMachine, today: date) -> Money:
    if subject.near:
        found = {each.key: own_cost(own.pace, own.usd_per_hour, each) for each in SCENARIOS}
    else:
        found = {each.key: cost(book, subject.model, each, today) for each in SCENARIOS}
    return Money(found[CONVERSATION.key], found[HOUR_HEARD.key], found[CALL.key])


def history_of(subject: Subject, book: PriceBook) -> PriceHistory:
    found = histories(book, subject.model) if subject.model else []
    return PriceHistory(found, sources(found))


def price_list(subjects: Sequence[Subject], book: PriceBook, today: date) -> list[Priced]:
    """Every model with a price in force, the cheapest conversation first; those that cannot have one by the hour that
    they hear, and the rest by name."""
    slugs: dict[str, str] = {}
    for each in subjects:
        for name in (each.model, *(each.facts.aliases if each.facts is not None and each.model else ())):
            slugs.setdefault(name, each.slug)
    found = [_priced(name, slugs, book, today) for name in book.models if book.rates(name, today)]

    def place(each: Priced) -> tuple[object, ...]:
        told = (each.money.conversation, each.money.hour_heard)
        return (*((usd is None, usd or Decimal(0)) for usd in told), each.name)

    return sorted(found, key=place)


def _priced(name: str, slugs: Mapping[str, str], book: PriceBook, today: date) -> Priced:
    found = costs(book, name, today)
    counted = audio_tokens(name)
    return Priced(
        name=name,
        slug=slugs.get(name, ""),
        vendor=found.vendor,
        rates=book.rates(name, today),
        money=Money(*(found.usd[each.key] for each in (CONVERSATION, HOUR_HEARD, CALL))),
        input_per_s=counted.input_per_s,
        output_per_s=counted.output_per_s,
    )


def compared(book: PriceBook) -> list[str]:
    """The models whose prices are drawn together: those that hear and speak, most steps and longest known first."""
    found: dict[str, tuple[int, date]] = {}
    for name in book.models:
        if DATED.search(name):  # a snapshot costs what its undated name costs, or did
            continue
        steps = {each.unit: each.steps for each in histories(book, name)}
        if {"input_audio_tokens", "output_audio_tokens"} <= steps.keys():
            every = [step for each in steps.values() for step in each]
            found[name] = -len(every), min(step.since for step in every)
    return sorted(found, key=lambda name: (found[name], name))[:MOST_LINES]
