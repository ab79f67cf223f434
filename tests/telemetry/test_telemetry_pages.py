"""The page of metrics and the dashboard agree with the definitions, and the definitions with what is counted."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from vivavoce.telemetry.meter import Meter
from vivavoce.telemetry.metrics import METRICS
from vivavoce.telemetry.pages import dashboard, dashboard_json, metrics_page, queries

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations"


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def test_both_are_generated() -> None:
    assert (OPERATIONS / "metrics.md").read_text(encoding="utf-8") == metrics_page(), "run: make docs"
    assert (OPERATIONS / "grafana.json").read_text(encoding="utf-8") == dashboard_json(), "run: make docs"


def test_every_metric_has_a_panel_and_no_panel_asks_for_another() -> None:
    asked: set[str] = set()
    for panel in panels():
        for target in panel["targets"]:
            names = re.findall(r"viva_\w+", target["expr"])
            assert len(names) == 1
            assert target["expr"].count("(") == target["expr"].count(")")
            asked.add(names[0].removesuffix("_bucket"))
    assert asked == {metric.name for metric in METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_queries_name_only_labels_that_there_are(metric: Any) -> None:
    assert set(metric.by) <= set(metric.labels)
    for expr, legend in queries(metric):
        grouped = re.search(r"by \(([^)]*)\)", expr)
        labels = set(grouped[1].split(", ")) - {"le"} if grouped else set()
        assert labels == set(metric.by) == set(re.findall(r"{{(\w+)}}", legend))
        assert ("_bucket" in expr) == (metric.kind == "histogram")
        assert ("rate(" in expr) == (metric.kind != "gauge")


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    board = json.loads(dashboard_json())
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time"} <= set(board)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for one, other in combinations([panel["gridPos"] for panel in board["panels"]], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in board["panels"])


def test_what_is_counted_is_what_is_defined() -> None:
    meter = Meter()
    engines = [(metric.name, ("x",) * len(metric.labels), 1.0) for metric in METRICS if metric.source == "engines"]
    for metric in METRICS:
        if metric.source == "events":
            labels = ("x",) * len(metric.labels)
            count = meter.observe if metric.kind == "histogram" else meter.add
            count(metric.name, 1.0, *labels)
    families = {family.name: family for family in text_string_to_metric_families(meter.text(engines).decode())}
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        assert {label for sample in family.samples for label in sample.labels} - {"le"} == set(metric.labels)
        bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
        assert bounds - {float("inf")} == set(metric.buckets)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_are_as_prometheus_wants_them(metric: Any) -> None:
    assert re.fullmatch(r"viva_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert list(metric.buckets) == sorted(metric.buckets)
    assert bool(metric.buckets) == (metric.kind == "histogram")
