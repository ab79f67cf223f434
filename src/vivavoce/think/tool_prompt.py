"""Tools as a small model understands them best: as Python functions, one of which is to answer in words.

A model of 1.5 billion parameters that reads JSON schemas and may call or talk mostly talks about calling. Asked for a
call of a function, to which answering belongs, it chooses well (docs/decisions/0025). So where tools are offered,
everything that an assistant said or called is written as calls: `set_timer({"minutes": 5})`, `answer("Four.")`.

The functions stand before anything the caller says, so that a tool list that was seen before is found in the prompt
cache, whatever comes after it. Knows no engine and no grammar.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from vivavoce.conversation import Message, Tool, ToolCall, Tools

ANSWER_NAMES = ("answer", "reply", "respond")
"""What the function that talks is called: the first name that none of the caller's tools has."""

_ANSWER_STUB = 'def {name}(text: str):\n    """Answer a question from your own knowledge, or chat."""'
_INTRODUCTION = "These Python functions are all you can do:"
_INSTRUCTION = "Answer each message with a call of the function that does what the user wants."
_EXAMPLES = (
    ("Hello!", "Hello, what can I do for you?"),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci painted the Mona Lisa."),
)
"""A conversation before the caller's: without it, talking comes too short beside the tools."""

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
MOST_DEEP = 4
"""Levels of a schema that are shown; deeper ones are held to all the same."""
MOST_VALUES = 40


def answer_name(tools: Sequence[Tool]) -> str:
    """What the function that talks is called beside `tools`."""
    taken = {tool.name for tool in tools}
    name = next((name for name in ANSWER_NAMES if name not in taken), ANSWER_NAMES[0])
    while name in taken:
        name += "_"
    return name


def with_tools(conversation: Sequence[Message], tools: Tools | None) -> list[Message]:
    """`conversation` in words alone: the tools before it, and calls and their results as text in it."""
    if tools is None or not tools.offered:
        return [_in_words(message, conversation, None) for message in conversation]
    name = answer_name(tools.offered)
    examples = [
        message
        for asked, said in _EXAMPLES
        for message in (Message.of("user", asked), Message.of("assistant", answer_call(name, said)))
    ]
    system = [message for message in conversation if message.role == "system"]
    rest = [_in_words(message, conversation, name) for message in conversation if message.role != "system"]
    return [Message.of("system", tools_text(tools)), *system, *examples, *rest]


def tools_text(tools: Tools) -> str:
    """The functions and how to use them. The same for every choice among the same tools, for the prompt cache."""
    stubs = [_ANSWER_STUB.format(name=answer_name(tools.offered)), *(_stub(tool) for tool in tools.offered)]
    return "\n\n".join([_INTRODUCTION, *stubs, _INSTRUCTION])


def answer_call(name: str, text: str) -> str:
    """An answer in words as the call that the model writes."""
    return f"{name}({json.dumps(text, ensure_ascii=False)})"


def _in_words(message: Message, conversation: Sequence[Message], name: str | None) -> Message:
    """`name`: what the function that talks is called; None: words are written as they are."""
    if message.role == "tool":
        return Message.of("user", f"{_called_by(message.call_id, conversation)} returned: {message.text}")
    if message.role != "assistant":
        return message
    said = message.text
    spelt = [answer_call(name, said) if name is not None else said] if said.strip() else []
    return Message.of("assistant", "\n".join([*spelt, *(_spelt(call) for call in message.calls)]))


def _spelt(call: ToolCall) -> str:
    try:
        arguments = json.dumps(json.loads(call.arguments or "{}"), ensure_ascii=False)
    except (ValueError, RecursionError):
        arguments = json.dumps(call.arguments, ensure_ascii=False)  # a caller's own text, kept as what it is
    return f"{call.name}({arguments})"


def _called_by(call_id: str | None, conversation: Sequence[Message]) -> str:
    """The latest call of that id: some clients number the calls of each answer anew."""
    calls = [call for message in conversation for call in message.calls if call.id == call_id]
    return calls[-1].name if calls else "The function"


def _stub(tool: Tool) -> str:
    schema = cast("dict[str, Any]", tool.parameters or {})
    properties = _dict(schema.get("properties"))
    required: Any = schema.get("required") or ()
    parameters = [
        f"{name}: {_type(inside, schema, 0)}{'' if name in required else ' = None'}"
        for name, inside in properties.items()
    ]
    told = [f"{name}: {_told(inside)}" for name, inside in properties.items() if _told(inside)]
    document = " ".join((tool.description.strip(), "; ".join(told))).strip()
    head = f"def {tool.name}({', '.join(parameters)}):"
    return f'{head}\n    """{document}"""' if document else f"{head}\n    ..."


def _told(schema: object) -> str:
    return str(_dict(schema).get("description") or "").strip()


def _type(schema: object, root: Mapping[str, Any], deep: int) -> str:
    """A schema as a Python type, short rather than complete: the grammar knows the rest."""
    given = _dict(schema)
    if deep > MOST_DEEP or not given:
        return "Any"
    if "$ref" in given:
        return _type(_followed(given["$ref"], root), root, deep + 1)
    if "const" in given or isinstance(given.get("enum"), list):
        values: list[Any] = [given["const"]] if "const" in given else given["enum"]
        return f"Literal[{', '.join(json.dumps(value, ensure_ascii=False) for value in values[:MOST_VALUES])}]"
    for combining in ("anyOf", "oneOf"):
        if isinstance(given.get(combining), list):
            ways = [_type(way, root, deep + 1) for way in given[combining]]
            return " | ".join(dict.fromkeys(ways)) or "Any"
    kinds: Any = given.get("type")
    several = cast("list[Any]", kinds if isinstance(kinds, list) else [kinds])
    named = [_typed(kind, given, root, deep) for kind in several]
    return " | ".join(dict.fromkeys(named))


def _typed(kind: Any, given: Mapping[str, Any], root: Mapping[str, Any], deep: int) -> str:
    if kind == "array":
        return f"list[{_type(given.get('items'), root, deep + 1)}]"
    if kind == "object" or (kind is None and "properties" in given):
        members = [f'"{name}": {_type(one, root, deep + 1)}' for name, one in _dict(given.get("properties")).items()]
        return f"{{{', '.join(members)}}}" if members else "dict"
    return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"


def _followed(reference: object, root: Mapping[str, Any]) -> object:
    here: Any = root
    for step in str(reference).split("/")[1:]:
        here = _dict(here).get(step.replace("~1", "/").replace("~0", "~"))
    return here


def _dict(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
