"""Puzzles for the ear, generated from checked templates: nine kinds, forty each, every key computed with its puzzle.

The words are in `exams/spoken-reasoning.toml`; here numbers are drawn and keys are worked out. Knows no sound.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import ceil
from random import Random
from typing import Any

PER_KIND = 40

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DIRECTIONS = ("north", "east", "south", "west")

Drawn = tuple[dict[str, str | int], str | int, tuple[str, ...]]
"""Fields of the template, the key, and the words that could be the key (none where it is a number)."""


@dataclass(frozen=True, slots=True)
class Puzzle:
    """`key`: a whole number, or one of `options`."""

    kind: str
    text: str
    key: str | int
    options: tuple[str, ...]


@cache
def puzzles() -> tuple[Puzzle, ...]:
    """All of them, always the same, no text twice. Each kind has about as many of each `blind_guess` that is right."""
    words = _words()
    made: dict[str, Puzzle] = {}
    for kind, draw in KINDS.items():
        random = Random(kind)
        texts: list[str] = words["templates"][kind]
        guessed: Counter[str | int] = Counter()
        while guessed.total() < PER_KIND:
            fields, key, options = draw(random, words)
            text = texts[guessed.total() % len(texts)].format(**fields)
            guess = blind_guess(text, key, options)
            if text not in made and guessed[guess] < ceil(PER_KIND / (len(options) or 1)):
                made[text] = Puzzle(kind, text, key, options)
                guessed[guess] += 1
    return tuple(made.values())


def blind_guess(text: str, key: str | int, options: Sequence[str]) -> str | int:
    """What somebody who solves nothing would always have to say to be right here: the word that is named first, second
    …, where all that could be right are named; else the key itself."""
    named = sorted((option for option in options if option in text), key=text.find)
    return named.index(str(key)) if named and len(named) == len(options) else key


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files("vivavoce.exams").joinpath("spoken-reasoning.toml").read_text(encoding="utf-8"))


def _names(random: Random, words: Mapping[str, Any], count: int) -> list[str]:
    return random.sample(list(words["names"]), count)


def _change(random: Random, words: Mapping[str, Any]) -> Drawn:
    count, price = random.randint(2, 6), random.randint(2, 9)
    note = next(note for note in (20, 50, 100) if note > count * price)
    fields: dict[str, str | int] = {"count": count, "price": price, "note": note}
    fields |= {"name": _names(random, words, 1)[0], "thing": random.choice(list(words["things"]))}
    return fields, note - count * price, ()


def _weekday(random: Random, words: Mapping[str, Any]) -> Drawn:
    today, days = random.randrange(7), random.randint(3, 20)
    return {"today": WEEKDAYS[today], "days": days}, WEEKDAYS[(today + days) % 7], WEEKDAYS


def _order(random: Random, words: Mapping[str, Any]) -> Drawn:
    """Four people from the tallest to the smallest; each pair of neighbours is told, in a shuffled order."""
    people = _names(random, words, 4)
    told = [
        f"{above} is taller than {below}" if random.random() < 0.5 else f"{below} is smaller than {above}"
        for above, below in pairwise(people)
    ]
    random.shuffle(told)
    tallest = random.random() < 0.5
    fields: dict[str, str | int] = {"told": ". ".join(told), "end": "tallest" if tallest else "smallest"}
    return fields, people[0] if tallest else people[-1], tuple(people)


def _sequence(random: Random, words: Mapping[str, Any]) -> Drawn:
    """By a step that is added, or by doubling."""
    start, step = random.randint(2, 20), random.randint(2, 9)
    doubling = random.random() < 0.4
    terms = [start * 2**n if doubling else start + step * n for n in range(5)]
    return {"terms": ", ".join(str(term) for term in terms[:4])}, terms[4], ()


def _hours(random: Random, words: Mapping[str, Any]) -> Drawn:
    evening, morning = random.randint(7, 11), random.randint(4, 10)
    return {"evening": evening, "morning": morning, "name": _names(random, words, 1)[0]}, 12 - evening + morning, ()


def _direction(random: Random, words: Mapping[str, Any]) -> Drawn:
    facing = random.randrange(4)
    turns = [random.choice(("left", "right")) for _ in range(random.randint(2, 4))]
    end = (facing + sum(1 if turn == "right" else -1 for turn in turns)) % 4
    said = ", then ".join(f"turn {turn}" for turn in turns)
    return {"facing": DIRECTIONS[facing], "turns": said}, DIRECTIONS[end], DIRECTIONS


def _alphabet(random: Random, words: Mapping[str, Any]) -> Drawn:
    chosen = random.sample(list(words["spelled"]), 4)
    first = random.random() < 0.5
    key = min(chosen) if first else max(chosen)
    return {"words": ", ".join(chosen), "end": "first" if first else "last"}, key, tuple(chosen)


def _sets(random: Random, words: Mapping[str, Any]) -> Drawn:
    both, one, other, neither = (random.randint(2, 9) for _ in range(4))
    total = both + one + other + neither
    return {"total": total, "one": one + both, "other": other + both, "both": both}, neither, ()


def _ages(random: Random, words: Mapping[str, Any]) -> Drawn:
    young, times = random.randint(3, 12), random.randint(2, 4)
    older, younger = _names(random, words, 2)
    years = random.randint(2, 9)
    fields: dict[str, str | int] = {"older": older, "younger": younger, "young": young, "times": times, "years": years}
    return fields, young * times + years, ()


KINDS: Mapping[str, Callable[[Random, Mapping[str, Any]], Drawn]] = {
    "change": _change,
    "weekday": _weekday,
    "order": _order,
    "sequence": _sequence,
    "hours": _hours,
    "direction": _direction,
    "alphabet": _alphabet,
    "sets": _sets,
    "ages": _ages,
}
