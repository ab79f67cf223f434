"""Conversations made of clips of single speakers, so that who speaks when is known: with pauses, and over each other.

All speakers of a conversation come from one collection: microphone and room must not tell them apart. Knows no engine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.bench.clips import Clip
from vivavoce.errors import InvalidValue
from vivavoce.listen.speakers.base import SpeakerTurn

SPEAKERS = (2, 3, 4)
"""How many speakers a conversation has, by turns."""

MIXED = "mixed"
LONGEST_S = 60.0
LEAST_CLIP_S = 1.0
LEAST_SPEAKER_S = 8.0
"""Who has less to say than this takes part in no conversation."""

_INTERRUPTS = 0.6
_OVERLAP_S = (0.4, 1.6)
_MOST_CLIPS = 3
"""A turn is as many clips of its speaker at most, one after another."""
_PAUSE_S = (0.1, 0.8)
_LEVEL = 0.06
"""Root mean square of speech; each speaker is up to 4 dB louder or softer."""
_HISS = 0.0006
"""Of the room, 40 dB below: digital silence would give away where clips end."""

STEP_SAMPLES = 512
STEPS_PER_S = LISTEN_RATE_HZ / STEP_SAMPLES
_PAUSE_WITHIN_S = 0.3
"""A shorter pause belongs to the words around it."""

Decode = Callable[[Clip], Samples]
Spoken = Callable[[Samples], npt.NDArray[np.bool_]]
"""Where somebody speaks in a clip, per STEP_SAMPLES: of one voice alone, so that voice activity detection can tell."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """samples: 16 kHz. truth: who speaks when, by speakers' own names."""

    id: str
    samples: Samples
    truth: tuple[SpeakerTurn, ...]
    speakers: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / LISTEN_RATE_HZ


