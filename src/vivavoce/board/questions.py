"""Questions that people ask of a model, with answers made from its facts, its prices and its exams: never from nothing.

An answer that nothing here can give says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from vivavoce.board.model_page import ModelView
from vivavoce.board.money import Money
from vivavoce.board.telling import day, estimate, interval, n, plural, seconds, usd


@dataclass(frozen=True, slots=True)
class Question:
    asked: str
    answer: str


def questions(view: ModelView, money: Money, today: date) -> list[Question]:
    made: Sequence[tuple[str, Callable[[], str]]] = (
        ("Is it still available?", lambda: _available(view, today)),
        ("What does an hour of listening cost?", lambda: _hour(view, money)),
        ("How is its audio counted?", lambda: _counted(view)),
        ("How well does it hear?", lambda: _hears(view)),
        ("Does it lose anything when a question is spoken?", lambda: _drop(view)),
        ("How soon does it answer?", lambda: _soon(view)),
        ("Who hears what I say to it?", lambda: _who(view)),
        ("How far can these figures be trusted?", lambda: _trust(view)),
    )
    return [Question(asked, answer()) for asked, answer in made]


def _available(view: ModelView, today: date) -> str:
    facts = view.subject.facts
    if view.subject.near:
        return "For as long as somebody runs it: nobody else can switch it off."
    if facts is None:
        return "We have no word of its maker on that. What probes of it found, if there are any, stands on this page."
    after = f" {facts.maker} names {facts.successor} in its place." if facts.successor else ""
    if facts.shut_down is None:
        return f"No end of it was announced when we last looked, on {day(facts.reviewed)}.{after}"
    if facts.shut_down <= today:
        ours = " Viva Voce answers to its name, by other weights, on your own machine." if facts.preview else ""
        return f"No. {facts.maker} switched it off on {day(facts.shut_down)}.{after}{ours}"
    left = plural((facts.shut_down - today).days, "day")
    return f"Yes, until {day(facts.shut_down)}, {left} from now: its end is announced.{after}"


def _hour(view: ModelView, money: Money) -> str:
    if view.subject.near and money.hour_heard is not None:
        return f"{usd(money.hour_heard)} of its machine's time, at what an hour of that is said to cost."
    if view.subject.near:
        return "Nothing but the machine it runs on, whatever that costs you (VIVA_COST_PER_HOUR, viva usage --compare)."
    if money.hour_heard is None:
        return "The price book does not know."
    call = f" A call of five minutes costs {usd(money.call)}." if money.call is not None else ""
    return f"{usd(money.hour_heard)} for the sound alone, by the price book as it stands today.{call}"


def _counted(view: ModelView) -> str:
    told = view.subject.facts.audio_counted if view.subject.facts is not None else ""
    return told or "Its maker does not say, or we missed it."


def _figure(view: ModelView, task: str, metric: str) -> str:
    """The figure with interval and n; empty where it was not stated."""
    figures = [figure for result in view.results if result.task == task for figure in result.row.standing.figures]
    for figure in figures:
        if figure.metric == metric and figure.estimate is not None:
            bounds = f" ({interval(figure)})" if interval(figure) else ""
            return f"{estimate(figure)} {figure.title}{bounds}, {n(figure)}"
    return ""


def _hears(view: ModelView) -> str:
    told = _figure(view, "transcription", "wer")
    return f"In our transcription exam: {told}." if told else "It was not examined in transcription yet."


def _drop(view: ModelView) -> str:
    told = _figure(view, "spoken-reasoning", "drop")
    if told:
        return f"In spoken reasoning, where each puzzle is put typed and spoken: {told}."
    return "Nothing can be said yet: too few puzzles were solved when typed, or none were put both ways."


def _soon(view: ModelView) -> str:
    parts: list[str] = []
    for pace in view.paces:
        worst = f"95 of 100 within {seconds(pace.delay.p95_s)}" if pace.delay.p95_s is not None else ""
        worst = worst or f"the slowest took {seconds(pace.delay.most_s)}"
        parts.append(f"{pace.what} after {seconds(pace.delay.p50_s)} in the middle, {worst} (n = {pace.delay.n})")
    return f"{'; '.join(parts)}.".capitalize() if parts else "There are no measurements yet."


def _who(view: ModelView) -> str:
    if view.subject.near:
        return "Nobody but the machine it runs on, as far as that machine's owner keeps it so."
    facts = view.subject.facts
    who = facts.maker if facts is not None and facts.maker else "Whoever runs the endpoint"
    return f"{who}: sound is sent to its servers."


def _trust(view: ModelView) -> str:
    if not view.subject.runs:
        return "There are none yet: nobody has examined it here."
    return (
        f"They come from {plural(len(view.subject.runs), 'run')} with {view.asked:,} questions put. Each has its n "
        "and, from five items on, a 95 % interval; each leads to the run it is from, where every answer can be read."
    )
