"""Telling voices apart while a recording comes in: windows of a long recording, traced piece by piece.

Gives the windows that tracing the whole at once would give, and holds a few seconds of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.listen.speakers.base import FRAME_SAMPLES, HOP_SAMPLES, WINDOW_SAMPLES, Diarizer, VoiceWindow


class Tracer:
    """windows: what was traced before, when this goes on where another stopped. `position`: of the next window."""

    def __init__(self, diarizer: Diarizer, windows: Sequence[VoiceWindow] = ()) -> None:
        self._diarizer = diarizer
        self._parts: list[Samples] = []
        self.position = len(windows) * HOP_SAMPLES

    def feed(self, samples: Samples) -> None:
        self._parts.append(samples)

    async def windows(self, *, last: bool = False) -> AsyncGenerator[VoiceWindow, None]:
        """All windows that are whole by now; with `last`, the rest of the recording too."""
        held = np.concatenate(self._parts) if self._parts else np.zeros(0, np.float32)
        count = (len(held) - WINDOW_SAMPLES) // HOP_SAMPLES + 1
        if (not last and count < 1) or (last and self.position and len(held) <= WINDOW_SAMPLES - HOP_SAMPLES):
            return  # nothing, or nothing that an earlier window has not reached
        ready = held if last else held[: (count - 1) * HOP_SAMPLES + WINDOW_SAMPLES]
        traced = 0
        async with aclosing(self._diarizer.trace(Audio(ready, LISTEN_RATE_HZ))) as stream:
            async for window in stream:
                traced += 1
                yield replace(window, first_frame=window.first_frame + self.position // FRAME_SAMPLES)
        self._parts = [held[traced * HOP_SAMPLES :].copy()]
        self.position += traced * HOP_SAMPLES
