"""How sure it is that a word was heard right: Whisper's own confidence, calibrated on recordings whose words are known.

Whisper gives each token a probability. That of a word follows from its tokens, its neighbours and the whole window, by
a logistic regression (five numbers in, one out) whose weights lie in `doubt.toml`. `viva bench doubt` finds them and
tells how well they hold. Pure: knows no model.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

EVIDENCE = ("mean", "least", "window", "before", "after")
"""What a word's probability is reckoned from. mean, least: log-odds of its tokens' mean and least probability. window:
mean log-probability of the window's tokens. before, after: `mean` of the neighbours, its own at an end."""

UNCLEAR = 0.45
"""A word that is less likely to be right is unclear. Chosen so that clear speech has none in 97 of 100 utterances."""

LEAST_LETTERS = 4
"""Shorter words carry the sentence rather than its matter ("the", "is"); numbers count at any length."""

_FIRST_OF_EAST_ASIA = "\u2e80"
_EXTREME = 1e-4

Matrix = npt.NDArray[np.float64]


def evidence(token_probabilities: Sequence[Sequence[float]], mean_log_probability: float) -> Matrix:
    """Of the words of one window, shape (words, 5), columns as in `EVIDENCE`; from the probabilities of each one's
    tokens. A word of no token is as likely as not."""
    tokens = [np.asarray(each or (0.5,), np.float64) for each in token_probabilities]
    means = np.array([_log_odds(float(each.mean())) for each in tokens])
    leasts = np.array([_log_odds(float(each.min())) for each in tokens])
    windows = np.full(len(tokens), mean_log_probability)
    before, after = np.append(means[:1], means[:-1]), np.append(means[1:], means[-1:])
    return np.stack([means, leasts, windows, before, after], axis=1)


def calibrated(token_probabilities: Sequence[Sequence[float]], mean_log_probability: float) -> list[float]:
    """The probability, in [0, 1], that each word of a window is right; arguments as in `evidence`."""
    if not token_probabilities:
        return []
    bias, weights = shipped_weights()
    return probabilities(evidence(token_probabilities, mean_log_probability), bias, weights).tolist()


def probabilities(found: Matrix, bias: float, weights: Matrix) -> Matrix:
    """The logistic function of what was found, shape (words,)."""
    return 1.0 / (1.0 + np.exp(-(bias + found @ weights)))


@cache
def shipped_weights() -> tuple[float, Matrix]:
    """Bias and the weight of each kind of evidence."""
    table = tomllib.loads(files("vivavoce.listen").joinpath("doubt.toml").read_text(encoding="utf-8"))
    return float(table["bias"]), np.array([float(table["weights"][name]) for name in EVIDENCE])


def matters(word: str) -> bool:
    """Whether a misheard `word` may change what is asked: it has four letters or more, a digit, or a character of
    East Asia, where a word is one or two."""
    letters = [char for char in word if char.isalnum()]
    return len(letters) >= LEAST_LETTERS or any(char.isdigit() or char >= _FIRST_OF_EAST_ASIA for char in letters)


def _log_odds(probability: float) -> float:
    inside = min(1 - _EXTREME, max(_EXTREME, probability))
    return float(np.log(inside / (1 - inside)))
