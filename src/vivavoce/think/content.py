"""What a message holds, as the `content` of an OpenAI chat message: text, or parts with sound as WAV.

OpenAI-compatible servers and llama.cpp take the same form. Knows no engine.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Sequence

import pybase64

from vivavoce.audio import Audio
from vivavoce.conversation import AudioPart, Part
from vivavoce.errors import EngineFailed


def content_of(
    parts: Sequence[Part], clean: Callable[[str], str], *, hears_audio: bool
) -> str | list[dict[str, object]]:
    """A string of one line per part where all is text, else a list of parts. `clean` is applied to each text.

    Raises `EngineFailed` where there is sound and the model does not hear.
    """
    texts = [clean(part.text) for part in parts if not isinstance(part, AudioPart)]
    if len(texts) == len(parts):
        return "\n".join(texts)
    if not hears_audio:
        raise EngineFailed("This thinker does not hear: its conversation must carry what was heard, as text.")
    return [
        _input_audio(part.audio) if isinstance(part, AudioPart) else {"type": "text", "text": clean(part.text)}
        for part in parts
    ]


def _input_audio(audio: Audio) -> dict[str, object]:
    data = pybase64.b64encode_as_string(_wav(audio))
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def _wav(audio: Audio) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate_hz)
        file.writeframes(audio.to_pcm16())
    return buffer.getvalue()
