"""A recording that comes block by block, cut into chunks at pauses: each is heard at once, none ends within a word.

Pure: knows samples, no file and no engine.
"""

from __future__ import annotations

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Samples

CHUNK_S = 120.0
"""About how long a chunk is: enough for the listener to hear many windows at once, little enough to lose."""

_SEARCH_S = 20.0
"""The cut is sought in so much of the end."""

_PAUSE_S = 0.4
_STEP = LISTEN_RATE_HZ // 100


class Chunker:
    """Hands out chunks as soon as there is enough to choose a cut from. `position`: samples before the next one."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self._parts: list[Samples] = []
        self._held = 0

    def feed(self, samples: Samples) -> Samples | None:
        """Take the next samples; the chunk that they complete, if any."""
        self._parts.append(samples)
        self._held += len(samples)
        if self._held < CHUNK_S * LISTEN_RATE_HZ:
            return None
        whole = np.concatenate(self._parts)
        cut = quietest(whole, len(whole) - round(_SEARCH_S * LISTEN_RATE_HZ))
        self._parts, self._held = [whole[cut:].copy()], len(whole) - cut
        return self._taken(whole[:cut])

    def finish(self) -> Samples | None:
        """What is left at the end, if anything."""
        whole = np.concatenate(self._parts) if self._held else None
        self._parts, self._held = [], 0
        return None if whole is None else self._taken(whole)

    def _taken(self, chunk: Samples) -> Samples:
        self.position += len(chunk)
        return chunk


def quietest(samples: Samples, start: int) -> int:
    """The middle of the quietest pause from sample `start` on."""
    tail = samples[start:]
    steps = len(tail) // _STEP
    energy = np.square(tail[: steps * _STEP].reshape(steps, _STEP)).mean(axis=1)
    width = round(_PAUSE_S * 100)
    sums = np.convolve(energy, np.ones(width), mode="valid")
    return start + (int(sums.argmin()) + width // 2) * _STEP
