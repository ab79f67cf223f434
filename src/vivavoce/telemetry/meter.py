"""Metrics as Prometheus counts and shows them: one object per definition, one text for all workers.

Several processes count together in files of one folder (`PROMETHEUS_MULTIPROC_DIR`, which `telemetry.shared` gives
them): any worker's text is the whole. Knows no event and no server.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as MetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from vivavoce.telemetry.metrics import METRICS, Metric
from vivavoce.telemetry.shared import shared_folder

Sample = tuple[str, tuple[str, ...], float]
"""Name of a metric, values of its labels in their order, value."""

GAUGE_MODES = {"viva_start_time_seconds": "min"}
"""How gauges of several processes become one; the others are the sum of those that live."""


class Meter:
    """All metrics of one process. Labels are given in the order of their definition."""

    def __init__(self) -> None:
        disable_created_metrics()  # one more series per counter, and several processes have none
        self._registry = CollectorRegistry()
        self._counted: dict[str, Counter | Gauge | Histogram] = {
            metric.name: _counted(metric, self._registry) for metric in METRICS if metric.source == "events"
        }
        self._known: dict[tuple[str, tuple[str, ...]], Counter | Gauge | Histogram] = {}
        self.set("viva_start_time_seconds", time.time())

    def add(self, name: str, amount: float, *labels: str) -> None:
        """To a counter; to a gauge, where `amount` may be negative."""
        series = self._series(name, labels)
        if isinstance(series, Histogram):
            raise TypeError(f"{name} observes; nothing can be added to it")
        series.inc(amount)

    def observe(self, name: str, value: float, *labels: str) -> None:
        series = self._series(name, labels)
        if not isinstance(series, Histogram):
            raise TypeError(f"{name} is no histogram")
        series.observe(value)

    def set(self, name: str, value: float) -> None:
        series = self._series(name, ())
        if not isinstance(series, Gauge):
            raise TypeError(f"{name} is no gauge")
        series.set(value)

    def _series(self, name: str, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        """One series of a metric, looked up once: the client's own look-up takes as long as counting."""
        found = self._known.get((name, labels))
        if found is None:
            counted = self._counted[name]
            found = self._known[name, labels] = counted.labels(*labels) if labels else counted
        return found

    def text(self, engines: Sequence[Sample]) -> bytes:
        """The exposition format, of all workers. `engines`: what the engine process says now."""
        registry = self._registry
        if shared_folder() is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry) + generate_latest(_Now(engines))


class _Now(Collector):
    """What is kept in no worker: the engine process says it at this moment."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterable[MetricFamily]:
        for metric in METRICS:
            found = [(labels, value) for name, labels, value in self._samples if name == metric.name]
            if metric.source == "engines" and found:
                family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
                told = family(metric.name, metric.help, labels=metric.labels)
                for labels, value in found:
                    told.add_metric(labels, value)
                yield told


def _counted(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(metric.name, metric.help, metric.labels, registry=registry)
    if metric.kind == "histogram":
        return Histogram(metric.name, metric.help, metric.labels, registry=registry, buckets=metric.buckets)
    mode = "min" if GAUGE_MODES.get(metric.name) == "min" else "livesum"
    return Gauge(metric.name, metric.help, metric.labels, registry=registry, multiprocess_mode=mode)
