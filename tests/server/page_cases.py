"""Bad input for every field that our own OpenAPI page knows: each type, limit, choice and requirement broken once.

The page is the table. `cases` walks it; what it says nothing about (that an id must be known) is for other tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
Put = Callable[[Any], Any]
"""A whole body with a value at the place that is meant."""

NONSENSE = "nonsense"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class BadCase:
    """`body` is right but for `path`, as an error should name it; `field` is the path as the page has it."""

    route: str
    field: str
    path: str
    what: str
    body: Any
    kind: str

    @property
    def id(self) -> str:
        return f"{self.route} {self.field} {self.what}"


@dataclass(frozen=True, slots=True)
class Place:
    """A value within a body. `texts`: everything in it is sent as text, as in forms and queries."""

    field: str
    path: str
    put: Put
    texts: bool

    def member(self, name: str, around: dict[str, Any]) -> Place:
        """Lists in forms are named `name[]`, which errors leave out."""
        plain = name.removesuffix("[]")
        joined = [f"{base}.{last}" if base else last for base, last in ((self.field, name), (self.path, plain))]
        return Place(*joined, lambda value: self.put(_with(around, name, value)), self.texts)

    def item(self) -> Place:
        field = self.field if self.texts else f"{self.field}[]"  # its name in a form says that it is a list
        return Place(field, f"{self.path}[0]", lambda value: self.put([value]), self.texts)

    def variant(self, name: str) -> Place:
        return Place(f"{self.field}<{name}>", self.path, self.put, self.texts)


def _with(around: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    rest = {key: each for key, each in around.items() if key != name}
    return rest if value is _ABSENT else {**rest, name: value}


class Page:
    """An OpenAPI page, and the models it refers to."""

    def __init__(self, page: dict[str, Any]) -> None:
        self.page = page

    def operations(self) -> Iterator[tuple[str, Schema]]:
        """`POST /v1/…` and what the page says of it."""
        for path, methods in self.page["paths"].items():
            for method, operation in methods.items():
                yield f"{method.upper()} {path}", operation

    def fields(self) -> set[tuple[str, str]]:
        """(route, field) of everything that can be asked for, parts of paths too."""
        found = {
            (route, field)
            for route, operation in self.operations()
            for field, _ in self._walk(operation)
            if field != NONSENSE
        }
        for route, operation in self.operations():
            found |= {(route, each["name"]) for each in operation.get("parameters", ()) if each["in"] == "path"}
        return found

    def cases(self) -> list[BadCase]:
        return [
            BadCase(route, field, *case)
            for route, operation in self.operations()
            for field, found in self._walk(operation)
            for case in found
        ]

    def _walk(self, operation: Schema) -> Iterator[tuple[str, list[tuple[str, str, Any, str]]]]:
        for kind, schema in self._bodies(operation):
            place = Place("", "", lambda value: value, kind != "json")
            for field, cases in self._inside(schema, place):
                if field:
                    yield field, [(*case, kind) for case in cases]

    def _bodies(self, operation: Schema) -> Iterator[tuple[str, Schema]]:
        content = operation.get("requestBody", {}).get("content", {})
        for kind, name in (("application/json", "json"), ("multipart/form-data", "form")):
            if kind in content:
                yield name, self._resolved(content[kind]["schema"])
        asked = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
        if asked:
            properties = {each["name"]: each["schema"] for each in asked}
            yield "query", {"type": "object", "properties": properties, "additionalProperties": True}

    def _inside(self, schema: Schema, place: Place) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
        """Fields at and below `place`, each with its cases: (path, what is wrong, body)."""
        branches = self._branches(schema)
        yield place.field, [(place.path, what, place.put(value)) for what, value in self._broken(schema, place.texts)]
        objects = [branch for branch in branches if "properties" in branch]
        for branch in branches:
            here = place.variant(self._name(branch)) if len(objects) > 1 and "properties" in branch else place
            yield from self._members(branch, here)
            if branch.get("type") == "array" and "items" in branch:
                yield from self._inside(branch["items"], here.item())

    def _members(self, schema: Schema, place: Place) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
        around = self.example(schema) if "properties" in schema else {}
        for name, inner in schema.get("properties", {}).items():
            member = place.member(name, around)
            yield from self._inside(inner, member)
            if name in schema.get("required", ()) and not (place.texts and place.field and len(around) == 1):
                # An empty object is not sent in a form, so nothing of it is missing.
                yield member.field, [(member.path, "is missing", member.put(_ABSENT))]
        if schema.get("properties") and schema.get("additionalProperties") is False:
            unknown = place.member(NONSENSE, around)
            yield place.field or NONSENSE, [(unknown.path, "an unknown member", unknown.put("x"))]
        if isinstance(free := schema.get("additionalProperties"), dict) and free:
            member = place.member("x", {})
            yield place.field, [case for _, cases in self._inside(free, member) for case in cases]

    def _broken(self, schema: Schema, texts: bool) -> Iterator[tuple[str, Any]]:
        branches = self._branches(schema)
        kinds = {kind for branch in branches for kind in self._kinds(branch)}
        if not texts:
            if kinds and not any(branch == {} for branch in branches):
                if not self._nullable(schema):
                    yield "null", None
                yield "of another type", next(value for value, kind in _OTHERS if kind not in _taken_for(kinds))
        elif kinds and kinds <= {"integer", "number", "boolean"}:
            yield "no such text", NONSENSE
        if branches and all("enum" in branch or "const" in branch for branch in branches):
            yield "none of the choices", NONSENSE
        if len(branches) == 1:
            yield from self._beyond(branches[0])

    def _beyond(self, branch: Schema) -> Iterator[tuple[str, Any]]:
        """What is over the limits of one schema."""
        if "minimum" in branch:
            yield "too small", branch["minimum"] - 1
        if "maximum" in branch:
            yield "too large", branch["maximum"] + 1
        if "exclusiveMaximum" in branch:
            yield "too large", branch["exclusiveMaximum"]
        if branch.get("minLength"):
            yield "too short", ""
        if "maxLength" in branch:
            yield "too long", "x" * (branch["maxLength"] + 1)
        if "pattern" in branch:
            yield "of another form", "§"
        if branch.get("minItems"):
            yield "too few", []
        if "maxItems" in branch:
            yield "too many", [self.example(branch["items"])] * (branch["maxItems"] + 1)
        if "maxProperties" in branch:
            yield "too many", {f"x{number}": "" for number in range(branch["maxProperties"] + 1)}
        if longest := branch.get("propertyNames", {}).get("maxLength"):
            yield "too long a name", {"x" * (longest + 1): ""}

    def example(self, schema: Schema) -> Any:
        """The least that is right."""
        branches = self._branches(schema)
        if not branches or branches[0] == {}:
            return "x"
        first = branches[0]
        if "const" in first or "enum" in first:
            return first.get("const") or first["enum"][0]
        match first.get("type"):
            case "object":
                return {name: self.example(first["properties"][name]) for name in first.get("required", ())}
            case "array":
                return [self.example(first["items"])] * first.get("minItems", 0)
            case "string":
                return b"x" if first.get("format") == "binary" else "x" * first.get("minLength", 1)
            case kind:
                return False if kind == "boolean" else first.get("minimum", 0)

    def _branches(self, schema: Schema) -> list[Schema]:
        """What a value may be, each resolved; null left out."""
        schema = self._resolved(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return [branch for each in schema[word] for branch in self._branches(each)]
        return [] if schema.get("type") == "null" else [schema]

    def _nullable(self, schema: Schema) -> bool:
        schema = self._resolved(schema)
        if "anyOf" in schema:
            return any(self._nullable(each) for each in schema["anyOf"])
        return schema.get("type") == "null"

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.page["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return {key: value for key, value in schema.items() if key not in ("title", "description", "default")}

    def _kinds(self, branch: Schema) -> set[str]:
        return {branch["type"]} if "type" in branch else {"string"} if "const" in branch or "enum" in branch else set()

    def _name(self, branch: Schema) -> str:
        """A variant by the first of its members that can be one thing only."""
        tags = (each.get("const") or "|".join(each.get("enum", ())) for each in branch["properties"].values())
        return next((tag for tag in tags if tag), "|".join(branch["properties"]))


_OTHERS: list[tuple[Any, str]] = [(NONSENSE, "string"), (5, "number"), ([], "array"), ({}, "object")]


def _taken_for(kinds: set[str]) -> set[str]:
    return kinds | ({"number"} if kinds & {"integer", "boolean"} else set())


def plain(field: str) -> str:
    """A field without its variants: `messages[]<user>.content` is `messages[].content`."""
    return re.sub("<[^>]*>", "", field)
