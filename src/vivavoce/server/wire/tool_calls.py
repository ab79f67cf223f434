"""Tool calls of an answer: gathered whole, and as deltas that every official client's stream helper joins.

Knows no route and no engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.think.base import FinishReason
from vivavoce.turn import Called


@dataclass(frozen=True, slots=True)
class CallStyle:
    """How calls are told. legacy: in the form that came before tools. forced: one function was named to be called; the
    original then says "stop" where it would say "tool_calls"."""

    legacy: bool = False
    forced: bool = False

    def finish_reason(self, reason: FinishReason, *, called: bool) -> str:
        if not called or reason != "stop" or self.forced:
            return reason
        return "function_call" if self.legacy else "tool_calls"

    def delta(self, called: Called) -> dict[str, Any]:
        """The id, the type and the name come once, because stream helpers join repeated strings."""
        function: dict[str, Any] = {"arguments": called.arguments}
        if called.name is not None:
            function = {"name": called.name} | function
        if self.legacy:
            return {"function_call": function}
        head = {} if called.name is None else {"id": called.id, "type": "function"}
        return {"tool_calls": [{"index": called.index} | head | {"function": function}]}

    def members(self, calls: Sequence[WholeCall]) -> dict[str, Any]:
        """What a whole message says of its calls; nothing where there are none."""
        if not calls:
            return {}
        if self.legacy:
            return {"function_call": {"name": calls[0].name, "arguments": calls[0].arguments}}
        return {
            "tool_calls": [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in calls
            ]
        }


@dataclass(slots=True)
class WholeCall:
    id: str
    name: str
    arguments: str = ""


@dataclass(slots=True)
class Calls:
    """The calls of one answer, gathered from their pieces."""

    whole: list[WholeCall] = field(default_factory=list[WholeCall])

    def feed(self, called: Called) -> None:
        if called.name is not None:
            self.whole.append(WholeCall(called.id, called.name))
        self.whole[called.index].arguments += called.arguments
