"""What `/metrics` tells over a stretch of time: rates, percentiles and averages from two readings of it.

Works on the text alone, whoever wrote it. Knows no HTTP and no terminal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

Key = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Reading:
    """All samples of one moment, in Unix seconds. One without samples stands for the server's start."""

    at_s: float
    samples: Mapping[Key, float] = field(default_factory=dict[Key, float])

    @classmethod
    def of(cls, text: str, at_s: float) -> Reading:
        return cls(
            at_s,
            {
                (sample.name, frozenset(sample.labels.items())): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            },
        )

    def value(self, name: str) -> float | None:
        """Of a metric without labels."""
        return self.samples.get((name, frozenset()))


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one reading to a later one of the same server."""

    before: Reading
    after: Reading

    @property
    def seconds(self) -> float:
        return max(self.after.at_s - self.before.at_s, 1e-3)

    def grown(self, name: str, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """How much each series of `name` with `labels` has grown; 0 and less is left out."""
        wanted = set(labels.items())
        grown = {
            series: value - self.before.samples.get((found, series), 0.0)
            for (found, series), value in self.after.samples.items()
            if found == name and wanted <= series
        }
        return {series: amount for series, amount in grown.items() if amount > 0}

    def total(self, name: str, **labels: str) -> float:
        return sum(self.grown(name, **labels).values())

    def rate(self, name: str, **labels: str) -> float:
        """Per second."""
        return self.total(name, **labels) / self.seconds

    def quantile(self, share: float, name: str, **labels: str) -> float | None:
        """As Prometheus' `histogram_quantile`: straight lines within buckets; None where nothing was observed."""
        counts: dict[float, float] = {}
        for series, amount in self.grown(f"{name}_bucket", **labels).items():
            bound = float(dict(series)["le"])
            counts[bound] = counts.get(bound, 0.0) + amount
        bounds = sorted(counts)
        if not bounds:
            return None
        rank = share * counts[bounds[-1]]
        below_bound, below_count = self._bound_below(name, bounds[0]), 0.0
        for bound in bounds:
            if counts[bound] >= rank:
                if math.isinf(bound):
                    return below_bound
                within = (rank - below_count) / max(counts[bound] - below_count, 1e-9)
                return below_bound + (bound - below_bound) * within
            below_bound, below_count = bound, counts[bound]
        return below_bound

    def _bound_below(self, name: str, lowest: float) -> float:
        """The bound under `lowest`, whose bucket did not grow; 0 under the first."""
        bounds = {float(dict(series)["le"]) for found, series in self.after.samples if found == f"{name}_bucket"}
        return max((bound for bound in bounds if bound < lowest), default=0.0)
