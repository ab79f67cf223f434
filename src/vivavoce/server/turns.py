"""What a request to `/v1/chat/completions` means: its body, read into a `Turn`.

Recordings are decoded, earlier answers looked up by their id. Runs nothing, and knows no response.
"""

from __future__ import annotations

import asyncio

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.conversation import AudioPart, Message, Part, TextPart
from vivavoce.counting import count_audio, counted_texts
from vivavoce.errors import AudioNotFound, AudioTooLong
from vivavoce.server.inline_audio import read_inline
from vivavoce.server.parameters import read_sampling
from vivavoce.server.service import Service
from vivavoce.server.tools import read_calls, read_result
from vivavoce.server.wire.chat_request import (
    AssistantMessage,
    AudioContent,
    ChatRequest,
    FunctionMessage,
    RefusalContent,
    ToolMessage,
    UserMessage,
)
from vivavoce.speak.saying import Saying
from vivavoce.turn import Engines, Turn
from vivavoce.usage import Usage, about_tokens


async def read_turn(body: ChatRequest, service: Service, engines: Engines, owner: bytes) -> Turn:
    """The turn that a body asks for. Raises `InvalidValue`, `UnsupportedFormat`, `AudioTooLong`, `AudioNotFound`."""
    saying = None
    if body.wants_audio and body.audio is not None:
        saying = Saying.with_voice(
            body.audio.voice_name, engines.speaker.voices, speed=body.audio.speed or 1.0, param="audio.voice"
        )
    room_s = service.limits.audio_s
    messages: list[Message] = []
    for number, message in enumerate(body.messages):
        if isinstance(message, UserMessage):
            parts: list[Part] = []
            for index, part in enumerate(message.content):
                if isinstance(part, AudioContent):
                    param = f"messages[{number}].content[{index}].input_audio.data"
                    audio = await asyncio.to_thread(_decode, part, param, room_s, service.limits.audio_s)
                    room_s -= audio.duration_s
                    parts.append(AudioPart(audio, param))
                else:
                    parts.append(TextPart(part.text))
            messages.append(Message("user", tuple(parts)))
        elif isinstance(message, AssistantMessage):
            text = await _assistant_text(message, f"messages[{number}]", service, owner)
            messages.append(Message("assistant", (TextPart(text),), read_calls(message)))
        elif isinstance(message, ToolMessage | FunctionMessage):
            messages.append(read_result(message))
        else:
            messages.append(Message("system", tuple(TextPart(part.text) for part in message.content)))
    return Turn(
        conversation=messages,
        sampling=read_sampling(body),
        saying=saying,
        speaking_note=service.speaking_note,
        choices=body.choices,
        hearing_note=service.hearing_note if body.hearing_note is None else body.hearing_note,
        ask_back=service.ask_back if body.ask_back is None else body.ask_back,
    )


def expected_usage(turn: Turn) -> Usage:
    """What a turn will be counted as at most: its recordings exactly, its text, calls and tools by their length, and
    the cap on its answer; 0 where there is none."""
    texts = counted_texts(turn.conversation, turn.sampling.tools)
    return Usage(
        input_text_tokens=sum(map(about_tokens, texts)),
        input_audio_tokens=count_audio(turn.conversation),
        output_text_tokens=(turn.sampling.max_tokens or 0) * turn.choices,
    )


def _decode(part: AudioContent, param: str, room_s: float, limit_s: float) -> Audio:
    raw = read_inline(part.input_audio.data, param)
    if room_s <= 0:
        raise AudioTooLong(f"The recordings are together longer than the limit of {limit_s:g} s.", param=param)
    return decode(raw, param=param, max_duration_s=room_s, declared=part.input_audio.format)


async def _assistant_text(message: AssistantMessage, path: str, service: Service, owner: bytes) -> str:
    """Words of an earlier answer: those of its audio id, or its content where the id is unknown."""
    parts = message.content or []
    content = "\n".join(part.refusal if isinstance(part, RefusalContent) else part.text for part in parts)
    if message.audio is None:
        return content or message.refusal or ""
    reply = await asyncio.to_thread(service.ledger.replies.find, owner, message.audio.id)
    if reply is None and (service.strict or not content):
        raise AudioNotFound(f"Assistant audio {message.audio.id} not found.", param=f"{path}.audio.id")
    return reply.transcript if reply is not None else content
