"""What a listener would hear of a stream of sound that is played as it arrives: the first sound, and where it runs dry.

Playing starts with the first piece and goes on in real time; where a piece comes later than the one before it ends, the
player waits. Pure numbers: knows no server and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vivavoce.audio import Audio, Samples

SILENCE_DBFS = -45.0
"""Root mean square of a frame below which nobody hears a voice in it."""

FRAME_S = 0.01

Arrival = tuple[float, Audio]
"""When a piece was there, in seconds from the request, and its sound."""


@dataclass(frozen=True, slots=True)
class Playback:
    """first_sound_s: when the first frame that is not silent is played, in seconds from the request; None for none.

    sound_s: length of all sound. dry, dry_s: how often, and how long in all, playing ran dry after that frame.
    """

    first_sound_s: float | None
    sound_s: float
    dry: int
    dry_s: float


def play(arrivals: Sequence[Arrival]) -> Playback:
    """Play pieces as they arrive; all must have one rate."""
    if not arrivals:
        return Playback(None, 0.0, 0, 0.0)
    rate_hz = arrivals[0][1].rate_hz
    whole = Audio.join((audio for _, audio in arrivals), rate_hz)
    audible_at_s = first_audible_s(whole.samples, rate_hz)
    if audible_at_s is None:
        return Playback(None, whole.duration_s, 0, 0.0)
    first_sound_s, position_s, dry, dry_s = None, 0.0, 0, 0.0
    free_at_s = arrivals[0][0]  # when the player has played all that it has
    for at_s, audio in arrivals:
        late_s = at_s - free_at_s
        if late_s > 0:
            if first_sound_s is not None:
                dry, dry_s = dry + 1, dry_s + late_s
            free_at_s = at_s
        if first_sound_s is None and audible_at_s < position_s + audio.duration_s:
            first_sound_s = free_at_s + audible_at_s - position_s
        position_s += audio.duration_s
        free_at_s += audio.duration_s
    return Playback(first_sound_s, whole.duration_s, dry, dry_s)


def first_audible_s(samples: Samples, rate_hz: int) -> float | None:
    """Where the first frame that is not silent begins; None where all is silent."""
    frame = max(1, round(FRAME_S * rate_hz))
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % frame))
    power = np.square(padded.reshape(-1, frame)).mean(axis=1)
    audible = np.flatnonzero(power > 10 ** (SILENCE_DBFS / 10))
    return float(audible[0]) * frame / rate_hz if len(audible) else None
