"""The contract of engines that tell voices apart: one verb, `trace`, over `Audio`, plus `close`.

An engine hears voices window by window, and knows nothing of what lies outside of a window, so that a recording of any
length is traced in little memory. Who is who over the whole recording is reckoned afterwards from all windows, by
`gathering.gather`. Knows no engine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples

FRAME_SAMPLES = 270
"""From one frame to the next, at 16 kHz."""

FRAME_S = FRAME_SAMPLES / LISTEN_RATE_HZ

CENTRE_SAMPLES = 495
"""Where the middle of the first frame lies."""

CENTRE_S = CENTRE_SAMPLES / LISTEN_RATE_HZ

HOP_FRAMES = 148
"""From one window to the next: about 2.5 s. Windows reach further than that, so each moment is heard several times."""

HOP_SAMPLES = HOP_FRAMES * FRAME_SAMPLES

WINDOW_SAMPLES = 10 * LISTEN_RATE_HZ
"""How far a window reaches at most."""

Embedding = Samples
"""What a voice sounds like, shape (n,), length 1; alike voices have a high dot product. Empty where it is not known."""


Probabilities = Samples
"""One for each frame, in [0, 1], shape (frames,)."""


@dataclass(frozen=True, slots=True)
class VoiceTrace:
    """A stretch in which one voice speaks within one window, from frame `first` to before `end` of the window.

    voice: which of the window's voices, by number. alone_s: for how long nobody else speaks; `embedding` is of that.
    """

    voice: int
    first: int
    end: int
    alone_s: float
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class VoiceWindow:
    """What is heard of voices in one window, which starts at `first_frame` of the recording.

    spoken: that anybody speaks. overlapped: that several do at once. Whose voice it is may be in doubt where it is
    certain that somebody speaks, so these are not the sums of what is known of each voice.
    """

    first_frame: int
    traces: tuple[VoiceTrace, ...]
    spoken: Probabilities
    overlapped: Probabilities

    @property
    def frames(self) -> int:
        return len(self.spoken)


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """A stretch in which one speaker speaks, in seconds from the start. Turns of different speakers may overlap."""

    speaker: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SpeakerOptions:
    """How to tell speakers apart. known: name -> what each known speaker sounds like.

    count: how many there are, where the caller knows; None: as many as are heard.
    """

    known: Mapping[str, Embedding] = field(default_factory=dict[str, Embedding])
    count: int | None = None


class Diarizer(Protocol):
    """An engine that tells voices apart. Safe to call from several tasks; native work runs off the event loop."""

    def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        """Yield the windows of `audio`, in order, HOP_FRAMES apart. `audio` may have any rate and length.

        Closing the generator stops the work at the next call boundary. Raises `EngineFailed`.
        """
        ...

    async def embed(self, audio: Audio) -> Embedding:
        """What the one voice in a clip sounds like; empty where nobody speaks long enough. Raises `EngineFailed`."""
        ...

    async def close(self) -> None: ...


def speakers_of(turns: Sequence[SpeakerTurn]) -> list[str]:
    """Everybody who speaks, in the order in which they begin."""
    return list(dict.fromkeys(turn.speaker for turn in turns))


def overlaps(turns: Sequence[SpeakerTurn]) -> list[tuple[float, float]]:
    """Where two or more speak at once, as (start_s, end_s), in order."""
    edges = sorted([(turn.start_s, 1) for turn in turns] + [(turn.end_s, -1) for turn in turns])
    found: list[tuple[float, float]] = []
    speaking = 0
    for time_s, change in edges:
        if speaking == 1 and change == 1:
            found.append((time_s, time_s))
        elif speaking == 2 and change == -1:
            found[-1] = (found[-1][0], time_s)
        speaking += change
    return [(start_s, end_s) for start_s, end_s in found if end_s > start_s]
