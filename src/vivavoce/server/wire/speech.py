"""The body of `POST /v1/audio/speech`, and the events of its answer as server-sent events. Shapes only."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pybase64
from pydantic import BaseModel, ConfigDict, Field

from vivavoce.server.wire.chat_request import VoiceReference
from vivavoce.server.wire.events import event
from vivavoce.usage import Usage


class SpeechRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str
    input: Annotated[str, Field(min_length=1)]
    voice: str | VoiceReference
    instructions: Annotated[str, Field(max_length=4096)] | None = None
    """Taken, without effect: none of our voices can be told how to speak."""
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = None
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None
    stream_format: Literal["audio", "sse"] | None = None

    @property
    def voice_name(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id

    @property
    def format(self) -> str:
        """As the codec names it."""
        asked = self.response_format or "mp3"
        return "pcm16" if asked == "pcm" else asked


def sound_event(data: bytes) -> bytes:
    return event({"type": "speech.audio.delta", "audio": pybase64.b64encode_as_string(data)})


def done_event(usage: Usage) -> bytes:
    counts: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }
    return event({"type": "speech.audio.done", "usage": counts})
