"""The ways a value of a schema may look, and whether they can be told apart early: a grammar that must follow several
ways for long can be made to hang. Knows no grammar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from vivavoce.think.automaton import Budget
from vivavoce.think.schema_errors import UnsupportedSchema


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways a value may look. `kind`: its JSON type. `key`: the first member's name, and its possible values
    if few, of an object that always has it."""

    kind: str
    write: Callable[[], str]
    key: tuple[str, frozenset[str] | None] | None = None


def check_told_apart(ways: Sequence[Way], path: str, budget: Budget) -> None:
    """Raises `UnsupportedSchema`, `TooComplexError`."""
    if sum(way.kind == "array" for way in ways) > 1:
        raise UnsupportedSchema(path, "only one of the alternatives may be an array")
    objects = [way.key for way in ways if way.kind == "object"]
    budget.spend(len(objects) ** 2 // 2)
    if len(objects) > 1 and not all(_apart(one, other) for one, other in combinations(objects, 2)):
        raise UnsupportedSchema(
            path,
            "alternatives that are objects must be told apart by their first property: required, with another name, "
            "or another const or enum, in each",
        )


def _apart(one: tuple[str, frozenset[str] | None] | None, other: tuple[str, frozenset[str] | None] | None) -> bool:
    if one is None or other is None:
        return False
    if one[0] != other[0]:
        return True
    return one[1] is not None and other[1] is not None and not one[1] & other[1]
