"""How well a word's probability tells whether it was heard right: `viva bench doubt`.

Recordings with their text are heard as they are and among other people's talk. Each word that was heard is right or
wrong by the alignment of both texts. The weights of `listen.doubt` are found by logistic regression, and judged on
speakers that they were not found on. Knows no listener: what was heard is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vivavoce.bench.scoring import matched_words
from vivavoce.bench.stats import Interval
from vivavoce.listen.base import Segment
from vivavoce.listen.doubt import EVIDENCE, UNCLEAR, Matrix, evidence, matters, probabilities

FOLDS = 8
BINS = 10
RIDGE = 1.0
"""Weight of the penalty on large weights, in units of one word."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording as it was heard. found: what `listen.doubt` knows of each word, shape (words, 5).

    right: whether each word is what was said; complete: nothing that was said is missing. may_train: its licence lets
    weights be shipped that were found on it.
    """

    clip: str
    speaker: str
    noise: str
    words: tuple[str, ...]
    found: Matrix
    right: Flags
    complete: bool
    may_train: bool


@dataclass(frozen=True, slots=True)
class Bin:
    """Words whose probability lies in one tenth: how many, what they were said to be on average, and what was true."""

    words: int
    said: float
    true: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How probabilities fit the facts. error: the expected calibration error over ten bins, resampled over speakers.

    ranking: area under the curve, the chance that a right word is more probable than a wrong one.
    """

    words: int
    speakers: int
    right: float
    error: Interval
    ranking: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """Utterances with an unclear word that matters: of those heard wholly right, and of those where such a word is
    wrong."""

    right: int
    right_marked: int
    wrong: int
    wrong_marked: int


def utterance(
    clip: str, speaker: str, noise: str, segments: Sequence[Segment], text: str, language: str, *, may_train: bool
) -> Utterance:
    """What was heard of a recording in which `text` is said; its segments carry words and `token_logprobs`."""
    words = [word for segment in segments for word in segment.words]
    found = [evidence(_token_probabilities(segment), segment.mean_log_probability) for segment in segments]
    right, complete = matched_words(text, [word.text for word in words], language)
    return Utterance(
        clip,
        speaker,
        noise,
        tuple(word.text for word in words),
        np.concatenate(found) if found else np.zeros((0, len(EVIDENCE))),
        np.array(right, np.bool_),
        complete,
        may_train,
    )


def _token_probabilities(segment: Segment) -> list[list[float]]:
    sure = [math.exp(token.logprob) for token in segment.token_logprobs]
    taken: list[list[float]] = []
    for word in segment.words:
        taken.append(sure[: word.token_count])
        sure = sure[word.token_count :]
    return taken


def found_weights(utterances: Sequence[Utterance]) -> tuple[float, Matrix]:
    """Bias and weights by penalised logistic regression (Newton's method) on all words of `utterances`.

    Raises `ValueError` where there are none, or all are right, or all wrong.
    """
    found = np.concatenate([each.found for each in utterances]) if utterances else np.zeros((0, len(EVIDENCE)))
    right = np.concatenate([each.right for each in utterances]) if utterances else np.zeros(0, np.bool_)
    if not right.any() or right.all():
        raise ValueError("weights need words that are right and words that are wrong")
    mean, spread = found.mean(axis=0), found.std(axis=0) + 1e-9
    inputs = np.concatenate([np.ones((len(found), 1)), (found - mean) / spread], axis=1)
    penalty = np.diag([0.0] + [RIDGE] * found.shape[1])
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        sure = 1.0 / (1.0 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (sure - right) + penalty @ weights
        curvature = (inputs * (sure * (1 - sure))[:, None]).T @ inputs + penalty
        step = np.linalg.solve(curvature, gradient)
        weights -= step
        if float(np.abs(step).max()) < 1e-9:
            break
    scaled = weights[1:] / spread
    return float(weights[0] - mean @ scaled), scaled


def unseen_probabilities(utterances: Sequence[Utterance], seed: int = 0) -> list[Matrix]:
    """Of each utterance's words, by weights found without its speaker, on what may be trained on."""
    speakers = sorted({each.speaker for each in utterances})
    order: list[int] = np.random.default_rng(seed).permutation(len(speakers)).tolist()
    fold = {speakers[index]: place % FOLDS for place, index in enumerate(order)}
    weights = [
        found_weights([each for each in utterances if each.may_train and fold[each.speaker] != number])
        for number in range(FOLDS)
    ]
    return [probabilities(each.found, *weights[fold[each.speaker]]) for each in utterances]


def calibration(utterances: Sequence[Utterance], sure: Sequence[Matrix], seed: int = 0) -> Calibration:
    """How well `sure` fits; the interval is by a bootstrap over speakers."""
    speakers = sorted({each.speaker for each in utterances})
    own: list[tuple[Matrix, Flags]] = []
    for speaker in speakers:
        said = [(p, each.right) for p, each in zip(sure, utterances, strict=True) if each.speaker == speaker]
        own.append((np.concatenate([p for p, _ in said]), np.concatenate([right for _, right in said])))
    everything, facts = np.concatenate([p for p, _ in own]), np.concatenate([right for _, right in own])
    tables = np.array([_table(p, right) for p, right in own])
    random = np.random.default_rng(seed)
    picks = random.integers(0, len(own), (4000, len(own)))
    drawn = np.array([_error(tables[pick].sum(axis=0)) for pick in picks])
    low, high, upper = np.quantile(drawn, (0.025, 0.975, 0.95))
    whole = tables.sum(axis=0)
    return Calibration(
        words=len(facts),
        speakers=len(speakers),
        right=float(facts.mean()),
        error=Interval(_error(whole), float(low), float(high), float(upper), len(speakers), len(picks)),
        ranking=_area(everything, facts),
        bins=tuple(Bin(int(n), float(p / n), float(r / n)) if n else Bin(0, 0.0, 0.0) for n, p, r in whole),
    )


def _table(sure: Matrix, right: Flags) -> Matrix:
    """Per bin: words, sum of probabilities, words that are right; shape (BINS, 3)."""
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    return np.stack(
        [np.bincount(place, minlength=BINS), np.bincount(place, sure, BINS), np.bincount(place, right, BINS)], axis=1
    ).astype(np.float64)


def _error(table: Matrix) -> float:
    """Expected calibration error (Naeini et al. 2015)."""
    return float(np.abs(table[:, 1] - table[:, 2]).sum() / table[:, 0].sum())


def _area(sure: Matrix, right: Flags) -> float:
    """By ranks (Mann and Whitney 1947), ties counting half."""
    values, place, counts = np.unique(sure, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    ups, downs = int(right.sum()), int((~right).sum())
    return float((ranks[right].sum() - ups * (ups + 1) / 2) / (ups * downs)) if ups and downs and len(values) else 0.5


def marks(utterances: Sequence[Utterance], sure: Sequence[Matrix]) -> Marks:
    """How often an unclear word is marked where it should be, and where it should not."""
    right: list[bool] = []
    wrong: list[bool] = []
    for each, probability in zip(utterances, sure, strict=True):
        weighty = np.array([matters(word) for word in each.words], np.bool_)
        marked = bool((probability[weighty] < UNCLEAR).any())
        if each.right.all() and each.complete:
            right.append(marked)
        elif not each.right[weighty].all():
            wrong.append(marked)
    return Marks(len(right), sum(right), len(wrong), sum(wrong))
