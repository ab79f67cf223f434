"""Schemas as grammars: what is written down, what is refused by name, and that no schema can be expensive."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.think.automaton import Budget, TooComplexError, write_rules
from vivavoce.think.gbnf import characters
from vivavoce.think.json_grammar import json_grammar
from vivavoce.think.patterns import FORMATS, PatternError, decimal_numbers, parse, whole_numbers


class Matcher:
    """Follows the rules of an automaton, and finds that there is never more than one way to go on."""

    def __init__(self, node: Any) -> None:
        self.rules: dict[str, str] = {}
        self.start = write_rules(node, lambda: f"r{len(self.rules) + self._take()}", self.rules, characters, Budget())
        self.ways: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for name, body in self.rules.items():
            steps = re.findall(r"(\[[^ ]+\]) (r\d+)", body)
            self.ways[name] = [(re.compile(term), rest) for term, rest in steps]

    _taken = 0

    def _take(self) -> int:
        self._taken += 1
        return self._taken * 1000

    def matches(self, text: str) -> bool:
        here = self.start
        for character in text:
            after = [rest for term, rest in self.ways[here] if term.fullmatch(character)]
            assert len(after) < 2, "deterministic"
            if not after:
                return False
            here = after[0]
        return '""' in self.rules[here]


TEXTS = [
    "",
    "a",
    "b",
    "ab",
    "aab",
    "abc",
    "abab",
    "A1_",
    "7",
    "42",
    "-",
    "a-b",
    "]",
    "x\\y",
    "é",
    "🎉",
    "a b",
    "\n",
    "cab",
]


@pytest.mark.parametrize(
    "pattern",
    ["a", "^a", "b$", "^ab$", "^(ab)+$", "^a|b$", "^[a-c]{2,3}$", "^[^a-c]*$", r"^\w+$", r"^\d{1,2}$", r"\s", "^.$",
     r"^\D$", "^(?:a|ab)(c|bc)?$", "^a*?b??$", r"^[\d_A-Z]+$", "^[]a]$"[:2] + r"\]]$", r"^\\?.\\.$", "^[a-]-?b?$",
     "^(a?){20}b?$", "^((a+)+)+$", "^$", "", r"^é$|^🎉$", "^(?P<name>ab)$", r"^[^\W]$", "^x{0}a$", r"^\x61\u0062$"],
)  # fmt: skip
def test_a_pattern_matches_what_it_matches_elsewhere(pattern: str) -> None:
    matcher = Matcher(parse(pattern))
    for text in TEXTS:
        assert matcher.matches(text) == bool(re.search(pattern.replace("$", r"\Z"), text, re.ASCII)), text


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)b", "(?<!a)b", r"(a)\1", r"\bword\b", "a**", "a++", "^a^", "a$b", "(a", "a)", "[a", "[b-a]", "a{3,2}",
     "a{1001}", "x" * 301, "(" * 20 + ")" * 20, r"\p{L}", r"\u12", "\\", "*a", "(?i)a"],
)  # fmt: skip
def test_a_pattern_that_no_automaton_can_be_is_told(pattern: str) -> None:
    with pytest.raises(PatternError):
        parse(pattern)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", ["2026-11-24", "2024-02-28", "1999-12-31"], ["2026-02-29", "2026-13-01", "2026-04-31", "26-1-1"]),
        ("time", ["23:59:59Z", "00:00:00.5+01:00"], ["24:00:00Z", "12:00:00"]),
        ("date-time", ["2026-11-24T21:19:03Z"], ["2026-11-24 21:19:03Z"]),
        ("duration", ["P3D", "PT5M", "P1DT2H", "PT1H30M"], ["P", "PT", "5M"]),
        ("email", ["a.b+c@mail.example.com"], ["a@b", "@example.com", "a..b@example.com"]),
        ("hostname", ["my-host.example.org"], ["-a.example.org", "a..org"]),
        ("ipv4", ["192.168.0.255"], ["256.1.1.1", "1.2.3", "01.1.1.1"]),
        ("uri", ["https://example.com/a/b?c=d", "http://a.io"], ["example.com", "ftp://a.io", "http://"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567-e89b-62d3-a456-426614174000", "x"]),
    ],
)
def test_formats(name: str, good: list[str], bad: list[str]) -> None:
    matcher = Matcher(parse(FORMATS[name]))
    assert [text for text in good if not matcher.matches(text)] == []
    assert [text for text in bad if matcher.matches(text)] == []


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 9), (3, 207), (-12, 5), (-30, -7), (99, 1001), (-1, 0)])
def test_ranges_of_whole_numbers_are_exact(low: int, high: int) -> None:
    matcher = Matcher(whole_numbers(low, high))
    assert [n for n in range(-1100, 1100) if matcher.matches(str(n))] == list(range(low, high + 1))
    assert not matcher.matches("007")


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 10), (-3, -1), (-2, 0), (1, 12), (5, 6)])
def test_ranges_of_decimal_numbers_stay_inside(low: int, high: int, above: bool, below: bool) -> None:
    matcher = Matcher(decimal_numbers(low, high, above=above, below=below))
    for hundredths in range(-400, 1300):
        for text in {f"{hundredths / 100:.2f}", f"{hundredths / 100:g}"} - {"-0", "-0.00"}:
            number = float(text)
            inside = (low < number if above else low <= number) and (number < high if below else number <= high)
            if matcher.matches(text):
                assert inside, text
            elif inside and number not in (low, high) and not text.endswith("0"):
                raise AssertionError(f"{text} can't be written")


OBJECT = {"type": "object"}
NODE = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}
ARRAYS = [{"type": "array", "items": {"type": kind}} for kind in ("string", "number")]


def kinds(*names: str | None) -> list[dict[str, object]]:
    return [
        {"type": "object", "properties": {"kind": {"const": name} if name else {}}, "required": ["kind"]}
        for name in names
    ]


@pytest.mark.parametrize(
    "schema",
    [{}, OBJECT, NODE, {"type": "string", "title": "T", "description": "D", "default": "x", "x-order": 1},
     {"anyOf": kinds("a", "b")}, {"oneOf": kinds("a", "b"), "discriminator": {"propertyName": "kind"}},
     {"anyOf": [ARRAYS[0], {"type": "string"}, {"type": "null"}]}, {"type": ["string", "null"]},
     {"enum": [1, "a", None, {"b": [True]}]}, {"const": "x"}, {"type": "array", "uniqueItems": False},
     {"type": "array", "prefixItems": [{"type": "string"}, {}], "minItems": 2, "maxItems": 2},
     {"type": "string", "maxLength": 10**9}, {"type": "array", "minItems": 2500, "maxItems": 5000},
     {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}, {"minimum": 2}],
)  # fmt: skip
def test_what_can_be_kept_to(schema: dict[str, object]) -> None:
    assert json_grammar(schema).startswith("root ::= ")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"not": {}}, "'not' is not supported"),
        ({"type": "array", "uniqueItems": True}, "'uniqueItems'"),
        ({"type": "integer", "multipleOf": 2}, "'multipleOf'"),
        ({"allOf": [OBJECT]}, "'allOf'"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "at /properties/a: 'type' must be"),
        ({"type": "object", "properties": {"a": False}}, "false allows no value"),
        ({"type": "object", "required": ["a"]}, "'required' names \"a\""),
        ({"type": "string", "format": "ipv6"}, "'format' must be one of date"),
        ({"type": "string", "pattern": "^(?=a)"}, "looks around"),
        ({"type": "string", "pattern": "^a", "maxLength": 3}, "not several"),
        ({"type": "string", "minLength": 5, "maxLength": 3}, "lengths"),
        ({"type": "number", "minimum": 0.5}, "whole numbers"),
        ({"type": "integer", "minimum": 2, "exclusiveMaximum": 2}, "no value"),
        ({"type": "integer", "exclusiveMinimum": True}, "must be a number"),
        ({"enum": []}, "1 to 1000 values"),
        ({"enum": ["a"], "type": "integer"}, "right type"),
        ({"$ref": "#/$defs/nope"}, "leads nowhere"),
        ({"$ref": "https://example.com/schema.json"}, "into the schema itself"),
        ({"$ref": "#"}, "without end"),
        ({"anyOf": []}, "something in it"),
        ({"anyOf": ARRAYS}, "only one of the alternatives may be an array"),
        ({"anyOf": kinds("a", None)}, "told apart"),
        ({"anyOf": kinds("a", "a")}, "told apart"),
        ({"anyOf": [OBJECT, *kinds("a")]}, "told apart"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "overlap"),
    ],
)
def test_what_cannot_be_kept_to_is_refused_by_name(schema: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        json_grammar(schema)
    assert said in caught.value.message
    assert caught.value.param == "response_format.json_schema.schema"


def nested(depth: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def fan(width: int) -> dict[str, object]:
    defs = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(width)}
    return {"$defs": defs | {f"d{width}": {"type": "string"}}, "anyOf": [{"$ref": "#/$defs/d0"}]}


HOSTILE: dict[str, dict[str, object]] = {
    "deep": nested(900),
    "wide": {"type": "object", "properties": {f"k{n}": nested(5) for n in range(2000)}},
    "fan": fan(30),
    "a state for every subset": {"type": "string", "pattern": "^.*a.{20}$"},
    "many stars": {"type": "string", "pattern": "(.*,){90}"},
    "counts of counts": {"type": "string", "pattern": "^(((x{1000}){1000}){1000}){1000}$"},
    "many patterns": {
        "type": "object",
        "properties": {f"k{n}": {"type": "string", "pattern": "^.*a.{6}$"} for n in range(900)},
    },
    "long values": {"enum": [f"{n}" * 500 for n in range(1000)]},
    "long lengths": {
        "type": "object",
        "properties": {f"k{n}": {"type": "string", "maxLength": 20_000} for n in range(1000)},
    },
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_is_refused_soon(schema: dict[str, object]) -> None:
    started_s = time.process_time()
    with pytest.raises(InvalidValue):
        json_grammar(schema)
    assert time.process_time() - started_s < 3


def test_the_work_for_one_schema_is_bounded() -> None:
    with pytest.raises(TooComplexError):
        write_rules(parse("^[ab]{500}$"), lambda: "r", {}, characters, Budget(100))


def alternatives(count: int, values: int) -> dict[str, object]:
    """Many members that each may be any of `count` objects, told apart by one of `values` names."""
    options = [
        {"type": "object", "properties": {"k": {"enum": [f"{n}-{m}" for m in range(values)]}}, "required": ["k"]}
        for n in range(count)
    ]
    members = {f"p{n}": {"$ref": "#/$defs/any"} for n in range(1000)}
    return {"type": "object", "properties": members, "$defs": {"any": {"anyOf": options}}}


def test_many_alternatives_in_many_places_are_refused_soon() -> None:
    with pytest.raises(InvalidValue, match="too complex"):
        json_grammar(alternatives(60, 300))


def test_a_list_that_must_be_empty_has_no_items() -> None:
    with pytest.raises(InvalidValue, match="maxItems"):
        json_grammar({"type": "array", "prefixItems": [{"type": "null"}], "maxItems": 0})


def test_a_format_that_is_no_text_is_refused_by_name() -> None:
    with pytest.raises(InvalidValue, match="'format' must be one of"):
        json_grammar({"type": "string", "format": {}})
