"""How well tone is heard: `viva bench tone`, on acted recordings whose emotion is known.

Each recording is heard once by the listener as it serves, then read by heads: that which is shipped for languages that
it was not trained on, and for the speakers that it was trained on one that has not heard them. Beside it stands a
baseline that reads the transcript only. Knows no console; the listener, the heads and who reads transcripts are given.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.bench.questions import Progress
from vivavoce.bench.stats import Interval
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Heard
from vivavoce.listen.manner import Tone, Voicing

CALM = {"calm": "neutral"}
"""Emotions of recordings that are counted as another."""

URGENT = ("anger", "fear")

Names = Sequence[str]


@dataclass(frozen=True, slots=True)
class ActedClip:
    """A recording of somebody acting an emotion."""

    id: str
    path: Path
    language: str
    speaker: str
    emotion: str
    text: str | None

    @property
    def collection(self) -> str:
        return self.id.split("/", maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class ClipHeard:
    """A recording, and what the listener made of it. voicing: of its longest segment; None where nothing was heard."""

    clip: ActedClip
    heard: Heard
    voicing: Voicing | None


@dataclass(frozen=True, slots=True)
class ToneRow:
    """One way to tell emotions, on one set of recordings. recall: mean over emotions that it can tell (unweighted).
    urgent: anger or fear against calm or neutral, balanced accuracy."""

    collection: str
    language: str
    way: str
    clips: int
    speakers: int
    emotions: int
    recall: Interval
    urgent_clips: int
    urgent: Interval


def acted_clips(manifest: Path) -> list[ActedClip]:
    """Rows with an emotion and a speaker, of collections that have at least four emotions of several speakers.

    Raises `InvalidValue` where a row can't be read."""
    clips: list[ActedClip] = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row: dict[str, Any] = json.loads(line)
            if row.get("emotion") and row.get("speaker"):
                path = manifest.parent / str(row["path"])
                emotion = str(CALM.get(row["emotion"], row["emotion"]))
                clips.append(ActedClip(row["id"], path, row["language"], row["speaker"], emotion, row.get("text")))
        except (KeyError, TypeError, ValueError) as fault:
            raise InvalidValue(f"{manifest.name}, line {number}, is no manifest row: {fault}") from fault
    several = {
        name
        for name in {clip.collection for clip in clips}
        if len({clip.emotion for clip in clips if clip.collection == name}) >= 4
        and len({clip.speaker for clip in clips if clip.collection == name}) > 1
    }
    return [clip for clip in clips if clip.collection in several]


def longest_voicing(heard: Heard) -> Voicing | None:
    voicings = [segment.voicing for segment in heard.segments if segment.voicing is not None]
    return max(voicings, key=lambda voicing: voicing.seconds, default=None)


Tell = Callable[[Sequence[Voicing], Sequence[Voicing]], list[Tone]]
"""A tone engine: utterances of one speaker, and what else is known of the speaker."""


def tell_all(heard: Sequence[ClipHeard], tell: Callable[[str], Tell], *, known: bool) -> list[Tone | None]:
    """The tone of each recording: on its own, or `known`, beside others of its speaker, whose emotions are not told.

    tell: the engine for a speaker. None where nothing was heard.
    """
    tones: dict[str, Tone] = {}
    for speaker in dict.fromkeys(each.clip.speaker for each in heard):
        own = [(each.clip.id, each.voicing) for each in heard if each.clip.speaker == speaker and each.voicing]
        engine = tell(speaker)
        groups = [own] if known else [[each] for each in own]
        for group in groups:
            found = engine([voicing for _, voicing in group], ())
            tones |= dict(zip([name for name, _ in group], found, strict=True))
    return [tones.get(each.clip.id) for each in heard]


