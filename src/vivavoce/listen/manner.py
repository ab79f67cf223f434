"""How something was said, beside what: the nouns of prosody and tone. Knows no engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2, log10

REFERENCE_HZ = 100.0
"""Semitones are counted from here."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """What can be measured of an utterance.

    pitch_hz: the median; None where nothing is voiced. pitch_range_semitones: between its 10th and 90th percentile.
    loudness_dbfs: mean power of speech, 0 is full scale. pace_syllables_per_s: pauses left out. pauses: silences of
    0.2 s and more between words; pause_s: all of them together.
    """

    pitch_hz: float | None
    pitch_range_semitones: float
    loudness_dbfs: float
    pace_syllables_per_s: float
    pauses: int
    pause_s: float

    @property
    def pitch_semitones(self) -> float | None:
        """Above 100 Hz."""
        return None if self.pitch_hz is None else 12 * log2(self.pitch_hz / REFERENCE_HZ)

    @classmethod
    def over(cls, parts: Sequence[Prosody], shares: Sequence[float]) -> Prosody:
        """Of several utterances as one; shares: how much of the speech each is, together 1."""

        def mean(values: Iterable[float]) -> float:
            return sum(share * value for share, value in zip(shares, values, strict=True))

        voiced = [(part.pitch_semitones, share) for part, share in zip(parts, shares, strict=True)]
        weight = sum(share for pitch, share in voiced if pitch is not None)
        pitch = sum(share * pitch for pitch, share in voiced if pitch is not None) / weight if weight else None
        return cls(
            pitch_hz=None if pitch is None else REFERENCE_HZ * 2 ** (pitch / 12),
            pitch_range_semitones=mean(part.pitch_range_semitones for part in parts),
            loudness_dbfs=10 * log10(mean(10 ** (part.loudness_dbfs / 10) for part in parts)),
            pace_syllables_per_s=mean(part.pace_syllables_per_s for part in parts),
            pauses=sum(part.pauses for part in parts),
            pause_s=sum(part.pause_s for part in parts),
        )


@dataclass(frozen=True, slots=True)
class Voicing:
    """An utterance as a tone engine reads it, taken where listening makes it anyway.

    seconds: how much of it is speech. states: mean over its speech of each channel of the listener's encoder. features:
    as `prosody.FEATURES` lists them.
    """

    prosody: Prosody
    seconds: float
    features: tuple[float, ...]
    states: tuple[float, ...]


CIRCUMPLEX: dict[str, tuple[float, float]] = {
    "anger": (0.59, -0.51),
    "boredom": (-0.62, -0.65),
    "disgust": (0.35, -0.60),
    "fear": (0.60, -0.64),
    "happiness": (0.51, 0.81),
    "neutral": (0.0, 0.0),
    "sadness": (-0.27, -0.63),
}
"""Arousal and valence of each emotion, both in [-1, 1], as people rated the words (Russell and Mehrabian 1977)."""

URGENT = ("anger", "fear")


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone of an utterance. emotions: each of `CIRCUMPLEX` with its probability; together 1. seconds: of speech."""

    emotions: tuple[tuple[str, float], ...]
    prosody: Prosody
    seconds: float

    def probability(self, emotion: str) -> float:
        """In [0, 1]; 0 for an emotion that the engine does not know."""
        return dict(self.emotions).get(emotion, 0.0)

    @property
    def emotion(self) -> str:
        """The likeliest."""
        return max(self.emotions, key=lambda each: each[1])[0]

    @property
    def arousal(self) -> float:
        """Expected over the emotions, in [-1, 1]."""
        return sum(probability * CIRCUMPLEX[name][0] for name, probability in self.emotions)

    @property
    def valence(self) -> float:
        """Expected over the emotions, in [-1, 1]."""
        return sum(probability * CIRCUMPLEX[name][1] for name, probability in self.emotions)

    @property
    def urgency(self) -> float:
        """The probability of anger or fear, in [0, 1]."""
        return sum(self.probability(name) for name in URGENT)

    @classmethod
    def over(cls, tones: Sequence[Tone]) -> Tone | None:
        """The tone of several utterances as one, each by how long it is: of a recording, or of one of its speakers.

        None of none.
        """
        if len(tones) < 2:
            return next(iter(tones), None)
        whole = sum(tone.seconds for tone in tones)
        shares = [tone.seconds / whole if whole else 1 / len(tones) for tone in tones]
        names = [name for name, _ in tones[0].emotions]
        emotions = tuple(
            (name, sum(share * tone.probability(name) for share, tone in zip(shares, tones, strict=True)))
            for name in names
        )
        return cls(emotions, Prosody.over([tone.prosody for tone in tones], shares), whole)
