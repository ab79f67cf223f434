"""Rates and percentiles between two readings of `/metrics`."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest

from vivavoce.telemetry.figures import Reading, Stretch


def reading(at_s: float, *values: float) -> Reading:
    registry = CollectorRegistry()
    waits = Histogram("waits", "of somebody", ["who"], registry=registry, buckets=(1, 2, 4))
    for value in values:
        waits.labels("me").observe(value)
    return Reading.of(generate_latest(registry).decode(), at_s)


def test_percentiles_lie_on_straight_lines_within_buckets() -> None:
    stretch = Stretch(Reading(0.0), reading(10.0, 1.5, 1.5, 1.5, 1.5))
    assert stretch.quantile(0.5, "waits") == pytest.approx(1.5)
    assert stretch.quantile(1.0, "waits") == pytest.approx(2.0)
    assert stretch.quantile(0.5, "waits", who="you") is None
    assert stretch.rate("waits_count", who="me") == pytest.approx(0.4)


def test_only_what_came_since_counts() -> None:
    before = reading(0.0, *[0.5] * 100)
    after = reading(10.0, *[0.5] * 100, 3.0, 3.0)
    assert Stretch(before, after).quantile(0.5, "waits") == pytest.approx(3.0)
    assert Stretch(before, before).quantile(0.5, "waits") is None


def test_beyond_the_last_bucket_is_its_bound() -> None:
    assert Stretch(Reading(0.0), reading(1.0, 99.0)).quantile(0.5, "waits") == pytest.approx(4.0)
