"""Tools that are off, in every way: the field is named, and nothing is thought."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_app import ScriptedServer

MODEL = "gpt-4o-mini-audio-preview"
USER = {"role": "user", "content": "hi"}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def tool(name: Any = "f", parameters: Any = None, **more: Any) -> dict[str, Any]:
    given = {} if parameters is None else {"parameters": parameters}
    return {"type": "function", "function": {"name": name, **given, **more}}


def asking(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": list(messages) or [USER], **fields}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def called(*ids: str, **more: Any) -> dict[str, Any]:
    calls = [{"id": each, "type": "function", "function": {"name": "f", "arguments": "{}"}} for each in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def result(call_id: Any = "c1", content: Any = "ok") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"in": schema}}
    return schema


F = [tool()]
NAME = "tools[0].function.name"
PARAMETERS = "tools[0].function.parameters"
SCHEMA = "invalid_function_parameters"
VALUE, TYPE, MISSING, UNKNOWN = "invalid_value", "invalid_type", "missing_required_parameter", "unknown_parameter"

CASES: list[tuple[str, dict[str, Any], str | None, str, str]] = [
    # what, body, code, param, part of the message
    ("tools in words", asking(tools="all"), TYPE, "tools", "list"),
    ("a tool in words", asking(tools=["f"]), TYPE, "tools[0]", ""),
    ("no type", asking(tools=[{"function": {"name": "f"}}]), MISSING, "tools[0].type", "type"),
    ("a custom tool", asking(tools=[{"type": "custom", "custom": {"name": "f"}}]), VALUE, "tools[0].type", "custom"),
    ("no function", asking(tools=[{"type": "function"}]), MISSING, "tools[0].function", "function"),
    ("no name", asking(tools=[{"type": "function", "function": {}}]), MISSING, NAME, "name"),
    ("an empty name", asking(tools=[tool("")]), VALUE, NAME, "match"),
    ("a name with a space", asking(tools=[tool("get weather")]), VALUE, NAME, "match"),
    ("a name in letters of elsewhere", asking(tools=[tool("wetter_für")]), VALUE, NAME, "match"),
    ("a long name", asking(tools=[tool("f" * 65)]), VALUE, NAME, "match"),
    ("a name that is a number", asking(tools=[tool(5)]), TYPE, NAME, "string"),
    ("two of one name", asking(tools=[tool("g"), tool(), tool("g")]), VALUE, "tools[2].function.name", "'g'"),
    ("an unknown member", asking(tools=[tool(parms={})]), UNKNOWN, "tools[0].function.parms", "parms"),
    ("129 tools", asking(tools=[tool(f"f{n}") for n in range(129)]), VALUE, "tools", "128"),
    ("129 functions", asking(functions=[{"name": f"f{n}"} for n in range(129)]), VALUE, "functions", "128"),
    ("parameters in words", asking(tools=[tool(parameters="a city")]), TYPE, PARAMETERS, ""),
    ("parameters that are a list", asking(tools=[tool(parameters=[])]), TYPE, PARAMETERS, ""),
    ("parameters of no object", asking(tools=[tool(parameters={"type": "string"})]), SCHEMA, PARAMETERS, "'object'"),
    (
        "an unknown type",
        asking(tools=[tool(parameters={"type": "object", "properties": {"a": {"type": "text"}}})]),
        SCHEMA,
        PARAMETERS,
        "function 'f' at /properties/a: 'type' must be",
    ),
    (
        "properties in a list",
        asking(tools=[tool(parameters={"type": "object", "properties": ["a"]})]),
        SCHEMA,
        PARAMETERS,
        "'properties' must be an object",
    ),
    (
        "a reference to nowhere",
        asking(tools=[tool(parameters={**OBJECT, "properties": {"a": {"$ref": "#/$defs/x"}}})]),
        SCHEMA,
        PARAMETERS,
        "leads nowhere",
    ),
    (
        "what a strict tool cannot be held to",
        asking(tools=[tool("g"), tool(parameters={**OBJECT, "not": {}}, strict=True)]),
        SCHEMA,
        "tools[1].function.parameters",
        "'not' is not supported",
    ),
    ("parameters nested without end", asking(tools=[tool(parameters=nested(150))]), VALUE, PARAMETERS, "100 deep"),
    (
        "a number that is too large",
        asking(functions=[{"name": "f", "parameters": {**OBJECT, "default": 2**70}}]),
        VALUE,
        "functions[0].parameters",
        "64 bits",
    ),
    (
        "a form nested without end",
        asking(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": nested(150)}}),
        VALUE,
        "response_format.json_schema.schema",
        "100 deep",
    ),
    (
        "a function's schema",
        asking(functions=[{"name": "f", "parameters": {"type": "array"}}]),
        SCHEMA,
        "functions[0].parameters",
        "'object'",
    ),
    ("an unknown choice", asking(tools=F, tool_choice="maybe"), VALUE, "tool_choice", "'maybe'"),
    ("a choice that is a number", asking(tools=F, tool_choice=5), VALUE, "tool_choice", "object"),
    ("a choice of no type", asking(tools=F, tool_choice={"function": {"name": "f"}}), MISSING, "tool_choice.type", ""),
    ("a choice of no name", asking(tools=F, tool_choice={"type": "function"}), MISSING, "tool_choice.function", ""),
    ("a choice that there is not", asking(tools=F, tool_choice=named("g")), VALUE, "tool_choice", "'g'"),
    (
        "allowed tools that there are not",
        asking(
            tools=F,
            tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [named("g")]}},
        ),
        VALUE,
        "tool_choice",
        "'g'",
    ),
    ("required, without tools", asking(tool_choice="required"), None, "tool_choice", "'tools'"),
    ("named, without tools", asking(tool_choice=named("f"), tools=[]), None, "tool_choice", "'tools'"),
    ("a function named without any", asking(function_call={"name": "f"}), None, "function_call", "'functions'"),
    ("an unknown function", asking(functions=[{"name": "f"}], function_call={"name": "g"}), VALUE, "function_call", ""),
    ("a function forced", asking(functions=[{"name": "f"}], function_call="required"), VALUE, "function_call", ""),
    ("both names of tools", asking(tools=F, functions=[{"name": "g"}]), None, "functions", "old name"),
    ("parallel in words", asking(tools=F, parallel_tool_calls="very"), TYPE, "parallel_tool_calls", "bool"),
    ("a result of nothing", asking(USER, result()), None, "messages[1].role", "must follow"),
    ("a result first of all", asking(result()), None, "messages[0].role", "must follow"),
    (
        "a result of another call",
        asking(USER, called("c1"), result("c2")),
        None,
        "messages[2].tool_call_id",
        "must follow",
    ),
    ("a result without an id", asking(USER, called("c1"), {"role": "tool", "content": "x"}), MISSING,
     "messages[2].tool_call_id", ""),
    ("a result that is a number", asking(USER, called("c1"), result(content=5)), TYPE, "messages[2].content", ""),
    (
        "a result with sound",
        asking(USER, called("c1"), result(content=[{"type": "input_audio", "input_audio": {"data": ""}}])),
        VALUE,
        "messages[2].content[0].type",
        "",
    ),
    ("a call without a result", asking(USER, called("c1"), USER), None, "messages[1].tool_calls", "c1"),
    ("one of two results", asking(USER, called("c1", "c2"), result("c1")), None, "messages[1].tool_calls", "c2"),
    ("a call at the end", asking(USER, called("c1")), None, "messages[1].tool_calls", "c1"),
    ("calls in words", asking(USER, {"role": "assistant", "tool_calls": "f()"}), TYPE, "messages[1].tool_calls", ""),
    (
        "arguments that are no text",
        asking(
            USER,
            {
                "role": "assistant",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": {}}}],
            },
            result(),
        ),
        TYPE,
        "messages[1].tool_calls[0].function.arguments",
        "string",
    ),
    ("a function's result without a name", asking(USER, {"role": "function", "content": "x"}), MISSING,
     "messages[1].name", ""),
]  # fmt: skip


@pytest.mark.proves("tools", "tool_choice", "functions", "function_call")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("body", "code", "param", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_field_is_named(
    server: ScriptedServer, body: dict[str, Any], code: str | None, param: str, said: str, streamed: bool
) -> None:
    thought = len(server.engines.thinker.asked)
    answer = server.http.post("/v1/chat/completions", json={**body, "stream": streamed})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param)
    assert said in error["message"]
    assert error["type"] == "invalid_request_error"
    assert len(server.engines.thinker.asked) == thought


TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("128 tools", asking(tools=[tool(f"f{n}", OBJECT) for n in range(128)])),
    ("an empty list", asking(tools=[], tool_choice="auto")),
    ("a name of every kind of letter", asking(tools=[tool("Get-weather_2")])),
    ("a tool called answer", asking(tools=[tool("answer"), tool("reply"), tool("respond")])),
    ("nothing but a name", asking(tools=F)),
    ("what a free tool cannot be held to", asking(tools=[tool(parameters={**OBJECT, "not": {}})])),
    ("parameters without a type", asking(tools=[tool(parameters={"properties": {"a": {}}})])),
    ("parallel without tools", asking(parallel_tool_calls=True)),
    ("results twice", asking(USER, called("c1"), result(), result())),
    ("ids that come again", asking(USER, called("c1"), result(), called("c1"), result())),
    ("an empty result", asking(USER, called("c1"), result(content=""))),
    ("results and no tools", asking(USER, called("c1"), result())),
    ("arguments that are no JSON", asking(USER, {**called("c1")}, result(), tools=F)),
    ("a name beside a result", asking(USER, called("c1"), {**result(), "name": "f"})),
    ("a function's empty result", asking(USER, {"role": "function", "name": "f", "content": None})),
]


@pytest.mark.proves("tools")
@pytest.mark.parametrize("body", [case[1] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_what_is_right_is_taken(server: ScriptedServer, body: dict[str, Any]) -> None:
    answer = server.http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
