"""What the tools of a request mean: what may be called, and which calls and results belong together.

Knows no engine and no response.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vivavoce.conversation import Message, TextPart, Tool, ToolCall, Tools
from vivavoce.errors import InvalidRequest, InvalidValue
from vivavoce.server.wire.chat_request import (
    AssistantMessage,
    ChatRequest,
    FunctionMessage,
    ToolMessage,
    WireMessage,
)
from vivavoce.server.wire.tools import AllowedChoice, Modal, NamedChoice

LEGACY_ID = "function_call"
"""The id of calls that came without one: at most one of them is open at a time."""


def read_tools(body: ChatRequest) -> Tools | None:
    """What an answer may call; None where no tools are offered. Raises `InvalidRequest`, `InvalidValue`."""
    if body.tools and body.functions:
        raise InvalidRequest("'functions' is the old name of 'tools': use one of them.", param="functions")
    offered = _offered(body)
    field, choice = _choice(body)
    if not offered:
        if choice is not None and not (isinstance(choice, Modal) and choice.type != "required"):
            named = "tools" if field == "tool_choice" else "functions"
            raise InvalidRequest(f"'{field}' is only allowed when '{named}' are specified.", param=field)
        return None
    parallel = body.parallel_tool_calls is not False and not body.functions
    names = {tool.name for tool in offered}
    match choice:
        case None:
            return Tools(offered, parallel=parallel)
        case Modal():
            return Tools(offered, choice.type, parallel=parallel)
        case NamedChoice():
            only = (_known(choice.function.name, names, field),)
            return Tools(offered, "required", only, parallel=False)
        case AllowedChoice():
            allowed = choice.allowed_tools
            only = tuple(_known(tool.function.name, names, field) for tool in allowed.tools)
            return Tools(offered, allowed.mode, only, parallel)


def _choice(body: ChatRequest) -> tuple[str, Modal | NamedChoice | AllowedChoice | None]:
    if body.functions or (body.tool_choice is None and body.function_call is not None):
        return "function_call", body.function_call
    return "tool_choice", body.tool_choice


def _known(name: str, names: set[str], field: str) -> str:
    if name not in names:
        raise InvalidValue(f"Invalid '{field}': no function '{name[:64]}' is among the tools.", param=field)
    return name


def _offered(body: ChatRequest) -> tuple[Tool, ...]:
    if body.functions:
        tools = tuple(Tool(one.name, one.description or "", one.parameters) for one in body.functions)
        paths = [f"functions[{index}].name" for index in range(len(tools))]
    else:
        functions = [tool.function for tool in body.tools or ()]
        tools = tuple(Tool(one.name, one.description or "", one.parameters, bool(one.strict)) for one in functions)
        paths = [f"tools[{index}].function.name" for index in range(len(tools))]
    counted = Counter(tool.name for tool in tools)
    seen: set[str] = set()
    for tool, path in zip(tools, paths, strict=True):
        if tool.name in seen:
            raise InvalidValue(f"Invalid '{path}': {counted[tool.name]} tools have the name '{tool.name}'.", param=path)
        seen.add(tool.name)
    return tools


def read_calls(message: AssistantMessage) -> tuple[ToolCall, ...]:
    """The calls of an earlier answer, in either form."""
    if message.tool_calls:
        return tuple(ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls)
    if message.function_call is not None:
        return (ToolCall(LEGACY_ID, message.function_call.name, message.function_call.arguments),)
    return ()


def read_result(message: ToolMessage | FunctionMessage) -> Message:
    """What a call came to."""
    call_id = message.tool_call_id if isinstance(message, ToolMessage) else LEGACY_ID
    return Message("tool", tuple(TextPart(part.text) for part in message.content or ()), call_id=call_id)


def check_results(messages: Sequence[WireMessage]) -> None:
    """Each result must follow the answer that called for it, and each call must have its result before anything else
    is said. Raises `InvalidRequest`."""
    asker, open_ids = 0, set[str]()
    known = set[str]()
    for number, message in enumerate(messages):
        path = f"messages[{number}]"
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in known:
                raise InvalidRequest(
                    f"Invalid '{path}': a message with role 'tool' must follow a message whose 'tool_calls' have its "
                    f"'tool_call_id'.",
                    param=f"{path}.tool_call_id" if known else f"{path}.role",
                )
            open_ids.discard(message.tool_call_id)
            continue
        if isinstance(message, FunctionMessage):
            continue
        _check_answered(open_ids, asker)
        calls = message.tool_calls or [] if isinstance(message, AssistantMessage) else []
        asker, open_ids = number, {call.id for call in calls}
        known = set(open_ids)
    _check_answered(open_ids, asker)


def _check_answered(open_ids: set[str], asker: int) -> None:
    if open_ids:
        missing = ", ".join(sorted(open_ids)[:5])
        raise InvalidRequest(
            f"An assistant message with 'tool_calls' must be followed by tool messages that answer each "
            f"'tool_call_id'. No answer to: {missing[:300]}.",
            param=f"messages[{asker}].tool_calls",
        )
