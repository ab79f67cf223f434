"""Messages, tools and calls as OpenAI-compatible servers have them. Knows no client and no connection."""

from __future__ import annotations

from typing import Any

from vivavoce.conversation import Tool, Tools
from vivavoce.errors import UpstreamFailed
from vivavoce.think.base import CallDelta
from vivavoce.think.chat import ChatTurn, encodable
from vivavoce.think.content import content_of


def message_of(turn: ChatTurn, *, hears_audio: bool) -> dict[str, object]:
    """Raises `EngineFailed` where there is sound and the model does not hear."""
    content = content_of(turn.parts, encodable, hears_audio=hears_audio)
    message: dict[str, object] = {"role": turn.role, "content": content}
    if turn.role == "tool":
        message["tool_call_id"] = turn.call_id
    if turn.calls:
        message["content"] = content or None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls
        ]
    return message


def tools_of(tools: Tools) -> dict[str, object]:
    """The fields of a request that say what may be called."""
    if not tools.offered:
        return {}
    # llama-server takes no named choice and no list of allowed ones: so what may not be called is not offered.
    offered = tools.offered if tools.choice == "none" else tools.callable
    fields: dict[str, object] = {"tools": [_tool(tool) for tool in offered], "tool_choice": tools.choice}
    return fields if tools.parallel or tools.choice == "none" else fields | {"parallel_tool_calls": False}


def _tool(tool: Tool) -> dict[str, object]:
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = dict(tool.parameters)
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


class RemoteCalls:
    """Numbers the calls of one answer from 0, and tells each name once: servers differ in both (Ollama gives every call
    the index 0, some repeat the name with each piece)."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[int, tuple[int, str | None]] = {}

    def read(self, piece: Any) -> CallDelta:
        """One `tool_calls` delta of a chunk. Raises `UpstreamFailed` for a call without a name."""
        index, function = piece.index or 0, piece.function
        name: str | None = (function and function.name) or None
        number, call_id = self._open.get(index, (None, None))
        arguments: str = (function and function.arguments) or ""
        if number is not None and (name is None or piece.id == call_id):
            return CallDelta(number, arguments)
        if name is None:
            raise UpstreamFailed("The thinker called a tool without naming it.")
        self._open[index] = self._count, piece.id
        self._count += 1
        return CallDelta(self._count - 1, arguments, name)
