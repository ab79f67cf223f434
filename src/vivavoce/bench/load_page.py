"""The results of `viva bench load`: a file of JSON, a table on a terminal, a drawing. Measures nothing."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from pydantic import TypeAdapter
from rich.table import Table

from vivavoce.bench.load import Level, LoadReport
from vivavoce.bench.stats import percentile

_REPORT = TypeAdapter(LoadReport)

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 50, 50


def write_report(report: LoadReport, path: Path) -> None:
    path.write_bytes(_REPORT.dump_json(report, indent=1) + b"\n")


def read_report(path: Path) -> LoadReport:
    return _REPORT.validate_json(path.read_bytes())


def load_table(report: LoadReport) -> Table:
    """One row per level."""
    kept = report.kept_at_most
    table = Table(
        title=f"Capacity {report.capacity_per_s:.2f} answers/s with {report.callers} callers; "
        f"good: first sound within {report.bound_s:g} s and no gap",
        caption=f"{report.machine}, {report.cores} cores; {report.keys} keys, one of them sends half. "
        f"Goodput at the heaviest load: {'–' if kept is None else f'{kept:.0%}'} of the best.",
    )
    columns = (
        "load",
        "asked",
        "offered/s",
        "good/s",
        "good",
        "late",
        "gaps",
        "429",
        "failed",
        "first sound p50",
        "p95",
    )
    for column in (*columns, "fairness"):
        table.add_column(column, justify="right")
    for level in report.levels:
        fairness = level.fairness(report.keys)
        table.add_row(
            f"{level.times:g}×",
            str(len(level.asked)),
            f"{level.rate_per_s:.2f}",
            f"{level.goodput_per_s:.2f}",
            *(str(level.count(outcome)) for outcome in ("good", "late", "dry", "refused", "failed")),
            _seconds(level, 50),
            _seconds(level, 95),
            "–" if fairness is None else f"{fairness:.2f}",
        )
    return table


def _seconds(level: Level, per_cent: float) -> str:
    return f"{percentile(level.first_sounds_s, per_cent):.2f} s" if level.first_sounds_s else "–"


def load_svg(report: LoadReport) -> str:
    """Goodput over offered load, with the line on which every question would be answered well."""
    most_x = max(level.rate_per_s for level in report.levels)
    most_y = max(report.capacity_per_s, *(level.goodput_per_s for level in report.levels)) * 1.2

    def x(per_s: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * per_s / most_x

    def y(per_s: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(per_s, most_y) / most_y

    all_good = min(most_x, most_y)
    points = " ".join(f"{x(level.rate_per_s):.1f},{y(level.goodput_per_s):.1f}" for level in report.levels)
    body = [
        f'<line class="ideal" x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(all_good):.1f}" y2="{y(all_good):.1f}"/>',
        f'<line class="axis" x1="{LEFT}" y1="{y(0):.1f}" x2="{WIDTH - RIGHT}" y2="{y(0):.1f}"/>',
        f'<polyline class="curve" points="{points}"/>',
        f'<text x="{LEFT}" y="24">Answers per second that came in time and without a gap</text>',
    ]
    for level in report.levels:
        at_x, at_y = x(level.rate_per_s), y(level.goodput_per_s)
        body += [
            f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="4"/>',
            f'<text x="{at_x:.1f}" y="{at_y - 10:.1f}" text-anchor="middle">{level.goodput_per_s:.2f}</text>',
            f'<text x="{at_x:.1f}" y="{HEIGHT - 28}" text-anchor="middle">{level.times:g}×</text>',
        ]
    told = f"offered load, in multiples of {report.capacity_per_s:.2f} questions per second"
    body.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">{escape(told)}</text>')
    style = (
        'svg { font: 12px system-ui, "Segoe UI", sans-serif; background: #fff; } text { fill: #24292f; } '
        ".axis { stroke: #818b98; } .ideal { stroke: #818b98; stroke-dasharray: 4 4; } circle { fill: #0969da; } "
        ".curve { fill: none; stroke: #0969da; stroke-width: 2; } "
        "@media (prefers-color-scheme: dark) { svg { background: #0d1117; } text { fill: #e6edf3; } }"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="Goodput over offered load">\n<style>{style}</style>\n' + "\n".join(body) + "\n</svg>\n"
    )
