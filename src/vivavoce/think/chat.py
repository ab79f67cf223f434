"""A conversation as chat messages that every model's template accepts.

Chat templates differ: some refuse a system message that is not the first, two turns of one role in a row,
or a conversation that does not begin with the user. `chat_turns` brings any conversation into the form that
all of them take: at most one system message, first; then user and assistant in turn, user first and last. Calls and
their results stay as they are, for servers that take them; for those that take words alone: `think.tool_prompt`.

Knows no engine and no wire format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vivavoce.conversation import Message, Part, Role, TextPart, ToolCall

OPENING = "Begin."
"""What the user is taken to have said where the assistant speaks first, or there is a system message only."""

CONTINUATION = "Go on."
"""What the user is taken to have said where the assistant spoke last and is asked to speak again."""

_CONTROL_TOKEN = re.compile(r"<\|([^\s<>|]{1,40})\|>")


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message of a normalised conversation."""

    role: Role
    parts: tuple[Part, ...]
    calls: tuple[ToolCall, ...] = ()
    call_id: str | None = None

    @property
    def text(self) -> str:
        return Message(self.role, self.parts).text


def chat_turns(conversation: Sequence[Message]) -> list[ChatTurn]:
    """Normalise: system messages gathered into one at the front, in their order; neighbours of one role
    joined; messages without any part or text dropped; a user turn first, and last where no result is. Never empty."""
    system = [part for message in conversation if message.role == "system" for part in _said(message)]
    turns: list[ChatTurn] = []
    for message in conversation:
        if message.role == "system":
            continue
        parts = _said(message)
        if message.role == "tool" or message.calls:
            turns.append(ChatTurn(message.role, parts, message.calls, message.call_id))
        elif parts and turns and turns[-1].role == message.role and not turns[-1].calls:
            turns[-1] = replace(turns[-1], parts=turns[-1].parts + parts)
        elif parts:
            turns.append(ChatTurn(message.role, parts))
    if not turns or turns[0].role != "user":
        turns.insert(0, ChatTurn("user", (TextPart(OPENING),)))
    if turns[-1].role not in ("user", "tool"):
        turns.append(ChatTurn("user", (TextPart(CONTINUATION),)))
    if system:
        turns.insert(0, ChatTurn("system", tuple(system)))
    return turns


def _said(message: Message) -> tuple[Part, ...]:
    return tuple(part for part in message.parts if not isinstance(part, TextPart) or part.text.strip())


def encodable(text: str) -> str:
    """`text` without lone surrogates, which JSON can carry but UTF-8, and so a tokenizer, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def without_control_tokens(text: str) -> str:
    """`text` with `<|name|>` pulled apart to `<| name |>`.

    llama.cpp reads such spellings anywhere in a prompt as the control tokens that separate turns, so that
    text from outside could close its own turn and open one as the system. Spaced out they are ordinary words.
    """
    return _CONTROL_TOKEN.sub(r"<| \1 |>", text)
