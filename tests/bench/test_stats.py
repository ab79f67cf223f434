"""The statistics must flag a worse system and must not flag an equal one."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.bench.stats import paired_rate_increase, paired_ratio, percentile, rate, share_interval

RANDOM = np.random.default_rng(5)
UNITS = RANDOM.integers(3, 15, 300).tolist()
REFERENCE = [int(RANDOM.binomial(n, 0.2)) for n in UNITS]


def test_an_equal_system_increases_nothing() -> None:
    interval = paired_rate_increase(REFERENCE, REFERENCE, UNITS, resamples=500)
    assert (interval.estimate, interval.low, interval.high, interval.upper) == (0.0, 0.0, 0.0, 0.0)


def test_a_fabricated_worse_system_is_flagged() -> None:
    random = np.random.default_rng(6)
    worse = [min(n, e + int(random.binomial(n, 0.03))) for e, n in zip(REFERENCE, UNITS, strict=True)]
    interval = paired_rate_increase(worse, REFERENCE, UNITS)
    assert 2.0 < interval.estimate < 4.0
    assert interval.low > 0.0
    assert interval.upper > 1.0


def test_a_system_that_errs_elsewhere_but_as_often_is_not_significantly_worse() -> None:
    random = np.random.default_rng(7)
    other = [int(random.binomial(n, 0.2)) for n in UNITS]
    interval = paired_rate_increase(other, REFERENCE, UNITS)
    assert interval.low < 0.0 < interval.high
    assert interval.low <= interval.estimate <= interval.upper <= interval.high


def test_one_disastrous_clip_widens_the_bound() -> None:
    looped = list(REFERENCE)
    looped[0] += 60
    interval = paired_rate_increase(looped, REFERENCE, UNITS)
    assert interval.upper > 2 * interval.estimate


def test_few_clips_give_a_wider_bound_than_many() -> None:
    random = np.random.default_rng(8)
    other = [int(random.binomial(n, 0.2)) for n in UNITS]
    few = paired_rate_increase(other[:30], REFERENCE[:30], UNITS[:30])
    many = paired_rate_increase(other, REFERENCE, UNITS)
    assert few.high - few.low > many.high - many.low


def test_the_coverage_of_the_upper_bound_is_about_what_it_says() -> None:
    random = np.random.default_rng(9)
    held = 0
    for seed in range(120):
        difference = random.normal(0.5, 2.0, 100)
        interval = paired_rate_increase(difference, np.zeros(100), np.full(100, 50.0), resamples=400, seed=seed)
        held += interval.upper >= 1.0  # the true increase: 0.5 / 50
    assert 105 <= held <= 120


def test_a_seed_repeats_the_bounds() -> None:
    one = paired_ratio([2.0, 3.0, 9.0], [1.0, 1.0, 2.0], seed=4)
    assert one == paired_ratio([2.0, 3.0, 9.0], [1.0, 1.0, 2.0], seed=4)
    assert one.estimate == pytest.approx(14.0 / 4.0)


def test_rates_and_percentiles() -> None:
    assert rate([1, 0], [4, 6]) == pytest.approx(10.0)
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0


def test_nothing_to_count_is_refused() -> None:
    for call in (
        lambda: rate([], []),
        lambda: percentile([], 50),
        lambda: paired_rate_increase([1], [1], [0]),
        lambda: paired_rate_increase([1, 2], [1], [5]),
    ):
        with pytest.raises(ValueError, match=r".+"):
            call()


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0), (81, 263, 0.255, 0.366)],
)
def test_a_share_is_as_sure_as_wilson_has_it(hits: int, count: int, low: float, high: float) -> None:
    """Bounds as tabulated (Newcombe 1998 has 81 of 263)."""
    interval = share_interval([number < hits for number in range(count)])
    assert interval.estimate == hits / count
    assert (interval.low, interval.high) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        share_interval([])
