"""Every puzzle's key, worked out again from its words alone by another program than the one that made it."""

from __future__ import annotations

import re
from collections import Counter
from itertools import permutations

from vivavoce.exam.puzzles import DIRECTIONS, KINDS, PER_KIND, WEEKDAYS, Puzzle, blind_guess, puzzles


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def change(puzzle: Puzzle) -> int:
    found = numbers(puzzle.text)
    # Both wordings name the note last.
    return found[2] - found[0] * found[1]


def weekday(puzzle: Puzzle) -> str:
    [today] = re.findall("|".join(WEEKDAYS), puzzle.text)
    day = WEEKDAYS.index(today)
    for _ in range(numbers(puzzle.text)[0]):
        day = 0 if day == 6 else day + 1
    return WEEKDAYS[day]


def order(puzzle: Puzzle) -> str:
    """By trying every order of the people: exactly one must fit."""
    told = re.findall(r"(\w+) is (taller|smaller) than (\w+)", puzzle.text)
    people = {name for left, _, right in told for name in (left, right)}
    fitting = [
        line
        for line in permutations(people)
        if all((line.index(a) < line.index(b)) == (how == "taller") for a, how, b in told)
    ]
    assert len(fitting) == 1
    return fitting[0][0] if "tallest" in puzzle.text else fitting[0][-1]


def sequence(puzzle: Puzzle) -> int:
    a, b, c, d = numbers(puzzle.text)
    return d + (d - c) if b - a == c - b == d - c else d * b // a


def hours(puzzle: Puzzle) -> int:
    evening, morning = numbers(puzzle.text)
    return sum(1 for _ in range(evening, 12 + morning))


def direction(puzzle: Puzzle) -> str:
    """By a vector that is turned."""
    points = {"north": (0, 1), "east": (1, 0), "south": (0, -1), "west": (-1, 0)}
    [facing] = re.findall("|".join(DIRECTIONS), puzzle.text)
    x, y = points[facing]
    for turn in re.findall("left|right", puzzle.text):
        x, y = (-y, x) if turn == "left" else (y, -x)
    return next(name for name, point in points.items() if point == (x, y))


def alphabet(puzzle: Puzzle) -> str:
    [listed] = re.findall(r": ([\w, ]+?)[?.]", puzzle.text)
    ranked = sorted(listed.split(", "))
    return ranked[0] if re.search(r"\bfirst\b", puzzle.text) else ranked[-1]


def sets(puzzle: Puzzle) -> int:
    total, one, other, both = numbers(puzzle.text)
    return len(set(range(total)) - set(range(one)) - set(range(one - both, one - both + other)))


def ages(puzzle: Puzzle) -> int:
    if puzzle.text.startswith("If") or re.match(r"\w+ is \d+ years old", puzzle.text):
        young, times, years = numbers(puzzle.text)
    else:
        times, young, years = numbers(puzzle.text)
    return young * times + years


SOLVERS = {
    "change": change,
    "weekday": weekday,
    "order": order,
    "sequence": sequence,
    "hours": hours,
    "direction": direction,
    "alphabet": alphabet,
    "sets": sets,
    "ages": ages,
}


def test_every_key_is_worked_out_again_from_the_words() -> None:
    assert SOLVERS.keys() == KINDS.keys()
    wrong = [(puzzle, SOLVERS[puzzle.kind](puzzle)) for puzzle in puzzles()]
    assert [(puzzle, key) for puzzle, key in wrong if puzzle.key != key] == []


def test_there_are_enough_of_each_kind_and_no_two_are_the_same() -> None:
    counted = Counter(puzzle.kind for puzzle in puzzles())
    assert len(counted) >= 6
    assert set(counted.values()) == {PER_KIND}
    assert len({puzzle.text for puzzle in puzzles()}) == len(puzzles()) >= 300


def test_keys_cannot_be_guessed_from_their_place() -> None:
    named = [puzzle for puzzle in puzzles() if puzzle.kind in ("order", "alphabet")]
    last = sum(re.findall("|".join(p.options), p.text)[-1] == p.key for p in named)
    assert last < 0.6 * len(named)


def test_a_key_is_one_of_its_options() -> None:
    assert all(puzzle.key in puzzle.options for puzzle in puzzles() if puzzle.options)


def test_no_guess_that_is_always_the_same_gets_far() -> None:
    for kind in KINDS:
        guesses = Counter(blind_guess(each.text, each.key, each.options) for each in puzzles() if each.kind == kind)
        assert max(guesses.values()) <= PER_KIND / 4, (kind, guesses)
