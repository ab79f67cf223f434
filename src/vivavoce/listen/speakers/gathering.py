"""From windows of voices to turns of speakers: who is who over the whole recording, and who speaks when.

What all windows heard is clustered by what it sounds like; then each frame goes to nobody, one or two speakers, by how
probable the windows over it found speech and overlap. Knows no engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vivavoce.listen.speakers.base import (
    CENTRE_S,
    FRAME_S,
    Embedding,
    SpeakerOptions,
    SpeakerTurn,
    VoiceTrace,
    VoiceWindow,
)
from vivavoce.listen.speakers.clustering import Leniency, Matrix, Vector, clustered, unit, weighted_sums

LENIENT = Leniency(most=0.1, little=3.0)


@dataclass(frozen=True, slots=True)
class Policy:
    """What was found best by `viva bench speakers` on speakers that its report leaves out.

    alike: mean cosine from which on two clusters are one speaker, `lenient` by their seconds; known_alike: cosine from
    which on a speaker is a known one. clear_s: a stretch is clustered if its voice is alone for so long, others only
    join what is found. weight_s: a longer one weighs no more than this. speaker_s: who is alone for less than this in
    all windows together is no speaker.
    spoken, overlapped: mean probability from which on somebody, or several, speak. linger_s: a turn goes on for so long
    after that, until somebody else begins. pause_s: a shorter pause is part of the turn. turn_s: no turn is shorter.
    """

    alike: float = 0.28
    lenient: Leniency = LENIENT
    known_alike: float = 0.4
    clear_s: float = 0.6
    weight_s: float = 2.0
    speaker_s: float = 2.0
    spoken: float = 0.7
    overlapped: float = 0.4
    linger_s: float = 0.08
    pause_s: float = 0.15
    turn_s: float = 0.1


POLICY = Policy()

Flags = npt.NDArray[np.bool_]

_ROUNDS = 3
"""How often stretches are dealt anew to the nearest speaker, who is then the mean of what was dealt."""

_APART_AT_ONCE = -2.0
"""Likeness of a voice to a speaker who is speaking already."""


def gather(
    windows: Sequence[VoiceWindow], options: SpeakerOptions | None = None, policy: Policy = POLICY
) -> tuple[SpeakerTurn, ...]:
    """Who speaks when, in order of time. Known speakers have their names; others are "A", "B" … as they begin."""
    options = options or SpeakerOptions()
    speakers = _speakers(windows, options.count, policy)
    if not len(speakers):
        return ()
    chosen = [_chosen(window.traces, speakers) for window in windows]
    names = _known_names(speakers, options.known, policy)
    return _named(_spans(windows, chosen, len(speakers), policy), names)


def _speakers(windows: Sequence[VoiceWindow], count: int | None, policy: Policy) -> Matrix:
    """What each speaker sounds like, unit rows; none where nobody's voice is known."""
    embedded = [trace for window in windows for trace in window.traces if len(trace.embedding)]
    clear = [trace for trace in embedded if trace.alone_s >= policy.clear_s] or embedded
    if not clear:
        return np.zeros((0, 0), np.float32)
    rows = np.stack([trace.embedding for trace in clear])
    weights = np.array([trace.alone_s for trace in clear], np.float32)
    once = (np.minimum(weights, policy.weight_s) / _looks(windows)).astype(np.float32)
    labels = clustered(rows, once, policy.alike, count, policy.lenient)
    masses = np.bincount(labels, weights)
    least = 0.0 if count else min(policy.speaker_s, float(masses.max()))
    centres = unit(weighted_sums(rows, weights, labels, len(masses)))[masses >= least]
    for _ in range(_ROUNDS):
        nearest = (rows @ centres.T).argmax(axis=1)
        sums = weighted_sums(rows, weights, nearest, len(centres))
        centres = np.where(sums.any(axis=1, keepdims=True), unit(sums), centres)
    return centres


def _looks(windows: Sequence[VoiceWindow]) -> float:
    """How many windows hear each moment, on average."""
    return sum(window.frames for window in windows) / _frames(windows)


def _frames(windows: Sequence[VoiceWindow]) -> int:
    return max(window.first_frame + window.frames for window in windows)


def _known_names(speakers: Matrix, known: Mapping[str, Embedding], policy: Policy) -> dict[int, str]:
    """Known speakers by number: the likest first, each at most once, if they are like anybody at all."""
    names: dict[int, str] = {}
    voices = [(name, embedding) for name, embedding in known.items() if len(embedding)]
    if not voices:
        return names
    likeness = np.stack([embedding for _, embedding in voices]) @ speakers.T
    while (best := float(likeness.max())) >= policy.known_alike and best > _APART_AT_ONCE:
        which, speaker = divmod(int(likeness.argmax()), len(speakers))
        names[speaker] = voices[which][0]
        likeness[which], likeness[:, speaker] = _APART_AT_ONCE, _APART_AT_ONCE
    return names


