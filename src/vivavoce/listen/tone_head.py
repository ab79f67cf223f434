"""The tone head: `Voicing` -> `Tone`, by linear discriminants over pooled encoder states and prosody, in NumPy.

Its weights are trained by `tools/train_tone.py` and lie in `tone_heads/`, one file for each encoder that there is a
head for; docs/engines/tone.md has what they were trained on and how well they do. Knows no sound and no words.

Each emotion is a Gaussian about its mean, all with one covariance, so that only z = x W is needed of the measurements
x, and of the means only how they project on each other. Actors show an emotion in full and people rarely do, so each
emotion but neutral is a mixture of intensities, whose means lie between neutral and the acted one. What is known of a
speaker shifts z: by what is left of the speaker's other utterances when their likely emotions are taken out, drawn
towards 0 the fewer they are (a MAP estimate, found in a few steps of expectation and maximisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vivavoce.errors import EngineFailed, InvalidValue
from vivavoce.listen.manner import CIRCUMPLEX, Tone, Voicing

HEADS = Path(__file__).parent / "tone_heads"

STEPS = 3
"""Of expectation and maximisation."""

NEIGHBOURS = 16
"""Utterances on either side of one that tell how its speaker sounds otherwise."""

Floats = npt.NDArray[np.float32]


def heads() -> list[str]:
    """Names of the listeners' models that there is a head for."""
    return sorted(path.stem for path in HEADS.glob("*.npz"))


def measurements(voicings: Sequence[Voicing]) -> Floats:
    """What a head reads of each utterance, shape (utterances, width of the encoder + features)."""
    return np.array([voicing.states + voicing.features for voicing in voicings], np.float32)


@dataclass(frozen=True, slots=True)
class HeadWeights:
    """What a head was trained to.

    mean, scale: shape (inputs,), by which measurements are standardised. weights: (inputs, emotions). gram: (emotions,
    emotions), the means projected by `weights`. intensities: shares of the way from neutral to an acted emotion, all
    equally likely. neutral_prior: how much likelier neutral is than another emotion. relevance: how many utterances of
    a speaker weigh as much as knowing nothing.
    """

    emotions: tuple[str, ...]
    mean: Floats
    scale: Floats
    weights: Floats
    gram: Floats
    intensities: Floats
    neutral_prior: float
    temperature: float
    relevance: float
    _shares: Floats = field(init=False, repr=False)
    _owners: Floats = field(init=False, repr=False)
    _log_priors: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """The mixture's parts, a row each: how they are made of the means, whose they are, how likely beforehand."""
        one = np.eye(len(self.emotions), dtype=np.float32)
        neutral = self.emotions.index("neutral")
        parts = [(one[neutral], one[neutral], self.neutral_prior)]
        for emotion in range(len(self.emotions)):
            if emotion != neutral:
                parts += [
                    ((1 - share) * one[neutral] + share * one[emotion], one[emotion], 1 / len(self.intensities))
                    for share in self.intensities
                ]
        object.__setattr__(self, "_shares", np.array([part[0] for part in parts]))
        object.__setattr__(self, "_owners", np.array([part[1] for part in parts]))
        object.__setattr__(self, "_log_priors", np.log(np.array([part[2] for part in parts], np.float32)))

    @classmethod
    def load(cls, path: Path) -> HeadWeights:
        """Raises `EngineFailed` where the file is none of ours. Nothing in it is ever unpickled."""
        try:
            with np.load(path, allow_pickle=False) as file:
                head = cls(
                    tuple(str(name) for name in file["emotions"]),
                    *(file[name].astype(np.float32) for name in ARRAYS),
                    *(float(file[name]) for name in NUMBERS),
                )
        except (OSError, ValueError, KeyError) as fault:
            raise EngineFailed(f"{path.name} holds no tone head: {fault}") from fault
        inputs, emotions = len(head.mean), len(head.emotions)
        fits = head.weights.shape == (inputs, emotions) and head.gram.shape == (emotions, emotions)
        if not fits or not set(head.emotions) <= set(CIRCUMPLEX):
            raise EngineFailed(f"{path.name} holds no tone head: its shapes do not fit.")
        return head

    def save(self, path: Path) -> None:
        arrays = {name: getattr(self, name) for name in (*ARRAYS, *NUMBERS)}
        np.savez_compressed(path, emotions=np.array(self.emotions), **arrays)

    def projected(self, measured: Floats) -> Floats:
        """Of measurements, z: shape (utterances, emotions). Raises `ValueError` where another encoder made them."""
        return (((measured - self.mean) / self.scale) @ self.weights).astype(np.float32)

    def probabilities(self, z: Floats) -> Floats:
        """Of the emotions, calibrated; shape (utterances, emotions)."""
        return (self._responsibilities(z) @ self._owners).astype(np.float32)

    def habit(self, others: Floats) -> Floats:
        """What a speaker shifts z by, told from other utterances; shape (emotions,), 0 of none."""
        habit = np.zeros(len(self.emotions), np.float32)
        for _ in range(STEPS if len(others) else 0):
            expected = self._responsibilities(others - habit) @ self._shares @ self.gram
            left = (others - expected).sum(axis=0)
            habit = (left / (len(others) + self.relevance)).astype(np.float32)
        return habit

    def in_company(self, z: Floats, known: Floats) -> Floats:
        """z of utterances of one speaker, each without the habit told from those around it and those known before."""
        everything = np.concatenate((known, z))
        return np.array(
            [
                row
                - self.habit(
                    np.delete(everything[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1], min(at, NEIGHBOURS), axis=0)
                )
                for at, row in enumerate(z, start=len(known))
            ],
            np.float32,
        )

    def _responsibilities(self, z: Floats) -> Floats:
        """Of the mixture's parts, shape (utterances, parts)."""
        distances = ((self._shares @ self.gram) * self._shares).sum(axis=1)
        scores = (z @ self._shares.T - 0.5 * distances) / self.temperature + self._log_priors
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


ARRAYS = ("mean", "scale", "weights", "gram", "intensities")
NUMBERS = ("neutral_prior", "temperature", "relevance")


class ToneHead:
    """A `ToneReader` on weights of ours. Reading takes well under a millisecond, so it is done at once."""

    def __init__(self, path: Path) -> None:
        """path: of the weights. Raises `EngineFailed`."""
        self._weights = HeadWeights.load(path)

    @classmethod
    def for_listener(cls, model: str) -> ToneHead:
        """The head for a listener's model. Raises `InvalidValue` where there is none, `EngineFailed`."""
        if model not in heads():
            raise InvalidValue(f"There is no tone head for '{model}', only for: {', '.join(heads())}.", param="tone")
        return cls(HEADS / f"{model}.npz")

    async def read(self, utterances: Sequence[Voicing], known: Sequence[Voicing] = ()) -> list[Tone]:
        if not utterances:
            return []
        head = self._weights
        try:
            z = head.projected(measurements([*utterances, *known[-NEIGHBOURS:]]))
        except ValueError as fault:
            raise EngineFailed("These utterances were heard by another encoder than the tone head's.") from fault
        own = len(utterances)
        found = head.probabilities(head.in_company(z[:own], z[own:]))
        return [
            Tone(tuple(zip(head.emotions, probabilities.tolist(), strict=True)), voicing.prosody, voicing.seconds)
            for voicing, probabilities in zip(utterances, found, strict=True)
        ]

    async def close(self) -> None:
        return None