def row_of(
    way: str, heard: Sequence[ClipHeard], told: Names, urgent: Sequence[bool], emotions: Names, seed: int
) -> ToneRow:
    """told: the emotion found in each recording; urgent: whether anger or fear was found likelier than calm."""
    clips = [each.clip for each in heard]
    true = np.array([clip.emotion for clip in clips])
    known = np.isin(true, list(emotions))
    right = np.array(told)[known] == true[known]
    pressing, calm = np.isin(true, URGENT), true == "neutral"
    asked = pressing | calm
    return ToneRow(
        clips[0].collection,
        clips[0].language,
        way,
        int(known.sum()),
        len({clip.speaker for clip in clips}),
        len(set(true[known])),
        mean_recall(true[known], right, seed),
        int(asked.sum()),
        mean_recall(pressing[asked].astype(str), np.array(urgent)[asked] == pressing[asked], seed),
    )


def mean_recall(
    groups: npt.NDArray[np.str_], right: npt.NDArray[np.bool_], seed: int, resamples: int = 4000
) -> Interval:
    """Share that is right, mean over groups; recordings are drawn anew within each. Raises `ValueError` of nothing."""
    if not len(groups):
        raise ValueError("a recall needs recordings")
    random = np.random.default_rng(seed)
    drawn = np.zeros(resamples)
    names = np.unique(groups)
    for name in names:
        own = right[groups == name]
        drawn += own[random.integers(0, len(own), (resamples, len(own)))].mean(axis=1)
    estimate = float(np.mean([right[groups == name].mean() for name in names]))
    low, high, upper = (float(value) for value in np.quantile(drawn / len(names), (0.025, 0.975, 0.95)))
    return Interval(estimate, low, high, upper, len(groups), resamples)


def rows_of_tones(way: str, heard: Sequence[ClipHeard], tones: Sequence[Tone | None], seed: int) -> ToneRow:
    """A recording in which nothing was heard counts as neutral."""
    emotions = next(tone for tone in tones if tone is not None).emotions
    return row_of(
        way,
        heard,
        [tone.emotion if tone else "neutral" for tone in tones],
        [tone is not None and tone.urgency > tone.probability("neutral") for tone in tones],
        [name for name, _ in emotions],
        seed,
    )


def row_of_texts(
    heard: Sequence[ClipHeard], read: Callable[[str], str], emotions: Names, seed: int, progress: Progress
) -> ToneRow:
    """The baseline: read names the emotion of a transcript; each transcript is read once."""
    known: dict[str, str] = {}
    for number, each in enumerate(heard):
        text = each.heard.transcript
        if text not in known:
            known[text] = read(text) if text else "neutral"
        progress(number + 1, len(heard), "transcripts")
    told = [known[each.heard.transcript] for each in heard]
    return row_of("transcript only", heard, told, [name in URGENT for name in told], emotions, seed)


@dataclass(frozen=True, slots=True)
class Cost:
    """Median milliseconds an utterance: of listening with and without voicing, in turn, and of reading the tone."""

    clips: int
    with_ms: float
    without_ms: float
    added_ms: float
    reading_ms: float


def cost_of(
    hear: Callable[[ActedClip, bool], float], tell: Tell, voicings: Sequence[Voicing], clips: Sequence[ActedClip]
) -> Cost:
    """hear: seconds that listening takes, with voicing or without. The first recording warms up, uncounted."""
    pairs: list[Mapping[bool, float]] = []
    for number, clip in enumerate(clips):
        order = (True, False) if number % 2 else (False, True)
        pairs.append({voicing: 1000 * hear(clip, voicing) for voicing in order})
    pairs = pairs[1:]
    readings: list[float] = []
    for voicing in voicings:
        started_s = time.perf_counter()
        tell([voicing], ())
        readings.append(1000 * (time.perf_counter() - started_s))
    return Cost(
        len(pairs),
        statistics.median(pair[True] for pair in pairs),
        statistics.median(pair[False] for pair in pairs),
        statistics.median(pair[True] - pair[False] for pair in pairs),
        statistics.median(readings),
    )
