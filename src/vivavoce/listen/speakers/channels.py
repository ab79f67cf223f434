"""Channels as speakers: what was heard on each channel of a call, made into one hearing with who says what.

Pure: knows what was heard, no engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from vivavoce.listen.base import Heard, Segment
from vivavoce.listen.speakers.base import SpeakerTurn

PAUSE_S = 0.5
"""A shorter pause between words does not end a turn."""


def as_one(heard: Mapping[str, Heard]) -> Heard:
    """heard: by speaker. What is said at once by several stands one after another, by when it begins."""
    segments = [replace(segment, speaker=name) for name, one in heard.items() for segment in one.segments]
    turns = [turn for name, one in heard.items() for turn in _turns(name, one)]
    whole = Heard.of(
        sorted(segments, key=lambda segment: segment.start_s),
        max((one.duration_s for one in heard.values()), default=0.0),
    )
    silence = min((one.no_speech_probability for one in heard.values()), default=1.0)
    ordered = tuple(sorted(turns, key=lambda turn: (turn.start_s, turn.end_s)))
    return replace(whole, speakers=ordered, no_speech_probability=silence)


def _turns(speaker: str, heard: Heard) -> Iterator[SpeakerTurn]:
    current: SpeakerTurn | None = None
    for start_s, end_s in [span for segment in heard.segments for span in _spans(segment)]:
        if current is not None and start_s - current.end_s < PAUSE_S:
            current = replace(current, end_s=max(current.end_s, end_s))
            continue
        if current is not None:
            yield current
        current = SpeakerTurn(speaker, start_s, end_s)
    if current is not None:
        yield current


def _spans(segment: Segment) -> list[tuple[float, float]]:
    return [(word.start_s, word.end_s) for word in segment.words] or [(segment.start_s, segment.end_s)]
