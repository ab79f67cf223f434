"""The rules of a JSON schema: what a grammar allows a value to look like, token by token.

Schemas come from strangers, and a grammar engine that must follow many ways at once can be made to hang, or, nested
deeply, to crash. So everything written here is bounded, and never has two ways to go on for long: alternatives must be
told apart early. What a grammar cannot hold a value to is refused by name rather than left out in silence. Members
come in the order of `properties`. Knows no engine; the rules are in GBNF, llama.cpp's notation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from vivavoce.think import patterns
from vivavoce.think.automaton import Budget, Node, Ranges, TooComplexError, write_rules
from vivavoce.think.gbnf import characters, characters_in_json, quoted, write_words
from vivavoce.think.schema_errors import MalformedSchema, UnsupportedSchema
from vivavoce.think.schema_ways import Way, check_told_apart

MOST_DEEP = 32
MOST_PARTS = 2000
MOST_RULES = 6000
MOST_ALTERNATIVES = 100
MOST_ENUM_VALUES = 1000
MOST_ENUM_CHARACTERS = 20_000
MOST_REPEATS = 20_000
"""Longer texts and lists are not written, even where the schema allows them: an answer ends before."""
MOST_REPEATS_TOGETHER = 40_000
REPEATS_AT_ONCE = 1000
"""llama.cpp refuses to repeat anything much more often."""
LARGEST_NUMBER = 10**15

_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_ANNOTATIONS = {
    *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema"),
    *("$defs", "definitions", "discriminator"),
}
_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "prefixItems", "minItems", "maxItems"},
    "string": {"pattern", "format", "minLength", "maxLength"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
}
_KEYWORDS["integer"] = _KEYWORDS["number"]

Schema = Mapping[str, Any]


class RuleWriter:
    """Writes rules for the values of schemas, one after the other, under bounds that hold for all of them together.

    lenient: where a value cannot be held to a part of its schema, it may be anything of the type that the part names.
    prefix: what the names of its rules begin with.
    """

    def __init__(self, *, lenient: bool = False, prefix: str = "r") -> None:
        self.rules: dict[str, str] = {}
        self._root: Schema = {}
        self._roots: list[Schema] = []
        """Kept alive: places are known by their identity."""
        self._lenient = lenient
        self._prefix = prefix
        self._parts = 0
        self._budget = Budget()
        self._repeats = 0
        self._named: dict[tuple[int, str], str] = {}

    def _new(self) -> str:
        if len(self.rules) >= MOST_RULES:
            raise UnsupportedSchema("", "it is too large")
        name = f"{self._prefix}{len(self.rules)}"
        self.rules[name] = '""'
        return name

    def _rule(self, body: str) -> str:
        name = self._new()
        self.rules[name] = body
        return name

    def term(self, schema: Schema) -> str:
        """A term for whatever a whole schema allows. Raises `SchemaError`, `TooComplexError`."""
        self._root = schema
        self._roots.append(schema)
        return self._value(schema, "", 0)

    def _value(self, schema: object, path: str, deep: int) -> str:
        """A term for whatever `schema` allows, which is a part of the whole."""
        try:
            return self._held(schema, path, deep)
        except (UnsupportedSchema, TooComplexError):
            if not self._lenient:
                raise
            kind: Any = cast("dict[str, Any]", schema).get("type") if isinstance(schema, dict) else None
            return kind if isinstance(kind, str) and kind in _TYPES else "value"

    def _held(self, schema: object, path: str, deep: int) -> str:
        self._parts += 1
        if deep > MOST_DEEP or self._parts > MOST_PARTS:
            raise UnsupportedSchema(
                path, f"it is nested more than {MOST_DEEP} deep, or has more than {MOST_PARTS} parts"
            )
        if schema is True or schema == {}:
            return "value"
        ways = self._ways(schema, path, deep, frozenset())
        check_told_apart(ways, path, self._budget)
        terms = [way.write() for way in ways]
        return terms[0] if len(terms) == 1 else self._rule(" | ".join(terms))

    def _ways(self, schema: object, path: str, deep: int, followed: frozenset[int]) -> list[Way]:
        if not isinstance(schema, dict):
            raise MalformedSchema(path, "an object is expected" if schema is not False else "false allows no value")
        given = cast("dict[str, Any]", schema)
        self._budget.spend(1 + len(given))
        if id(given) in followed or len(followed) > MOST_DEEP:
            raise UnsupportedSchema(path, "it refers to itself without end")
        followed |= {id(given)}
        used = {name for name in given if name not in _ANNOTATIONS and not name.startswith("x-")}
        if given.get("uniqueItems") is False:
            used.discard("uniqueItems")
        for combining in ("$ref", "anyOf", "oneOf"):
            if combining in given:
                if used != {combining}:
                    raise UnsupportedSchema(path, f"{_listed(used - {combining})} cannot stand beside '{combining}'")
                return self._combined(combining, given[combining], path, deep, followed)
        if "enum" in used or "const" in used:
            return self._enumerated(given, used, path)
        types = self._types(given, used, path)
        known = set[str]().union({"type"}, *(_KEYWORDS.get(kind, set()) for kind in types))
        if unknown := used - known:
            raise UnsupportedSchema(path, f"{_listed(unknown)} is not supported here")
        return [self._typed(kind, given, path, deep) for kind in types]

    def _combined(self, how: str, inside: Any, path: str, deep: int, followed: frozenset[int]) -> list[Way]:
        if how == "$ref":
            return self._ways(self._target(inside, path), path, deep, followed)
        if not isinstance(inside, list) or not inside:
            raise MalformedSchema(path, f"'{how}' must be a list with something in it")
        ways: list[Way] = []
        for number, option in enumerate(cast("list[object]", inside)):
            more = self._ways(option, f"{path}/{how}/{number}", deep, followed)
            if how == "oneOf" and {way.kind for way in ways} & {way.kind for way in more} - {"object", "array"}:
                raise UnsupportedSchema(path, "alternatives of 'oneOf' overlap; use 'anyOf'")
            ways += more
            if len(ways) > MOST_ALTERNATIVES:
                raise UnsupportedSchema(path, f"there are more than {MOST_ALTERNATIVES} alternatives")
        return ways

    def _target(self, reference: object, path: str) -> object:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise MalformedSchema(path, "'$ref' must point into the schema itself, as '#/$defs/name'")
        here: Any = self._root
        for step in reference.split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(here, dict) or name not in here:
                raise MalformedSchema(path, f"'$ref' {reference[:80]} leads nowhere")
            here = cast("dict[str, Any]", here)[name]
        return here

    def _types(self, given: Schema, used: set[str], path: str) -> list[str]:
        """The types that `given` names, or the one that its keywords are about."""
        types: Any = given.get("type")
        if types is None:
            about = [kind for kind, words in _KEYWORDS.items() if kind != "integer" and used & words]
            types = about[:1] or [kind for kind in _TYPES if kind != "integer"]
        types = cast("list[Any]", types if isinstance(types, list) else [types])
        if not types or any(kind not in _TYPES for kind in types) or len(set(types)) < len(types):
            raise MalformedSchema(path, f"'type' must be one or several of {', '.join(_TYPES)}")
        return [kind for kind in types if not (kind == "integer" and "number" in types)]

    def _typed(self, kind: str, given: Schema, path: str, deep: int) -> Way:
        if kind in ("object", "array"):
            write = self._object if kind == "object" else self._array
            return Way(kind, lambda: self._once(write, given, kind, path, deep), self._key(given, path))
        if kind == "string":
            return Way(kind, lambda: self._string(given, path))
        if kind in ("number", "integer"):
            return Way("number", lambda: self._number(given, kind, path))
        return Way(kind, lambda: kind)

    def _once(self, write: Callable[[Schema, str, int], str], given: Schema, kind: str, path: str, deep: int) -> str:
        """One rule for one place of the schema, named before it is written, so that a schema may refer to itself."""
        place = id(given), kind
        if place not in self._named:
            name = self._named[place] = self._new()
            try:
                self.rules[name] = write(given, path, deep + 1)
            except (UnsupportedSchema, TooComplexError):
                if not self._lenient:
                    raise
                self.rules[name] = kind
        return self._named[place]

    def _enumerated(self, given: Schema, used: set[str], path: str) -> list[Way]:
        if more := used - {"type", "enum", "const"}:
            raise UnsupportedSchema(path, f"{_listed(more)} cannot stand beside 'enum' or 'const'")
        values = cast("Any", [given["const"]] if "const" in given else given["enum"])
        if not isinstance(values, list) or not 0 < len(cast("list[object]", values)) <= MOST_ENUM_VALUES:
            raise MalformedSchema(path, f"'enum' must list 1 to {MOST_ENUM_VALUES} values")
        types = self._types(given, used, path) if "type" in given else list(_TYPES)
        spelt: dict[str, list[str]] = {}
        for value in cast("list[object]", values):
            kind = _kind(value)
            if kind in types or (kind == "integer" and "number" in types):
                text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
                spelt.setdefault("number" if kind == "integer" else kind, []).append(text)
        if not spelt:
            raise UnsupportedSchema(path, "no value of 'enum' is of the right type")
        if sum(len(text) for texts in spelt.values() for text in texts) > MOST_ENUM_CHARACTERS:
            raise UnsupportedSchema(path, f"the values of 'enum' have more than {MOST_ENUM_CHARACTERS} characters")
        return [Way(kind, partial(write_words, texts, self._new, self.rules)) for kind, texts in spelt.items()]

    def _key(self, given: Schema, path: str) -> tuple[str, frozenset[str] | None] | None:
        properties: Any = given.get("properties")
        required: Any = given.get("required")
        if not isinstance(properties, dict) or not properties or not isinstance(required, list):
            return None
        name, inside = next(iter(cast("dict[str, Any]", properties).items()))
        if name not in required:
            return None
        for _ in range(MOST_DEEP):
            if not (isinstance(inside, dict) and "$ref" in inside):
                break
            inside = self._target(cast("dict[str, Any]", inside)["$ref"], path)
        if not isinstance(inside, dict):
            return name, None
        values: Any = [inside["const"]] if "const" in inside else cast("dict[str, Any]", inside).get("enum")
        if not isinstance(values, list) or len(cast("list[object]", values)) > MOST_ENUM_VALUES:
            return name, None
        self._budget.spend(len(cast("list[object]", values)))
        return name, frozenset(json.dumps(value) for value in cast("list[object]", values))

    def _object(self, given: Schema, path: str, deep: int) -> str:
        properties: Any = given.get("properties", {})
        required: Any = given.get("required", [])
        more: Any = given.get("additionalProperties", True)
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise MalformedSchema(path, "'properties' must be an object, and 'required' a list")
        inside, needed = cast("dict[str, object]", properties), cast("list[object]", required)
        if missing := [name for name in needed if not isinstance(name, str) or name not in inside]:
            raise UnsupportedSchema(
                path, f"'required' names {json.dumps(missing[0])[:80]}, which is not in 'properties'"
            )
        if not inside:
            if more is False:
                return '"{}"'
            member = f'string ":" space {self._value(more, f"{path}/additionalProperties", deep)}'
            return f'"{{" ({member} ("," space {member})*)? "}}"'
        always = set(needed)
        members = [
            (self._rule(f'{quoted(json.dumps(name, ensure_ascii=False) + ":")} space '
                        f"{self._value(inside[name], f'{path}/properties/{name[:80]}', deep)}"), name in always)
            for name in inside
        ]  # fmt: skip
        return f'"{{" {self._members(members)} "}}"'

    def _members(self, members: list[tuple[str, bool]]) -> str:
        """Required ones always, others perhaps, with commas between: from the last to the first, once as the first of
        the object and once as a later one."""
        first = later = self._rule('""')
        for number, (member, needed) in reversed(list(enumerate(members))):
            one = f"{member} {later}"
            next_first = self._rule(one if needed else f"{one} | {first}")
            if number:
                later = self._rule(f'"," space {one}' if needed else f'"," space {one} | {later}')
            first = next_first
        return first

    def _array(self, given: Schema, path: str, deep: int) -> str:
        least = self._count(given, "minItems", path) or 0
        most = self._count(given, "maxItems", path)
        if "prefixItems" in given:
            return self._tuple(given, least, most, path, deep)
        if most == 0 or given.get("items") is False:
            return '"[]"' if not least else self._impossible(path)
        item = self._value(given.get("items", True), f"{path}/items", deep)
        one_more = self._rule(f'"," space {item}')
        rest = self._times(one_more, max(0, least - 1), None if most is None else most - 1, path)
        return f'"[" {item} {rest} "]"' if least else f'"[" ({item} {rest})? "]"'

    def _tuple(self, given: Schema, least: int, most: int | None, path: str, deep: int) -> str:
        items: Any = given["prefixItems"]
        room = math.inf if most is None else most
        if not isinstance(items, list) or not items or not least <= len(cast("list[Any]", items)) <= room:
            raise UnsupportedSchema(path, "'prefixItems' must list as many items as 'minItems' and 'maxItems' allow")
        each = [
            self._value(item, f"{path}/prefixItems/{number}", deep)
            for number, item in enumerate(cast("list[object]", items))
        ]
        return '"[" ' + ' "," space '.join(each) + ' "]"'

    def _string(self, given: Schema, path: str) -> str:
        rules = [name for name in ("pattern", "format") if name in given]
        least, most = self._count(given, "minLength", path), self._count(given, "maxLength", path)
        if len(rules) > 1 or (rules and (least or most is not None)):
            raise UnsupportedSchema(path, "use one of 'pattern', 'format' and the lengths, not several")
        if not rules:
            if not least and most is None:
                return "string"
            return self._rule(rf'"\"" {self._times("char", least or 0, most, path)} "\""')
        wanted = given[rules[0]]
        if rules == ["format"]:
            if wanted not in tuple(patterns.FORMATS):
                raise UnsupportedSchema(path, f"'format' must be one of {', '.join(patterns.FORMATS)}")
            wanted = patterns.FORMATS[wanted]
        if not isinstance(wanted, str):
            raise MalformedSchema(path, "'pattern' must be a string")
        try:
            node = patterns.parse(wanted)
        except patterns.PatternError as error:
            raise UnsupportedSchema(path, f"'pattern' cannot be used: {error}") from error
        return self._rule(rf'"\"" {self._automaton(node, path, spell=characters_in_json)} "\""')

    def _number(self, given: Schema, kind: str, path: str) -> str:
        names = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
        if not any(name in given for name in names):
            return kind
        low, above = self._bound(given, "minimum", "exclusiveMinimum", path)
        high, below = self._bound(given, "maximum", "exclusiveMaximum", path, sign=-1)
        if kind == "integer":
            least = math.floor(low) + 1 if above else math.ceil(low)
            largest = math.ceil(high) - 1 if below else math.floor(high)
            return self._automaton(patterns.whole_numbers(least, largest), path) if least <= largest else (
                self._impossible(path)
            )  # fmt: skip
        if low != int(low) or high != int(high):
            raise UnsupportedSchema(path, "bounds of a number must be whole numbers")
        if low > high or (low == high and (above or below)):
            self._impossible(path)
        return self._automaton(patterns.decimal_numbers(int(low), int(high), above=above, below=below), path)

    def _bound(self, given: Schema, closed: str, opened: str, path: str, sign: int = 1) -> tuple[float, bool]:
        """The tighter of the two bounds, and whether it is itself left out."""
        found: tuple[float, bool] = (-LARGEST_NUMBER * sign, False)
        for name in (closed, opened):
            if name not in given:
                continue
            bound: Any = given[name]
            if isinstance(bound, bool) or not isinstance(bound, int | float) or abs(bound) > LARGEST_NUMBER:
                raise MalformedSchema(path, f"'{name}' must be a number, at most {LARGEST_NUMBER}")
            if bound * sign > found[0] * sign or (bound == found[0] and name == opened):
                found = bound, name == opened
        return found

    def _impossible(self, path: str) -> str:
        raise UnsupportedSchema(path, "no value can be that")

    def _count(self, given: Schema, name: str, path: str) -> int | None:
        count: Any = given.get(name)
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
            raise MalformedSchema(path, f"'{name}' must be a whole number")
        return count

    def _times(self, term: str, least: int, most: int | None, path: str) -> str:
        """`term` from `least` to `most` times, in steps of a length that llama.cpp takes."""
        self._repeats += min(REPEATS_AT_ONCE, most or least)
        if least > MOST_REPEATS or self._repeats > MOST_REPEATS_TOGETHER or (most is not None and most < least):
            raise UnsupportedSchema(
                path, f"its lengths must be at most {MOST_REPEATS}, the least first, and fewer in all"
            )
        if least > REPEATS_AT_ONCE:
            further = self._times(term, least - REPEATS_AT_ONCE, most and most - REPEATS_AT_ONCE, path)
            return self._rule(f"{term}{{{REPEATS_AT_ONCE}}} {further}")
        if most is None:
            return f"{term}{{{least},}}"
        if most <= REPEATS_AT_ONCE:
            return f"{term}{{{least},{most}}}"
        further = self._times(term, 0, min(most, MOST_REPEATS) - REPEATS_AT_ONCE, path)
        return self._rule(f"{term}{{{least},{REPEATS_AT_ONCE - 1}}} | {term}{{{REPEATS_AT_ONCE}}} {further}")

    def _automaton(self, node: Node, path: str, *, spell: Callable[[Ranges], str | None] | None = None) -> str:
        try:
            return write_rules(node, self._new, self.rules, spell or characters, self._budget)
        except TooComplexError as error:
            raise UnsupportedSchema(path, "its pattern or list of values is too complex") from error


def _kind(value: object) -> str:
    kinds: dict[type, str] = {
        bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
    }  # fmt: skip
    return kinds.get(type(value), "null")


def _listed(names: set[str]) -> str:
    return ", ".join(f"'{name[:40]}'" for name in sorted(names)[:5])
