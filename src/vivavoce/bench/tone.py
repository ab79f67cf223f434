"""How well tone is heard: `viva bench tone`, on acted recordings whose emotion is known.

Each recording is heard once by the listener as it serves, then read by heads: that which is shipped for languages that
it was not trained on, and for the speakers that it was trained on one that has not heard them. Beside it stands a
baseline that reads the transcript only. Knows no console; the listener, the heads and who reads transcripts are given.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.bench.questions import Progress
from vivavoce.bench.stats import Interval
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Heard
from vivavoce.listen.manner import Tone, Voicing
from vivavoce.listen.voicing import STATES_PER_S, voicing_of
from vivavoce.listen.windows import Window

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
    urgent: anger or fear against calm or neutral, balanced accuracy. calibration_error: expected, of the likeliest
    emotion's probability, in ten bins (Guo et al. 2017); None where there are no probabilities."""

    collection: str
    language: str
    way: str
    clips: int
    speakers: int
    emotions: int
    recall: Interval
    urgent_clips: int
    urgent: Interval
    calibration_error: float | None = None


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
    names = [name for name, _ in next(tone for tone in tones if tone is not None).emotions]
    row = row_of(
        way,
        heard,
        [tone.emotion if tone else "neutral" for tone in tones],
        [tone is not None and tone.urgency > tone.probability("neutral") for tone in tones],
        names,
        seed,
    )
    told = [(each.clip.emotion, tone) for each, tone in zip(heard, tones, strict=True) if tone is not None]
    sure = [(tone.probability(tone.emotion), tone.emotion == true) for true, tone in told if true in names]
    return replace(row, calibration_error=calibration_error(sure))


def calibration_error(sure: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """sure: a probability in [0, 1], and whether what it was of was right. Raises `ValueError` of nothing."""
    if not sure:
        raise ValueError("a calibration error needs something that was told")
    probabilities = np.array([probability for probability, _ in sure])
    right = np.array([flag for _, flag in sure], np.float64)
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [abs(float((probabilities - right)[places == place].sum())) for place in np.unique(places)]
    return sum(gaps) / len(sure)


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
    return row_of("transcript", heard, told, [name in URGENT for name in told], emotions, seed)


@dataclass(frozen=True, slots=True)
class Cost:
    """Median milliseconds of one core an utterance: of taking its voicing, which is done beside the decoding, and of
    reading its tone. Processor time, so that other work on the machine does not count."""

    clips: int
    seconds: float
    taking_ms: float
    reading_ms: float


def cost_of(sounds: Sequence[Samples], width: int, tell: Tell) -> Cost:
    """sounds: utterances at 16 kHz. width: of the listener's encoder. The first warms up, uncounted."""
    taking: list[float] = []
    reading: list[float] = []
    for sound in sounds:
        seconds = len(sound) / LISTEN_RATE_HZ
        window = Window(0.0, seconds, 1.0, 0.0, seconds)
        states = np.ones((round(seconds * STATES_PER_S), width), np.float32)
        started_s = time.thread_time()
        voicing = voicing_of(sound, states, window)
        taken_s = time.thread_time()
        tell([voicing], ())
        taking.append(1000 * (taken_s - started_s))
        reading.append(1000 * (time.thread_time() - taken_s))
    return Cost(
        len(sounds) - 1,
        statistics.median(len(sound) / LISTEN_RATE_HZ for sound in sounds[1:]),
        statistics.median(taking[1:]),
        statistics.median(reading[1:]),
    )
