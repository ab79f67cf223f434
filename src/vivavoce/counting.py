"""What a turn took in, counted by the one rule of `usage`. Knows no wire format and no price."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from vivavoce.conversation import AudioPart, Message, TextPart, Tools
from vivavoce.errors import VivaError
from vivavoce.think.base import Thinker, ThoughtEnd
from vivavoce.usage import Usage, audio_input_tokens


def counted_texts(conversation: Sequence[Message], tools: Tools | None) -> list[str]:
    """All that counts as text coming in: the caller's own text, calls and tools, these with their schemas."""
    parts = [part for message in conversation for part in message.parts]
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    texts += [f"{call.name} {call.arguments}" for message in conversation for call in message.calls]
    return texts + ([tool.text for tool in tools.offered] if tools is not None else [])


async def count_text(thinker: Thinker, text: str) -> int | None:
    """Tokens of `text`; None where it can't be told. Counting must not cost an answer, so failures are None as well."""
    try:
        return await thinker.count_tokens(text)
    except VivaError:
        return None


async def count_input(conversation: Sequence[Message], tools: Tools | None, thinker: Thinker) -> tuple[int | None, int]:
    """(tokens of `counted_texts`, or None where the thinker can't count; audio tokens)."""
    counts = await asyncio.gather(*(count_text(thinker, text) for text in counted_texts(conversation, tools)))
    known = [count for count in counts if count is not None]
    return (sum(known) if len(known) == len(counts) else None), count_audio(conversation)


def count_audio(conversation: Sequence[Message]) -> int:
    parts = [part for message in conversation for part in message.parts]
    return sum(audio_input_tokens(part.audio) for part in parts if isinstance(part, AudioPart))


def usage_of(ends: Sequence[ThoughtEnd], text_tokens: int | None, audio_tokens: int, spoken_tokens: int) -> Usage:
    """The prompt counts once however many choices were thought; what came out counts for each."""
    input_text = ends[0].prompt_tokens if text_tokens is None else text_tokens
    return Usage(
        input_text_tokens=input_text,
        input_audio_tokens=audio_tokens,
        input_cached_tokens=min(ends[0].cached_tokens, input_text),
        output_text_tokens=sum(end.completion_tokens for end in ends),
        output_audio_tokens=spoken_tokens,
    )
