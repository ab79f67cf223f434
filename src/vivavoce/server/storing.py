"""An answer on its way into the ledger, where the request asks for it (`store`): kept before the client has its end.

What was not answered to the end is not stored. An answer that cannot be stored is still given, and the log says so.
Recordings are not stored, only what was heard in them; nor is the sound of the answer, which has an id of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from vivavoce.conversation import AudioPart, Message
from vivavoce.errors import StorageFailed
from vivavoce.ledger.completions import About, Completions, Stored
from vivavoce.logs import REQUEST_ID
from vivavoce.server.gathering import Gathered
from vivavoce.server.wire.chat_request import AssistantMessage, ChatRequest, ToolMessage, WireMessage
from vivavoce.server.wire.chat_response import ReplyHead, completion
from vivavoce.server.wire.stored import stored_message
from vivavoce.server.wire.tools import Modal
from vivavoce.turn import Turn

log = logging.getLogger(__name__)


class Storing:
    """One answer to be stored for its owner for `ttl_s` seconds."""

    def __init__(
        self, completions: Completions, owner: bytes, body: ChatRequest, turn: Turn, head: ReplyHead, ttl_s: int
    ) -> None:
        self._completions = completions
        self._owner = owner
        self._body = body
        self._turn = turn
        self._head = head
        self._ttl_s = ttl_s

    async def store(self, gathered: Gathered, expires_at: int | None) -> None:
        """Put the answer into the ledger. `expires_at`: until when its sound can be had, in Unix seconds; None: it has
        none. Once this returns, the answer is listed."""
        if gathered.finished is None:
            return
        sound = None if expires_at is None else b""
        answer = completion(self._head, gathered.answers, sound, expires_at, gathered.heard, gathered.finished.usage)
        about = About(self._head.completion_id, self._body.model, self._body.metadata or {})
        stored = Stored(about, answer | _asked(self._body))
        messages = _messages(self._body.messages, self._turn, gathered)
        over_at = int(time.time()) + self._ttl_s
        try:
            await asyncio.to_thread(self._completions.keep, self._owner, stored, messages, expires_at=over_at)
        except StorageFailed as error:
            log.error("an answer was given but not stored: %s", error.message)


def _asked(body: ChatRequest) -> dict[str, Any]:
    """What a stored answer also says: how it was asked for."""
    named = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "tools", "tool_choice")
    dumped = body.model_dump(mode="json", by_alias=True, include={*named, "response_format", "user"})
    if isinstance(body.tool_choice, Modal):
        dumped["tool_choice"] = body.tool_choice.type  # it was one word
    return {
        "request_id": REQUEST_ID.get(),
        **{name: dumped[name] for name in named},
        "response_format": dumped["response_format"],
        "input_user": dumped["user"],
    }


def _messages(asked: list[WireMessage], turn: Turn, gathered: Gathered) -> list[dict[str, Any]]:
    """The conversation, each recording as what was heard in it."""
    heard = {(part.message, part.part): part.heard.transcript for part in gathered.heard}
    messages: list[dict[str, Any]] = []
    for number, (wire, message) in enumerate(zip(asked, turn.conversation, strict=True)):
        texts = [
            heard.get((number, index), "") if isinstance(part, AudioPart) else part.text
            for index, part in enumerate(message.parts)
        ]
        messages.append(stored_message(wire.role, texts, wire.name, _calls(wire, message)))
    return messages


def _calls(wire: WireMessage, message: Message) -> dict[str, Any]:
    """What was called in a message, and which call it answers, in the form it came in."""
    if isinstance(wire, ToolMessage):
        return {"tool_call_id": wire.tool_call_id}
    if not isinstance(wire, AssistantMessage) or not message.calls:
        return {}
    return wire.model_dump(mode="json", include={"tool_calls", "function_call"}, exclude_none=True)
