"""`docs/operations/metrics.md` and the Grafana dashboard, made from the metric definitions.

`python -m vivavoce.telemetry.pages FOLDER` writes both. Knows no server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from vivavoce.telemetry.metrics import METRICS, ROWS, Metric

PANEL_WIDTH, PANEL_HEIGHT = 12, 8
"""In Grafana's grid of 24 columns."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

Query = tuple[str, str]
"""PromQL and the legend of its lines."""


def metrics_page() -> str:
    """Markdown: one row per metric."""
    lines = [
        "# Metrics",
        "",
        "What `GET /metrics` tells, generated from `src/vivavoce/telemetry/metrics.py`, as is the",
        "[Grafana dashboard](grafana.json). How to use them: [telemetry](telemetry.md).",
    ]
    for row in ROWS:
        lines += ["", f"## {row}", "", "| metric | kind | labels | what it tells |", "|---|---|---|---|"]
        for metric in METRICS:
            if metric.row == row:
                labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
                lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    lines += ["", "## Buckets", "", "| metric | upper bounds |", "|---|---|"]
    lines += [
        f"| `{metric.name}` | {', '.join(f'{bound:g}' for bound in metric.buckets)} |"
        for metric in METRICS
        if metric.buckets
    ]
    return "\n".join(lines) + "\n"


def queries(metric: Metric) -> list[Query]:
    """What a panel asks: rates of counters, medians and 95th percentiles of histograms, gauges as they are."""
    by = ", ".join(metric.by)
    legend = " ".join(f"{{{{{label}}}}}" for label in metric.by)
    grouped = f"sum by ({by})" if by else "sum"
    if metric.kind == "counter":
        return [(f"{grouped} (rate({metric.name}[$__rate_interval]))", legend or metric.title)]
    if metric.kind == "histogram":
        buckets = f"sum by ({', '.join(('le', *metric.by))}) (rate({metric.name}_bucket[$__rate_interval]))"
        return [
            (f"histogram_quantile({quantile}, {buckets})", f"p{quantile * 100:.0f} {legend}".strip())
            for quantile in (0.5, 0.95)
        ]
    if metric.unit == "dateTimeFromNow":
        return [(f"min ({metric.name}) * 1000", metric.title)]
    return [(f"{grouped} ({metric.name})", legend or metric.title)]


def dashboard() -> dict[str, Any]:
    """A Grafana dashboard: one row per group of metrics, one panel per metric."""
    panels: list[dict[str, Any]] = []
    top = 0
    for row in ROWS:
        panels.append(_row(row, top, len(panels) + 1))
        top += 1
        shown = [metric for metric in METRICS if metric.row == row]
        for number, metric in enumerate(shown):
            across, down = number % 2, number // 2
            panels.append(_panel(metric, across * PANEL_WIDTH, top + down * PANEL_HEIGHT, len(panels) + 1))
        top += (len(shown) + 1) // 2 * PANEL_HEIGHT
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": "viva-voce",
        "title": "Viva Voce",
        "description": "Generated from src/vivavoce/telemetry/metrics.py.",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def _row(title: str, top: int, panel_id: int) -> dict[str, Any]:
    where = {"x": 0, "y": top, "w": 2 * PANEL_WIDTH, "h": 1}
    return {"id": panel_id, "type": "row", "title": title, "collapsed": False, "gridPos": where, "panels": []}


def _panel(metric: Metric, left: int, top: int, panel_id: int) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": DATASOURCE, "expr": expr, "legendFormat": legend}
        for number, (expr, legend) in enumerate(queries(metric))
    ]
    return {
        "id": panel_id,
        "type": "stat" if metric.unit == "dateTimeFromNow" else "timeseries",
        "title": metric.title,
        "description": metric.help,
        "datasource": DATASOURCE,
        "gridPos": {"x": left, "y": top, "w": PANEL_WIDTH, "h": PANEL_HEIGHT},
        "fieldConfig": {"defaults": {"unit": metric.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def dashboard_json() -> str:
    return json.dumps(dashboard(), indent=2) + "\n"


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / "metrics.md").write_text(metrics_page(), encoding="utf-8")
    (folder / "grafana.json").write_text(dashboard_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
