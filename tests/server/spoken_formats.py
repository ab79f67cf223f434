"""Answers of the real server in every format, through the official client, whole and streamed."""

from __future__ import annotations

import base64

import numpy as np
from scripted_app import ScriptedServer, spoken

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.speak.base import Voice
from vivavoce.testing import ScriptedSpeaker

MODEL = "gpt-4o-mini-audio-preview"

LATE_S = {
    **dict.fromkeys(("wav", "pcm16", "flac", "opus", "whole mp3"), 0.0),
    "streamed mp3": 529 / 24_000,
    "aac": 1024 / 24_000,
}
"""How much later the sound starts in the file than it was spoken: encoder delay that the format cannot state."""

FRAME_S = {**dict.fromkeys(("wav", "pcm16", "flac", "opus", "whole mp3"), 0.0), "streamed mp3": 0.024, "aac": 0.0427}
"""How long a frame is: the last one is filled up with silence, and the format cannot say from where."""


class SweepingSpeaker(ScriptedSpeaker):
    """Sings upwards in place of words, so that no two moments of an answer sound alike."""

    voices = {"af_heart": Voice("af_heart", "en-US", "female", "a sweep")}  # noqa: RUF012

    def __init__(self) -> None:
        self.spoken: list[tuple[str, str, float]] = []
        self._from_hz = 200.0

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        times = np.arange(int(0.03 * len(text) * SPEAK_RATE_HZ)) / SPEAK_RATE_HZ
        sweep = 0.3 * np.sin(2 * np.pi * (self._from_hz + 300 * times) * times)
        self._from_hz = 200.0 + (self._from_hz + 170) % 600
        return Audio(sweep.astype(np.float32), SPEAK_RATE_HZ)


def kind(fmt: str, streamed: bool) -> str:
    """The key of `LATE_S` and `FRAME_S`."""
    return f"{'streamed' if streamed else 'whole'} mp3" if fmt == "mp3" else fmt


def whole(server: ScriptedServer, fmt: str) -> bytes:
    done = server.client.chat.completions.create(
        model=MODEL, modalities=["text", "audio"], audio={"voice": "alloy", "format": fmt}, messages=spoken()
    )
    return base64.b64decode(done.choices[0].message.audio.data, validate=True)


def pieces(server: ScriptedServer, fmt: str) -> list[str]:
    """The base64 of each chunk of a stream."""
    stream = server.client.chat.completions.create(
        model=MODEL,
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": fmt},
        messages=spoken(),
        stream=True,
    )
    # As plain values: only newer clients know the audio of a chunk by name.
    deltas = [chunk.model_dump()["choices"][0]["delta"] for chunk in stream if chunk.choices]
    sounds = [(delta.get("audio") or {}).get("data") for delta in deltas]
    return [sound for sound in sounds if sound]


def answered(server: ScriptedServer, fmt: str, streamed: bool) -> bytes:
    if not streamed:
        return whole(server, fmt)
    return b"".join(base64.b64decode(piece, validate=True) for piece in pieces(server, fmt))
