"""How soon questions were answered: the middle, and the 95th percentile where there are enough of them to say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vivavoce.exam.runs import Try

LEAST_FOR_P95 = 60
"""Answers below which no 95th percentile is stated: it would be one of the three slowest, by chance."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds over `n` answers. p95: None of fewer than `LEAST_FOR_P95`; `most` is the slowest."""

    n: int
    p50: float
    p95: float | None
    most: float


@dataclass(frozen=True, slots=True)
class Delays:
    """From the request to the first sound (of answers that were streamed) and to the end of the whole answer, each over
    spoken questions. None where there were none."""

    first_sound: Delay | None
    whole: Delay | None


def delays(tries: Sequence[Try]) -> Delays:
    spoken = [made for made in tries if made.mode == "spoken"]
    return Delays(
        first_sound=delay([made.first_sound_s for made in spoken if made.first_sound_s is not None]),
        whole=delay([made.seconds for made in spoken if made.seconds is not None]),
    )


def delay(seconds: Sequence[float]) -> Delay | None:
    if not seconds:
        return None
    middle, high = np.quantile(np.asarray(seconds, np.float64), (0.5, 0.95))
    return Delay(len(seconds), float(middle), float(high) if len(seconds) >= LEAST_FOR_P95 else None, max(seconds))
