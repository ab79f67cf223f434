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
MOST_PARTS = 500
"""Parts of one tool's schema that are shown."""
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
    offered = tools is not None and bool(tools.offered)
    name = answer_name(tools.offered) if tools is not None and offered else None
    called: dict[str, str] = {}  # the latest call of each id: some clients number the calls of each answer anew
    system: list[Message] = []
    rest: list[Message] = []
    for message in conversation:
        called |= {call.id: call.name for call in message.calls}
        if message.role == "tool":
            rest.append(
                Message.of("user", f"{called.get(message.call_id or '', 'The function')} returned: {message.text}")
            )
        elif message.role == "assistant":
            rest.append(_in_words(message, name))
        else:
            (system if message.role == "system" and offered else rest).append(message)
    if tools is None or name is None:
        return rest
    examples = [
        message
        for asked, said in _EXAMPLES
        for message in (Message.of("user", asked), Message.of("assistant", answer_call(name, said)))
    ]
    return [Message.of("system", tools_text(tools)), *system, *examples, *rest]


def tools_text(tools: Tools) -> str:
    """The functions and how to use them. The same for every choice among the same tools, for the prompt cache."""
    stubs = [_ANSWER_STUB.format(name=answer_name(tools.offered)), *(_stub(tool) for tool in tools.offered)]
    return "\n\n".join([_INTRODUCTION, *stubs, _INSTRUCTION])


def answer_call(name: str, text: str) -> str:
    """An answer in words as the call that the model writes."""
    return f"{name}({json.dumps(text, ensure_ascii=False)})"


def _in_words(message: Message, name: str | None) -> Message:
    """`name`: what the function that talks is called; None: words are written as they are."""
    said = message.text
    spelt = [answer_call(name, said) if name is not None else said] if said.strip() else []
    return Message.of("assistant", "\n".join([*spelt, *(_spelt(call) for call in message.calls)]))


def _spelt(call: ToolCall) -> str:
    try:
        arguments = json.dumps(json.loads(call.arguments or "{}"), ensure_ascii=False)
    except (ValueError, RecursionError):
        arguments = json.dumps(call.arguments, ensure_ascii=False)  # a caller's own text, kept as what it is
    return f"{call.name}({arguments})"


def _stub(tool: Tool) -> str:
    schema = _dict(tool.parameters)
    properties = _dict(schema.get("properties"))
    required: Any = schema.get("required") or ()
    types = _Types(schema)
    parameters = [
        f"{name}: {types.shown(inside)}{'' if name in required else ' = None'}" for name, inside in properties.items()
    ]
    told = [f"{name}: {_told(inside)}" for name, inside in properties.items() if _told(inside)]
    document = " ".join((tool.description.strip(), "; ".join(told))).strip()
    head = f"def {tool.name}({', '.join(parameters)}):"
    return f'{head}\n    """{document}"""' if document else f"{head}\n    ..."


def _told(schema: object) -> str:
    return str(_dict(schema).get("description") or "").strip()


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
            return self.shown(self._followed(given["$ref"]), deep + 1)
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

    def _followed(self, reference: object) -> object:
        here: Any = self._root
        for step in str(reference).split("/")[1:]:
            here = _dict(here).get(step.replace("~1", "/").replace("~0", "~"))
        return here


def _dict(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, Mapping) else {}
