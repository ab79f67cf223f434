"""Tools as a small model understands them best: as Python functions, one of which is to answer in words.

A model of 1.5 billion parameters that reads JSON schemas and may call or talk mostly talks about calling. Asked for a
call of a function, to which answering belongs, it chooses well (docs/decisions/0025). So where tools are offered,
everything that an assistant said or called is written as calls: `set_timer({"minutes": 5})`, `answer("Four.")`.

The functions stand before anything the caller says, so that a tool list that was seen before is found in the prompt
cache, whatever comes after it. Knows no engine and no grammar.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from vivavoce.conversation import Message, Tool, ToolCall, Tools
from vivavoce.think.schema_types import members_of

ANSWER_NAMES = ("answer", "reply", "respond")
"""What the function that talks is called: the first name that none of the caller's tools has."""

_ANSWER_STUB = 'def {name}(text: str):\n    """Answer a question from your own knowledge, or chat."""'
_INTRODUCTION = "These Python functions are all you can do:"
_INSTRUCTION = "Answer each message with a call of the function that does what the user wants."
_EXAMPLES = (
    ("Hello!", "Hello, what can I do for you?"),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci painted the Mona Lisa."),
    ("What could I do this evening?", "You could watch a film or go for a walk."),
)
"""A conversation before the caller's: without it, talking comes too short beside the tools."""


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
    members = members_of(tool.parameters or {})
    parameters = [f"{each.name}: {each.type}{'' if each.required else ' = None'}" for each in members]
    told = [f"{each.name}: {each.description}" for each in members if each.description]
    document = " ".join((tool.description.strip(), "; ".join(told))).strip()
    head = f"def {tool.name}({', '.join(parameters)}):"
    return f'{head}\n    """{document}"""' if document else f"{head}\n    ..."
