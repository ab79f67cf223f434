"""Tools as a small model reads and writes them: the prompt, the grammar, and what is read of an answer."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation import JsonForm, Message, Sampling, Tool, ToolCall, Tools
from vivavoce.errors import InvalidValue
from vivavoce.think.base import CallDelta, TextDelta
from vivavoce.think.form_prompt import form_text, with_form
from vivavoce.think.llamacpp_request import REPEAT_PENALTY, request_body
from vivavoce.think.tool_grammar import tool_grammar
from vivavoce.think.tool_prompt import answer_call, answer_name, tools_text, with_tools
from vivavoce.think.tool_reader import ToolReader

LIGHT = Tool(
    "switch_light",
    "Switch a light.",
    {
        "type": "object",
        "properties": {
            "room": {"type": "string", "enum": ["kitchen", "hall"], "description": "which one"},
            "level": {"type": "integer", "minimum": 0, "maximum": 100},
        },
        "required": ["room"],
    },
)
CLOCK = Tool("get_time")
TOOLS = Tools((LIGHT, CLOCK))
STUB = '''def switch_light(room: Literal["kitchen", "hall"], level: int = None):
    """Switch a light. room: which one"""'''


def described(**properties: Any) -> str:
    schema = {"type": "object", "properties": properties, "$defs": {"point": {"type": "object", "properties": {
        "x": {"type": "number"}, "next": {"$ref": "#/$defs/point"}}}}}  # fmt: skip
    text = tools_text(Tools((Tool("f", "", schema),)))
    return re.search(r"def f\((.*)\):\n    \.\.\.", text)[1]


def test_tools_are_shown_as_functions_and_so_is_answering() -> None:
    text = tools_text(TOOLS)
    assert STUB in text
    assert "def get_time():\n    ..." in text
    assert text.index("def answer(") < text.index("def switch_light(")


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        ({"type": "string"}, "str"),
        ({"type": ["integer", "null"]}, "int | None"),
        ({"type": "array", "items": {"type": "number"}}, "list[float]"),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, '{"a": bool}'),
        ({"type": "object"}, "dict"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "str | int"),
        ({"const": 3}, "Literal[3]"),
        ({"$ref": "#/$defs/point"}, '{"x": float, "next": {"x": float, "next": Any}}'),
        ({"$ref": "#/$defs/nowhere"}, "Any"),
        ({"enum": "none"}, "Any"),
        ({}, "Any"),
        (True, "Any"),
    ],
)
def test_types_are_shown_as_pythons(schema: Any, shown: str) -> None:
    assert described(a=schema).startswith(f"a: {shown} = None")


def test_a_schema_that_would_fill_pages_is_shown_in_part() -> None:
    wide = {f"k{n}": {"$ref": "#/$defs/wide"} for n in range(300)}
    schema = {"type": "object", "properties": wide, "$defs": {"wide": {"type": "object", "properties": wide}}}
    assert len(tools_text(Tools((Tool("f", "", schema),)))) < 20_000


def test_the_prompt_is_the_same_whatever_may_be_called() -> None:
    """Or the prompt cache would not know it."""
    choices = [TOOLS, Tools((LIGHT, CLOCK), "none"), Tools((LIGHT, CLOCK), "required", ("get_time",), parallel=False)]
    assert len({tools_text(tools) for tools in choices}) == 1


def test_tools_stand_before_all_that_the_caller_says() -> None:
    conversation = [Message.of("system", "Be kind."), Message.of("user", "Hi")]
    spelt = with_tools(conversation, TOOLS)
    assert [message.role for message in spelt[:2]] == ["system", "system"]
    assert spelt[0].text == tools_text(TOOLS)
    assert spelt[1].text == "Be kind."
    assert spelt[-1].text == "Hi"


def test_what_was_said_called_and_returned_is_spelt_out() -> None:
    conversation = [
        Message.of("user", "Hi"),
        Message.of("assistant", 'Hello "you".\nWell?'),
        Message.of("user", "Light!"),
        Message(
            "assistant", (), (ToolCall("c1", "switch_light", '{"room":"hall"}'), ToolCall("c2", "get_time", "oops"))
        ),
        Message("tool", Message.of("tool", "done").parts, call_id="c1"),
        Message("tool", Message.of("tool", "noon").parts, call_id="c9"),
    ]
    assert [message.text for message in with_tools(conversation, TOOLS)][-6:] == [
        "Hi",
        'answer("Hello \\"you\\".\\nWell?")',
        "Light!",
        'switch_light({"room": "hall"})\nget_time("oops")',
        "switch_light returned: done",
        "The function returned: noon",
    ]
    without = [message.text for message in with_tools(conversation, None)]
    assert without[1] == 'Hello "you".\nWell?'
    assert without[3:5] == ['switch_light({"room": "hall"})\nget_time("oops")', "switch_light returned: done"]


def test_the_function_that_talks_never_has_a_tools_name() -> None:
    assert answer_name([LIGHT]) == "answer"
    assert answer_name([Tool("answer")]) == "reply"
    taken = [Tool("answer"), Tool("reply"), Tool("respond"), Tool("answer_")]
    assert answer_name(taken) not in {tool.name for tool in taken}


def root(grammar: str) -> str:
    return grammar.split("\n", maxsplit=1)[0].removeprefix("root ::= ")


@pytest.mark.parametrize(
    ("tools", "talks", "calls"),
    [
        (TOOLS, True, ["switch_light", "get_time"]),
        (Tools((LIGHT, CLOCK), "none"), True, []),
        (Tools((LIGHT, CLOCK), "required"), False, ["switch_light", "get_time"]),
        (Tools((LIGHT, CLOCK), "required", ("get_time",), parallel=False), False, ["get_time"]),
        (Tools((LIGHT, CLOCK), "auto", ("get_time",)), True, ["get_time"]),
    ],
)
def test_the_grammar_allows_what_may_be_called(tools: Tools, talks: bool, calls: list[str]) -> None:
    grammar = tool_grammar(tools)
    assert ('"answer("' in root(grammar)) == talks
    (call,) = re.findall(r"^call ::= (.*)$", grammar, re.M) or [""]
    assert re.findall(r'"(\w+)\("', call) == calls
    assert ("{0,7}" in root(grammar)) == (tools.parallel and bool(calls))


def test_schemas_of_many_tools_do_not_mix() -> None:
    """Rules are kept by the identity of what they are about, which Python gives away again once that is gone."""
    tools = tuple(
        Tool(f"f{n}", "", {"properties": {f"only_{n}": {"type": "string"}}, "required": [f"only_{n}"]})
        for n in range(64)
    )
    grammar = tool_grammar(Tools(tools))
    for n in range(64):
        assert grammar.count(f'"\\"only_{n}\\":"') == 1


LOOSE = {"type": "object", "properties": {"a": {"type": "string", "format": "ipv6"}, "b": {"not": {}}}}


def test_what_a_tool_cannot_be_held_to_is_left_free_unless_it_is_strict() -> None:
    grammar = tool_grammar(Tools((Tool("f", "", LOOSE),)))
    assert '"\\"a\\":" space string' in grammar
    assert '"\\"b\\":" space value' in grammar
    with pytest.raises(InvalidValue, match="function 'g' at /properties/a: 'format' must be one of") as caught:
        tool_grammar(Tools((Tool("f", "", LOOSE), Tool("g", "", LOOSE, strict=True))))
    assert (caught.value.param, caught.value.code) == ("tools[1].function.parameters", "invalid_function_parameters")


@pytest.mark.parametrize(
    "schema",
    [None, {}, {"type": "object"}, {"type": "object", "properties": {}, "additionalProperties": False}],
)
def test_where_no_argument_is_named_none_is_made_up(schema: Any) -> None:
    assert '"f(" "{}" ")"' in tool_grammar(Tools((Tool("f", "", schema),)))


def deep(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"in": schema}}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        deep(300),
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^.*a.{20}$"}}},
        {"type": "object", "properties": {f"k{n}": {"type": "string", "maxLength": 20_000} for n in range(500)}},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"allOf": [{}]}}, "required": ["a", "z"]},
    ],
    ids=["deep", "states", "lengths", "odd"],
)
@pytest.mark.parametrize("count", [1, 128])
def test_hostile_parameters_are_left_free_soon(schema: dict[str, Any], count: int) -> None:
    started_s = time.process_time()
    grammar = tool_grammar(Tools(tuple(Tool(f"f{n}", "", schema) for n in range(count))))
    assert time.process_time() - started_s < 3
    defined = set(re.findall(r"^(\w+) ::=", grammar, re.M))
    used = set(re.findall(r"\b[rf]\d+\b", re.sub(r'"(\\.|[^"\\])*"', "", grammar)))
    assert used <= defined


def read(text: str, cuts: list[int] | None = None, **how: Any) -> tuple[str, list[tuple[str, str]], ToolReader]:
    reader = ToolReader("answer", **how)
    ends = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts or range(len(text)))})
    said, calls = "", []
    for start, end in pairwise(ends):
        for event in reader.feed(text[start:end]):
            if isinstance(event, TextDelta):
                assert event.text
                said += event.text
            else:
                assert isinstance(event, CallDelta)
                if event.name is not None:
                    assert event.index == len(calls)
                    calls.append([event.name, ""])
                calls[event.index][1] += event.arguments
    return said, [tuple(call) for call in calls], reader


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=8,
)
CUTS = st.lists(st.integers(0, 500), max_size=12)


@given(st.text(), CUTS)
def test_words_come_out_as_they_were_meant(text: str, cuts: list[int]) -> None:
    said, calls, reader = read(answer_call("answer", text).replace("\\u00", "\\u00"), cuts)
    if not re.search(r"[\x00-\x1f\x7f]", text.translate(dict.fromkeys(map(ord, "\n\t\r\b\f")))):
        assert said == text
    assert calls == []
    assert not reader.cut


@given(st.lists(st.tuples(st.sampled_from(["f", "get_time"]), st.dictionaries(st.text(), ANY_JSON)), min_size=1), CUTS)
def test_calls_come_out_as_they_were_made(made: list[tuple[str, dict[str, object]]], cuts: list[int]) -> None:
    written = [(name, json.dumps(arguments)) for name, arguments in made]
    said, calls, reader = read("\n".join(f"{name}({arguments})" for name, arguments in written), cuts)
    assert said == ""
    assert calls == written
    assert not reader.cut


@given(ANY_JSON, CUTS)
def test_json_as_an_answer_comes_out_as_it_is(value: object, cuts: list[int]) -> None:
    text = json.dumps(value)
    assert read(f"answer({text})", cuts, json_answer=True)[:2] == (text, [])


@pytest.mark.parametrize(
    ("text", "cut"), [("f({", True), ('f({"a": 1', True), ("get_ti", True), ("f({})", False), ('answer("Hel', False)]
)
def test_a_call_that_was_broken_off_is_told(text: str, cut: bool) -> None:
    assert read(text)[2].cut is cut


def test_an_answer_may_be_json_where_tools_are_offered() -> None:
    grammar = tool_grammar(TOOLS, JsonForm(LIGHT.parameters))
    assert re.search(r'^root ::= "answer\(" r0 "\)" \| call', grammar)


def test_a_form_is_shown_with_what_is_said_of_it_and_not_for_pages() -> None:
    text = form_text(JsonForm(LIGHT.parameters))
    assert '  "room": Literal["kitchen", "hall"]  # which one\n  "level": int\n}' in text
    wide = {"type": "object", "properties": {f"k{n}": {"type": "integer"} for n in range(400)}}
    assert len(form_text(JsonForm(wide))) < 1600
    assert form_text(JsonForm({"type": "array", "items": {"type": "string"}})).endswith(": list[str]")
    referring = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"b": {"type": "string"}}}}}
    assert '"b": str' in form_text(JsonForm(referring))


def test_a_form_stands_between_the_tools_and_the_caller() -> None:
    said = [Message.of("system", "Be kind."), Message.of("user", "Hi")]
    form = JsonForm(LIGHT.parameters)
    assert [message.text for message in with_tools(with_form(said, form), TOOLS)][:3] == [
        tools_text(TOOLS),
        form_text(form),
        "Be kind.",
    ]
    assert with_form(said, JsonForm()) == said


@pytest.mark.parametrize(
    ("sampling", "penalty"),
    [
        (Sampling(), REPEAT_PENALTY),
        (Sampling(temperature=0.2), REPEAT_PENALTY),
        (Sampling(temperature=0.0), 1.0),
        (Sampling(form=JsonForm()), 1.0),
        (Sampling(tools=TOOLS), 1.0),
    ],
)
def test_what_stands_in_the_prompt_is_not_held_against_an_answer(sampling: Sampling, penalty: float) -> None:
    """llama.cpp's penalty looks back into the prompt, where `answer(` and the user's own words have just been."""
    body = request_body([Message.of("user", "Light on!")], sampling, 10, hears_audio=False)
    assert body["repeat_penalty"] == penalty
