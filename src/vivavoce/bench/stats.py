"""Statistics of paired comparisons: error rates, ratios of times, and how sure one can be of them.

Pure numbers: knows no audio, no text and no engine. Resampling is over clips, always the same clips for both sides,
so that hard clips cancel out of the difference (percentile bootstrap: Efron 1979; for word error rates: Bisani and
Ney 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

LEAST_FOR_P95 = 60
"""Values below which no 95th percentile is stated: of fewer, it is hardly more than the worst one."""

AT_ONCE = 1 << 20
"""Draws that are in memory together."""

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its bounds. low and high: 2.5 % and 97.5 % quantiles; upper: the one-sided 95 % bound.
    resamples: 0 where the bounds are by a formula."""

    estimate: float
    low: float
    high: float
    upper: float
    clips: int
    resamples: int


def paired_rate_increase(
    ours: Sequence[float],
    reference: Sequence[float],
    units: Sequence[float],
    *,
    resamples: int = 4000,
    seed: int = 0,
) -> Interval:
    """How much higher our error rate is than the reference's, in percentage points.

    ours, reference: errors per clip; units: reference words (or characters) per clip. The rate is total errors over
    total units, in each resample anew. Raises `ValueError` on unequal lengths or nothing to count.
    """
    difference = _counts(ours, len(units)) - _counts(reference, len(units))
    return _bootstrap(difference, _counts(units, len(units)), 100.0, resamples, seed)


def rate_interval(errors: Sequence[float], units: Sequence[float], *, resamples: int = 4000, seed: int = 0) -> Interval:
    """`rate` with its bounds, resampled over clips. Raises `ValueError` as `paired_rate_increase` does."""
    return _bootstrap(_counts(errors, len(units)), _counts(units, len(units)), 100.0, resamples, seed)


def paired_ratio(
    numerator: Sequence[float], denominator: Sequence[float], *, resamples: int = 4000, seed: int = 0
) -> Interval:
    """Total of one over total of the other, as in "times as fast" with the slower one's seconds above."""
    count = len(denominator)
    return _bootstrap(_counts(numerator, count), _counts(denominator, count), 1.0, resamples, seed)


def ratio_of_medians(
    numerator: Sequence[float], denominator: Sequence[float], *, resamples: int = 4000, seed: int = 0
) -> Interval:
    """Median of one over median of the other, resampled over pairs: "times sooner" with the later one above.

    Raises `ValueError` on unequal lengths, on no pairs, or where a median is not above 0.
    """
    above, below = _counts(numerator, len(denominator)), _counts(denominator, len(denominator))
    if len(below) == 0 or min(np.median(above), below.min()) <= 0:
        raise ValueError("a ratio of medians needs times above 0")
    picks = np.random.default_rng(seed).integers(0, len(below), (resamples, len(below)))
    drawn = np.median(above[picks], axis=1) / np.median(below[picks], axis=1)
    low, high, upper = np.quantile(drawn, (0.025, 0.975, 0.95))
    estimate = np.median(above) / np.median(below)
    return Interval(float(estimate), float(low), float(high), float(upper), len(below), resamples)


def share_interval(flags: Sequence[bool]) -> Interval:
    """The share that is true, by Wilson's score (1927): honest at 0 and 1 too, where a bootstrap sees no doubt.

    Raises `ValueError` of nothing.
    """
    count = len(flags)
    if not count:
        raise ValueError("a share needs at least one value")
    share = sum(flags) / count

    def bound(z: float) -> float:
        middle, spread = share + z * z / (2 * count), z * ((share * (1 - share) + z * z / (4 * count)) / count) ** 0.5
        return (middle + spread) / (1 + z * z / count)

    return Interval(share, bound(-1.96), bound(1.96), bound(1.645), count, 0)


def rate(errors: Sequence[float], units: Sequence[float]) -> float:
    """Total errors over total units, in per cent. Raises `ValueError` when there are no units."""
    total = float(sum(units))
    if total <= 0:
        raise ValueError("an error rate needs at least one reference word")
    return 100.0 * float(sum(errors)) / total


def percentile(values: Sequence[float], per_cent: float) -> float:
    """Linear-interpolation percentile; per_cent in [0, 100]. Raises `ValueError` on no values."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    return float(np.percentile(np.asarray(values, np.float64), per_cent))


def stated_p95(values: Sequence[float]) -> float | None:
    """The 95th percentile of enough values; None for fewer than `LEAST_FOR_P95`."""
    return percentile(values, 95) if len(values) >= LEAST_FOR_P95 else None


def _counts(values: Sequence[float], expected: int) -> Counts:
    if len(values) != expected:
        raise ValueError(f"paired values must be equally many, got {len(values)} and {expected}")
    return np.asarray(values, np.float64)


def _bootstrap(above: Counts, below: Counts, scale: float, resamples: int, seed: int) -> Interval:
    """Percentile bootstrap of scale * sum(above) / sum(below) over clips drawn with replacement."""
    if len(below) == 0 or below.sum() <= 0:
        raise ValueError("a bootstrap needs clips with something to count")
    sums, totals = resampled(np.stack((above, below), axis=1), resamples, seed).T
    # A resample of clips without any units has no rate; it takes the estimate's place on neither side.
    drawn = scale * sums / np.where(totals > 0, totals, np.nan)
    low, high, upper = np.nanquantile(drawn, (0.025, 0.975, 0.95))
    estimate = scale * above.sum() / below.sum()
    return Interval(float(estimate), float(low), float(high), float(upper), len(below), resamples)


def resampled(values: Counts, resamples: int, seed: int) -> Counts:
    """The sums of `resamples` draws with replacement from the rows of `values`, shape (resamples, columns).

    The same rows are drawn for as many of them, whatever they hold: two runs over the same items are resampled alike.
    """
    count = len(values)
    if count * resamples <= AT_ONCE:
        return _drawn(count, resamples, seed) @ values
    random = np.random.default_rng(seed)
    at_once = max(1, AT_ONCE // count)
    parts = [(min(at_once, resamples - start), count) for start in range(0, resamples, at_once)]
    return np.concatenate([values[random.integers(0, count, part)].sum(axis=1) for part in parts])


@lru_cache(maxsize=4)
def _drawn(count: int, resamples: int, seed: int) -> Counts:
    """How often each of `count` rows is drawn, shape (resamples, count). Boards ask for the same ones over and over."""
    picks = np.random.default_rng(seed).integers(0, count, (resamples, count))
    flat = np.bincount((picks + count * np.arange(resamples)[:, None]).ravel(), minlength=resamples * count)
    return flat.reshape(resamples, count).astype(np.float64)
