"""Schemas as a model reads them best: as Python types, short rather than complete, because the grammar knows the rest.

Knows no prompt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
MOST_DEEP = 4
"""Levels of a schema that are shown; deeper ones are held to all the same."""
MOST_PARTS = 500
"""Parts of one tool's schema that are shown."""
MOST_VALUES = 40


@dataclass(frozen=True, slots=True)
class Member:
    """One property of an object; `type` as Python writes it."""

    name: str
    type: str
    description: str
    required: bool


def members_of(schema: Mapping[str, Any]) -> list[Member]:
    """The properties of the object that `schema` describes, in their order; empty where it describes none."""
    types = _Types(schema)
    given = types.followed(schema)
    required: Any = given.get("required") or ()
    return [
        Member(name, types.shown(inside), str(_dict(inside).get("description") or "").strip(), name in required)
        for name, inside in _dict(given.get("properties")).items()
    ]


def type_of(schema: Mapping[str, Any]) -> str:
    """The whole of `schema` as one type."""
    return _Types(schema).shown(schema)


class _Types:
    """Parts of one schema as Python types: short rather than complete, because the grammar knows the rest."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._parts = 0

    def shown(self, schema: object, deep: int = 0) -> str:
        given = _dict(schema)
        self._parts += 1
        if deep > MOST_DEEP or self._parts > MOST_PARTS or not given:
            return "Any"
        if "$ref" in given:
            return self.shown(self._target(given["$ref"]), deep + 1)
        if "const" in given or isinstance(given.get("enum"), list):
            values: list[Any] = [given["const"]] if "const" in given else given["enum"]
            return f"Literal[{', '.join(json.dumps(value, ensure_ascii=False) for value in values[:MOST_VALUES])}]"
        for combining in ("anyOf", "oneOf"):
            if isinstance(given.get(combining), list):
                ways = [self.shown(way, deep + 1) for way in given[combining]]
                return " | ".join(dict.fromkeys(ways)) or "Any"
        kinds: Any = given.get("type")
        several = cast("list[Any]", kinds if isinstance(kinds, list) else [kinds])
        return " | ".join(dict.fromkeys(self._typed(kind, given, deep) for kind in several))

    def _typed(self, kind: Any, given: Mapping[str, Any], deep: int) -> str:
        if kind == "array":
            return f"list[{self.shown(given.get('items'), deep + 1)}]"
        if kind == "object" or (kind is None and "properties" in given):
            properties = _dict(given.get("properties"))
            members = [f'"{name}": {self.shown(one, deep + 1)}' for name, one in properties.items()]
            return f"{{{', '.join(members)}}}" if members else "dict"
        return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"

    def followed(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What `schema` says itself, or where its `$ref` leads."""
        given = _dict(schema)
        for _ in range(MOST_DEEP):
            if "$ref" not in given:
                break
            given = _dict(self._target(given["$ref"]))
        return given

    def _target(self, reference: object) -> object:
        here: Any = self._root
        for step in str(reference).split("/")[1:]:
            here = _dict(here).get(step.replace("~1", "/").replace("~0", "~"))
        return here


def _dict(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, Mapping) else {}