def conversations(
    clips: Sequence[Clip], count: int, decode: Decode, spoken: Spoken, *, seed: int = 0
) -> list[Conversation]:
    """`count` of them, collections by turns, and MIXED: every speaker of another collection.

    Raises `InvalidValue` when no collection has two speakers with clips.
    """
    chance = random.Random(seed)
    collections: dict[str, dict[str, list[Clip]]] = {}
    for clip in sorted(clips, key=lambda clip: clip.id):
        if clip.speaker is not None and clip.duration_s >= LEAST_CLIP_S:
            collections.setdefault(clip.collection, {}).setdefault(clip.speaker, []).append(clip)
    for speakers in collections.values():
        for who in [who for who, own in speakers.items() if sum(c.duration_s for c in own) < LEAST_SPEAKER_S]:
            del speakers[who]
    collections = {name: speakers for name, speakers in collections.items() if speakers}
    several = sorted(name for name, speakers in collections.items() if len(speakers) >= SPEAKERS[0])
    if not several:
        raise InvalidValue("No collection has recordings of two speakers.")
    kinds = [*several, MIXED] if len(collections) >= SPEAKERS[-1] else several
    made: list[Conversation] = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        wanted = SPEAKERS[(number // len(kinds)) % len(SPEAKERS)]
        speakers = collections.get(kind) or _from_each(chance.sample(sorted(collections), wanted), collections, chance)
        made.append(_conversation(f"{kind}-{number}", speakers, wanted, decode, spoken, chance))
    return made


def _from_each(
    names: Sequence[str], collections: dict[str, dict[str, list[Clip]]], chance: random.Random
) -> dict[str, list[Clip]]:
    """One speaker of each collection, nobody twice: some have spoken for several."""
    speakers: dict[str, list[Clip]] = {}
    for name in names:
        if others := sorted(collections[name].keys() - speakers.keys()):
            who = chance.choice(others)
            speakers[who] = collections[name][who]
    return speakers


def _conversation(
    name: str,
    speakers: dict[str, list[Clip]],
    wanted: int,
    decode: Decode,
    spoken: Spoken,
    chance: random.Random,
) -> Conversation:
    """Nobody says the same clip twice; it ends when there is nothing left to say, or by LONGEST_S."""
    chosen = chance.sample(sorted(speakers), min(wanted, len(speakers)))
    decks = {speaker: chance.sample(speakers[speaker], len(speakers[speaker])) for speaker in chosen}
    gains = {speaker: _LEVEL * 10 ** (chance.uniform(-4, 4) / 20) for speaker in chosen}
    sound = np.zeros(round(LONGEST_S * 2 * LISTEN_RATE_HZ), np.float32)
    truth: list[SpeakerTurn] = []
    end = last = 0
    current: str | None = None
    while (
        able := [speaker for speaker in chosen if decks[speaker] and speaker != current]
    ) and end < LONGEST_S * LISTEN_RATE_HZ:
        # Who has said least so far is the likeliest to go on, so that everybody is heard.
        current = max(able, key=lambda speaker: (len(decks[speaker]) / len(speakers[speaker]), chance.random()))
        said = [decks[current].pop() for _ in range(min(chance.randint(1, _MOST_CLIPS), len(decks[current])))]
        samples, spans = _turn([trimmed(samples, spoken(samples)) for samples in map(decode, said)], chance)
        if not spans:
            continue
        at_s = end / LISTEN_RATE_HZ + chance.uniform(*_PAUSE_S)
        if truth and chance.random() < _INTERRUPTS:
            room_s = min(last, len(samples)) / LISTEN_RATE_HZ * 0.6
            at_s = end / LISTEN_RATE_HZ - min(chance.uniform(*_OVERLAP_S), room_s)
        at = max(0, round(at_s * LISTEN_RATE_HZ))
        sound[at : at + len(samples)] += samples * np.float32(gains[current])
        truth += [SpeakerTurn(current, at / LISTEN_RATE_HZ + s, at / LISTEN_RATE_HZ + e) for s, e in spans]
        end, last = max(end, at + len(samples)), len(samples)
    sound = sound[: end + LISTEN_RATE_HZ // 2]
    hiss = np.random.default_rng(chance.getrandbits(32)).standard_normal(len(sound)).astype(np.float32)
    whole = (sound + _HISS * hiss).astype(np.float32)
    return Conversation(name, whole, tuple(truth), len({turn.speaker for turn in truth}))


def _turn(
    parts: Sequence[tuple[Samples, list[tuple[float, float]]]], chance: random.Random
) -> tuple[Samples, list[tuple[float, float]]]:
    """What one speaker says, one part after another with short pauses, at one level."""
    pieces: list[Samples] = []
    spans: list[tuple[float, float]] = []
    at = 0
    for samples, own in parts:
        pause = np.zeros(round(chance.uniform(*_PAUSE_S) * LISTEN_RATE_HZ), np.float32) if pieces else samples[:0]
        level = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
        pieces += [pause, samples / np.float32(level or 1.0)]
        at += len(pause)
        spans += [(at / LISTEN_RATE_HZ + start_s, at / LISTEN_RATE_HZ + end_s) for start_s, end_s in own]
        at += len(samples)
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32), spans


def trimmed(samples: Samples, speech: npt.NDArray[np.bool_]) -> tuple[Samples, list[tuple[float, float]]]:
    """A clip without the silence around it, and where speech is in it, in seconds. speech: per STEP_SAMPLES."""
    spans = joined_spans(speech, round(_PAUSE_WITHIN_S * STEPS_PER_S))
    if not spans:
        return samples[:0], []
    first, end = spans[0][0], spans[-1][1]
    inside = samples[first * STEP_SAMPLES : end * STEP_SAMPLES]
    return inside, [((s - first) / STEPS_PER_S, (e - first) / STEPS_PER_S) for s, e in spans]


def joined_spans(flags: npt.NDArray[np.bool_], shortest_gap: int) -> list[tuple[int, int]]:
    """Stretches of True as (first, end), over gaps that are shorter."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))).reshape(-1, 2)
    spans: list[tuple[int, int]] = []
    for first, end in edges.tolist():
        if spans and first - spans[-1][1] < shortest_gap:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((first, end))
    return spans


def overlap_share(truth: Sequence[SpeakerTurn]) -> float:
    """Share of the time in which anybody speaks, in which two or more do."""
    edges = sorted([(turn.start_s, 1) for turn in truth] + [(turn.end_s, -1) for turn in truth])
    speaking, before_s, some_s, several_s = 0, 0.0, 0.0, 0.0
    for time_s, change in edges:
        some_s += (time_s - before_s) * (speaking > 0)
        several_s += (time_s - before_s) * (speaking > 1)
        speaking, before_s = speaking + change, time_s
    return several_s / some_s if some_s else 0.0
