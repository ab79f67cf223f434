"""The requests of `viva bench tools` and what is right about an answer to them. Knows no server and no engine."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

_ARTICLES = re.compile(r"\b(the|a|an)\b")
_NOT_WORDS = re.compile(r"[^\w\s]")


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """`tool` None: no tool answers it. `arguments`: all that the call must have, each with the right values."""

    text: str
    tool: str | None
    arguments: Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class MadeCall:
    """`arguments`: JSON as the server sent it."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """tool: the right tool, called once, or rightly none. arguments: that, and all of its arguments. valid: whatever
    was called, its arguments are JSON that the tool's schema allows."""

    tool: bool
    arguments: bool
    valid: bool


@cache
def offered_tools() -> tuple[dict[str, Any], ...]:
    """As a request has them in `tools`. Every argument is required, and no other allowed."""
    return tuple(
        {
            "type": "function",
            "function": {
                "name": tool["name"],
                "description": tool["description"],
                "parameters": {
                    "type": "object",
                    "properties": tool["properties"],
                    "required": list(tool["properties"]),
                    "additionalProperties": False,
                },
            },
        }
        for tool in _content()["tools"]
    )


@cache
def tool_requests() -> tuple[ToolRequest, ...]:
    return tuple(
        ToolRequest(each["text"], each.get("tool"), each.get("arguments", {})) for each in _content()["requests"]
    )


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads(files("vivavoce.bench").joinpath("tool_requests.toml").read_text(encoding="utf-8"))


def judge(request: ToolRequest, calls: Sequence[MadeCall]) -> Verdict:
    valid = all(_is_valid(call) for call in calls)
    if request.tool is None:
        return Verdict(not calls, not calls, valid)
    tool = [call.name for call in calls] == [request.tool]
    return Verdict(tool, tool and valid and _all_right(request.arguments, json.loads(calls[0].arguments)), valid)


def _all_right(wanted: Mapping[str, Sequence[object]], given: Mapping[str, object]) -> bool:
    return wanted.keys() == given.keys() and all(
        any(_plain(given[name]) == _plain(value) for value in values) for name, values in wanted.items()
    )


def _plain(value: object) -> object:
    if not isinstance(value, str):
        return value
    return " ".join(_ARTICLES.sub(" ", _NOT_WORDS.sub("", value.casefold())).split())


def _is_valid(call: MadeCall) -> bool:
    """By hand, for the few words that our schemas use."""
    tool = next((tool["function"] for tool in offered_tools() if tool["function"]["name"] == call.name), None)
    try:
        given = json.loads(call.arguments)
    except ValueError:
        return False
    if tool is None or not isinstance(given, dict):
        return False
    properties: dict[str, dict[str, Any]] = tool["parameters"]["properties"]
    members = cast("dict[str, object]", given)
    return members.keys() == properties.keys() and all(_fits(members[name], properties[name]) for name in properties)


def _fits(value: object, schema: Mapping[str, Any]) -> bool:
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    if not isinstance(value, kinds[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return False
    if isinstance(value, int | float) and "minimum" in schema:
        return schema["minimum"] <= value <= schema["maximum"]
    return "enum" not in schema or value in schema["enum"]