def _chosen(traces: Sequence[VoiceTrace], speakers: Matrix) -> list[int]:
    """The speaker of each stretch in a window, the clearest first; two voices at once are never of one speaker.

    A stretch that is too short to tell goes with the nearest one of the same voice. -1: nobody is left, or several may
    be meant and nothing in the window tells whom.
    """
    chosen = [-1] * len(traces)
    for index in sorted(range(len(traces)), key=lambda each: -traces[each].alone_s):
        trace = traces[index]
        telling = _telling(trace, traces)
        if not len(telling) and len(speakers) > 1:
            continue
        likeness = speakers @ telling if len(telling) else np.zeros(1, np.float32)
        for other, speaker in zip(traces, chosen, strict=True):
            if speaker >= 0 and other.voice != trace.voice and other.first < trace.end and trace.first < other.end:
                likeness[speaker] = _APART_AT_ONCE
        best = int(likeness.argmax())
        chosen[index] = best if likeness[best] > _APART_AT_ONCE else -1
    return chosen


def _telling(trace: VoiceTrace, traces: Sequence[VoiceTrace]) -> Vector:
    """The embedding of a stretch, or of what is nearest to it: of its voice, or else of any. Empty if none is known."""
    if len(trace.embedding):
        return trace.embedding
    others = [other for other in traces if len(other.embedding)]
    own = [other for other in others if other.voice == trace.voice] or others
    if not own:
        return np.zeros(0, np.float32)
    return min(own, key=lambda other: max(other.first - trace.end, trace.first - other.end)).embedding


def _spans(
    windows: Sequence[VoiceWindow], chosen: Sequence[Sequence[int]], count: int, policy: Policy
) -> list[tuple[float, float, int]]:
    """(start_s, end_s, speaker) in order of time."""
    frames = _frames(windows)
    votes = np.zeros((count, frames), np.uint8)
    looks = np.zeros(frames, np.float32)
    spoken, overlapped = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    for window, speakers in zip(windows, chosen, strict=True):
        start = window.first_frame
        within = slice(start, start + window.frames)
        looks[within] += 1
        spoken[within] += window.spoken
        overlapped[within] += window.overlapped
        for trace, speaker in zip(window.traces, speakers, strict=True):
            if speaker >= 0:
                votes[speaker, start + trace.first : start + trace.end] += 1
    looks = np.maximum(looks, 1)
    anybody = spoken > policy.spoken * looks
    at_once = anybody.astype(np.int16) + (anybody & (overlapped > policy.overlapped * looks))
    ranks = (-votes.astype(np.int16)).argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    active = _lingering((ranks < at_once) & (votes > 0), round(policy.linger_s / FRAME_S))
    return sorted((*span, speaker) for speaker in range(count) for span in _stretches(active[speaker], policy))


def _lingering(active: Flags, frames: int) -> Flags:
    """Whoever spoke within `frames` before still does where nobody else does. active: shape (speakers, frames)."""
    silent: Flags = active.sum(axis=0) == 0
    longer = active.copy()
    for later in range(1, frames + 1):
        longer[:, later:] |= active[:, :-later] & silent[later:]
    return longer


def _stretches(active: Flags, policy: Policy) -> list[tuple[float, float]]:
    """Where `active` holds, in seconds, over short pauses; what is too short is left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    found: list[tuple[float, float]] = []
    for start_s, end_s in np.maximum(0.0, edges * FRAME_S + CENTRE_S - FRAME_S / 2).reshape(-1, 2).tolist():
        if found and start_s - found[-1][1] < policy.pause_s:
            found[-1] = (found[-1][0], end_s)
        else:
            found.append((start_s, end_s))
    return [(start_s, end_s) for start_s, end_s in found if end_s - start_s >= policy.turn_s]


def _named(spans: Sequence[tuple[float, float, int]], known: Mapping[int, str]) -> tuple[SpeakerTurn, ...]:
    names = dict(known)
    fresh = (name for name in letters() if name not in known.values())
    turns: list[SpeakerTurn] = []
    for start_s, end_s, speaker in spans:
        if speaker not in names:
            names[speaker] = next(fresh)
        turns.append(SpeakerTurn(names[speaker], round(start_s, 3), round(end_s, 3)))
    return tuple(turns)


def letters() -> Iterator[str]:
    """A, B … Z, AA, AB … without end."""
    number = 0
    while True:
        number += 1
        name, rest = "", number
        while rest:
            rest, letter = divmod(rest - 1, 26)
            name = chr(ord("A") + letter) + name
        yield name
