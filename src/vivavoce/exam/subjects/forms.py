"""`structured` and `tools`: a spoken request becomes JSON by a schema, or the right call of the right tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from vivavoce.bench.tool_requests import MadeCall, ToolRequest, judge, offered_tools, tool_requests
from vivavoce.exam.answers import read_json
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Sound
from vivavoce.exam.metrics import Drop, Ratio
from vivavoce.exam.tasks import Judgement, Sources, Task, content

STRUCTURED = "structured"
TOOLS = "tools"

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def structured_pool(sources: Sources) -> list[Item]:
    return [
        _item(STRUCTURED, sources, row["form"], number, row["ask"], {"form": row["form"], "fields": row["fields"]})
        for number, row in enumerate(content(STRUCTURED)["items"])
    ]


def tools_pool(sources: Sources) -> list[Item]:
    return [
        _item(
            TOOLS,
            sources,
            request.tool or "no tool",
            number,
            request.text,
            {"tool": request.tool, "arguments": {name: list(values) for name, values in request.arguments.items()}},
        )
        for number, request in enumerate(tool_requests())
    ]


def _item(task: str, sources: Sources, group: str, number: int, ask: str, key: dict[str, Any]) -> Item:
    card = content(task)["card"]
    name = f"{task}/{number:02d}"
    voice = sources.voice("en", name)
    sound = Sound(text=ask, voice=voice) if voice else None
    facets = {"voice": voice} if voice else {}
    return Item(name, task, group, "en", ask, key, "synthetic", card["licence"], card["checked_by"], sound, facets)


def schema_of(form: str) -> dict[str, Any]:
    """A form's schema: every field required, and no other allowed."""
    properties: dict[str, Any] = content(STRUCTURED)["forms"][form]
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def structured_request(item: Item) -> Request:
    system = f"Fill in the form from what the caller says: {item.key['form']}. Write numbers as digits."
    return Request(system=system, schema=schema_of(item.key["form"]), max_tokens=300)


def structured_score(item: Item, reply: Reply) -> Judgement:
    """valid: JSON that the schema allows; fields_right of fields; right: valid, and every field right."""
    wanted: dict[str, Any] = item.key["fields"]
    try:
        given = read_json(reply.text)
    except ValueError:
        return Judgement({"valid": 0.0, "right": 0.0, "fields_right": 0.0, "fields": float(len(wanted))})
    members = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    properties: dict[str, Any] = schema_of(item.key["form"])["properties"]
    valid = members.keys() == properties.keys() and all(fits(members[name], properties[name]) for name in properties)
    right = sum(name in members and _same(members[name], value) for name, value in wanted.items())
    values = {"valid": float(valid), "right": float(valid and right == len(wanted))}
    return Judgement({**values, "fields_right": float(right), "fields": float(len(wanted))})


def fits(value: object, schema: Mapping[str, Any]) -> bool:
    """By hand, for the few words that our forms use: type and enum."""
    if not isinstance(value, _TYPES[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return False
    return "enum" not in schema or value in schema["enum"]


def _same(given: object, wanted: object) -> bool:
    """One of several right values, where there are several; texts without case, articles and full stops."""
    if isinstance(wanted, list):
        return any(_same(given, one) for one in cast("list[object]", wanted))
    if isinstance(given, str) and isinstance(wanted, str):
        return _plain(given) == _plain(wanted)
    return isinstance(given, bool) == isinstance(wanted, bool) and given == wanted


def _plain(text: str) -> str:
    words = "".join(char if char.isalnum() else " " for char in text.lower()).split()
    return " ".join(word for word in words if word not in ("the", "a", "an"))


def tools_request(item: Item) -> Request:
    return Request(tools=offered_tools(), max_tokens=300)


def tools_score(item: Item, reply: Reply) -> Judgement:
    """tool: the right one, once, or rightly none; right: with the right arguments; valid: as its schema allows."""
    wanted = ToolRequest(item.ask, item.key["tool"], item.key["arguments"])
    found = judge(wanted, [MadeCall(name, arguments) for name, arguments in reply.calls])
    return Judgement({"tool": float(found.tool), "right": float(found.arguments), "valid": float(found.valid)})


TASKS = (
    Task(
        name=STRUCTURED,
        pool=structured_pool,
        modes=("typed", "spoken"),
        score=structured_score,
        headline=Ratio("right_spoken", "every field right when spoken", "right", better="higher", mode="spoken"),
        metrics=(
            Ratio("right_typed", "every field right when typed", "right", better="higher", mode="typed"),
            Ratio("valid", "valid by the schema", "valid", better="higher"),
            Ratio("fields", "fields right when spoken", "fields_right", "fields", better="higher", mode="spoken"),
            Drop("drop", "lost by listening", "right"),
        ),
        request=structured_request,
        by=("voice",),
        also=("right_typed",),
    ),
    Task(
        name=TOOLS,
        pool=tools_pool,
        modes=("typed", "spoken"),
        score=tools_score,
        headline=Ratio("right_spoken", "right call when spoken", "right", better="higher", mode="spoken"),
        metrics=(
            Ratio("right_typed", "right call when typed", "right", better="higher", mode="typed"),
            Ratio("tool", "right tool when spoken", "tool", better="higher", mode="spoken"),
            Ratio("valid", "arguments valid by the schema", "valid", better="higher"),
            Drop("drop", "lost by listening", "right"),
        ),
        request=tools_request,
        by=("voice",),
        also=("right_typed",),
    ),
)
