"""Regular expressions as grammar rules that never have two ways to go on.

A pattern from outside can make a matcher that follows every way at once arbitrarily slow. Here it is turned into a
deterministic automaton first (Brzozowski, "Derivatives of Regular Expressions", 1964), one rule per state; a pattern
that would need too many states is refused. Knows no JSON schema and no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

MOST_WORK = 60_000
"""For one grammar, its automata and its alternatives; about a quarter of a second."""
LAST_CHARACTER = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""Characters as inclusive ranges of code points."""


class TooComplexError(Exception):
    """The automaton would be larger than allowed."""


class Budget:
    """Work that may still be done, in parts of expressions and schemas looked at."""

    def __init__(self, work: int = MOST_WORK) -> None:
        self._left = work

    def spend(self, work: int) -> None:
        """Raises `TooComplexError`."""
        self._left -= work
        if self._left < 0:
            raise TooComplexError


class Chars(NamedTuple):
    ranges: Ranges


class Chain(NamedTuple):
    parts: tuple[Node, ...]


class Either(NamedTuple):
    options: frozenset[Node]


class Repeat(NamedTuple):
    part: Node
    least: int
    most: int | None


Node = Chars | Chain | Either | Repeat

EMPTY_TEXT = Chain(())
NOTHING = Either(frozenset())


def chain(parts: Iterable[Node]) -> Node:
    flat: list[Node] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        flat.extend(part.parts if isinstance(part, Chain) else (part,))
    return flat[0] if len(flat) == 1 else Chain(tuple(flat))


def either(options: Iterable[Node]) -> Node:
    flat: set[Node] = set()
    for option in options:
        flat |= option.options if isinstance(option, Either) else {option}
    return next(iter(flat)) if len(flat) == 1 else Either(frozenset(flat))


def repeat(part: Node, least: int, most: int | None) -> Node:
    if most == 0 or part == EMPTY_TEXT:
        return EMPTY_TEXT
    if part == NOTHING:
        return NOTHING if least else EMPTY_TEXT
    return part if (least, most) == (1, 1) else Repeat(part, least, most)


def literal(text: str) -> Node:
    return chain(Chars(((ord(character), ord(character)),)) for character in text)


def _may_be_empty(node: Node) -> bool:
    match node:
        case Chars():
            return False
        case Chain():
            return all(_may_be_empty(part) for part in node.parts)
        case Either():
            return any(_may_be_empty(option) for option in node.options)
        case Repeat():
            return node.least == 0 or _may_be_empty(node.part)


def _parts(node: Node) -> int:
    match node:
        case Chars():
            return 1
        case Chain():
            return 1 + sum(_parts(part) for part in node.parts)
        case Either():
            return 1 + sum(_parts(option) for option in node.options)
        case Repeat():
            return 1 + _parts(node.part)


def _starts(node: Node) -> set[tuple[int, int]]:
    """The ranges that a text of `node` may begin with."""
    match node:
        case Chars():
            return set(node.ranges)
        case Either():
            return {found for option in node.options for found in _starts(option)}
        case Repeat():
            return _starts(node.part)
        case Chain():
            found: set[tuple[int, int]] = set()
            for part in node.parts:
                found |= _starts(part)
                if not _may_be_empty(part):
                    break
            return found


def _after(node: Node, character: int) -> Node:
    """What may follow `character` at the start of `node`: its derivative."""
    match node:
        case Chars():
            return EMPTY_TEXT if any(low <= character <= high for low, high in node.ranges) else NOTHING
        case Either():
            return either(_after(option, character) for option in node.options)
        case Repeat():
            rest = repeat(node.part, max(0, node.least - 1), None if node.most is None else node.most - 1)
            return chain((_after(node.part, character), rest))
        case Chain():
            ways: list[Node] = []
            for index, part in enumerate(node.parts):
                ways.append(chain((_after(part, character), *node.parts[index + 1 :])))
                if not _may_be_empty(part):
                    break
            return either(ways)


def _steps(node: Node, budget: Budget) -> dict[Node, list[tuple[int, int]]]:
    """Where each next character leads, the ranges gathered by what comes after."""
    starts = _starts(node)
    budget.spend(_parts(node) * (2 * len(starts) + 1))
    borders = sorted({low for low, _ in starts} | {high + 1 for _, high in starts})
    steps: dict[Node, list[tuple[int, int]]] = {}
    for low, beyond in pairwise(borders):
        if (rest := _after(node, low)) != NOTHING:
            steps.setdefault(rest, []).append((low, beyond - 1))
    return steps


def write_rules(
    node: Node,
    new_rule: Callable[[], str],
    rules: dict[str, str],
    spell: Callable[[Ranges], str | None],
    budget: Budget,
) -> str:
    """Write `node` into `rules`, one per state, and return the first one's name. `spell` turns characters into a term
    of the grammar, None where they have none. Raises `TooComplexError`."""
    names: dict[Node, str] = {node: new_rule()}
    pending = [node]
    while pending:
        here = pending.pop()
        ways: list[str] = []
        for rest, ranges in _steps(here, budget).items():
            if (term := spell(tuple(ranges))) is None:
                continue
            if rest not in names:
                names[rest] = new_rule()
                pending.append(rest)
            ways.append(f"{term} {names[rest]}")
        if _may_be_empty(here):
            ways.append('""')
        if not ways:
            raise TooComplexError  # only characters that cannot be written
        rules[names[here]] = " | ".join(ways)
    return names[node]
