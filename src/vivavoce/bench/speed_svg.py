"""A speed report as a drawing: how the time to the first sound is distributed, and where it goes.

One SVG file without scripts or fonts of its own; its colours follow the reader's light or dark mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

from vivavoce.bench.speed import Condition, SpeedReport
from vivavoce.bench.speed_figures import (
    Waterfall,
    chosen,
    conditions,
    lengths,
    main_condition,
    told,
    waterfalls,
)
from vivavoce.bench.stats import percentile

Scale = Callable[[float], float]

WIDTH = 800
MARGIN = 24
PANEL_W, PANEL_H = 336, 150
PANEL_STEP_X, PANEL_STEP_Y = 396, 216
PANELS_TOP = 96
BAR_H, BAR_STEP, BAR_LEFT = 16, 24, 150

_STYLE = """
svg { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.back { fill: #ffffff; } text { fill: #24292f; } .faint { fill: #59636e; }
.title { font-size: 14px; font-weight: 600; }
.grid { stroke: #d8dee4; } .axis { stroke: #818b98; } .curve { fill: none; stroke-width: 2; }
.c0 { stroke: #0969da; } .c1 { stroke: #1a7f64; } .c2 { stroke: #8250df; }
.c3 { stroke: #c4560b; } .c4 { stroke: #a0346e; }
.d0 { fill: #0969da; } .d1 { fill: #1a7f64; } .d2 { fill: #8250df; } .d3 { fill: #c4560b; } .d4 { fill: #a0346e; }
.s0 { fill: #0b4a8f; } .s1 { fill: #3b82d0; } .s2 { fill: #8fbce8; } .s3 { fill: #d8dee4; }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117; } text { fill: #e6edf3; } .faint { fill: #9198a1; }
  .grid { stroke: #2a313a; } .axis { stroke: #6e7681; }
  .c0 { stroke: #58a6ff; } .c1 { stroke: #3fb98f; } .c2 { stroke: #bc8cff; }
  .c3 { stroke: #f0883e; } .c4 { stroke: #f778ba; }
  .d0 { fill: #58a6ff; } .d1 { fill: #3fb98f; } .d2 { fill: #bc8cff; } .d3 { fill: #f0883e; } .d4 { fill: #f778ba; }
  .s0 { fill: #1f5fae; } .s1 { fill: #4a92e0; } .s2 { fill: #a5cdf5; } .s3 { fill: #3a424c; }
}
"""
_COLOURS = 5
_STAGES = ("hearing", "first words", "first sound", "the rest")


def speed_svg(report: SpeedReport) -> str:
    """The whole drawing; empty of panels where the report has no trials."""
    every = conditions(report)
    panels_h = -(-len(lengths(report)) // 2) * PANEL_STEP_Y
    bars_top = PANELS_TOP + panels_h + 40
    falls = [fall for fall in waterfalls(report) if fall.condition in _told_apart(report)]
    height = bars_top + len(falls) * BAR_STEP + 44
    body = [
        _text(MARGIN, 30, "First sound: share of questions answered within so many seconds", "title"),
        *_legend(every, report),
        *(
            line
            for number, length_s in enumerate(lengths(report))
            for line in _panel(
                report, length_s, MARGIN + 26 + number % 2 * PANEL_STEP_X, PANELS_TOP + number // 2 * PANEL_STEP_Y
            )
        ),
        *_bars(falls, report, bars_top),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="Distributions of the time to the first sound, and where the time goes">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="back" width="{WIDTH}" height="{height}"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _told_apart(report: SpeedReport) -> list[Condition]:
    """The conditions whose stages are drawn: ours, and the plain way."""
    return [c for c in conditions(report) if c == main_condition(report) or c.way == "plain"]


def _legend(every: Sequence[Condition], report: SpeedReport) -> list[str]:
    lines: list[str] = []
    x = float(MARGIN)
    for number, condition in enumerate(every):
        name = told(condition, report)
        lines.append(f'<circle class="d{number % _COLOURS}" cx="{x + 5:.0f}" cy="52" r="5"/>')
        lines.append(_text(x + 16, 56, name))
        x += 40 + 6.4 * len(name)
    lines.append(_text(x + 4, 56, "(dots: medians)", "faint"))
    return lines


def _panel(report: SpeedReport, length_s: int, left: float, top: float) -> list[str]:
    """Empirical distribution functions of one length, every condition a curve."""
    curves = [
        (number, sorted(trial.first_sound_s for trial in trials))
        for number, condition in enumerate(conditions(report))
        if (trials := chosen(report, condition, [length_s]))
    ]
    step_s = _nice_step(max(values[-1] for _, values in curves))
    end_s = step_s * -(-max(values[-1] for _, values in curves) // step_s)

    def x(seconds: float) -> float:
        return left + PANEL_W * seconds / end_s

    def y(share: float) -> float:
        return top + PANEL_H * (1 - share)

    lines = [_text(left, top - 8, f"question of {length_s} s")]
    for share in (0.0, 0.5, 0.95, 1.0):
        lines.append(_line("axis" if share == 0 else "grid", left, y(share), left + PANEL_W, y(share)))
        if share != 1.0:
            lines.append(_text(left - 6, y(share) + 4, f"{share:.0%}", "faint", "end"))
    for tick in range(round(end_s / step_s) + 1):
        lines.append(_line("grid", x(tick * step_s), top, x(tick * step_s), top + PANEL_H))
        lines.append(_text(x(tick * step_s), top + PANEL_H + 16, f"{tick * step_s:g} s", "faint", "middle"))
    for number, values in curves:
        lines.append(f'<path class="curve c{number % _COLOURS}" d="{_steps(values, x, y)}"/>')
    for number, values in curves:
        lines.append(
            f'<circle class="d{number % _COLOURS}" cx="{x(percentile(values, 50)):.1f}" cy="{y(0.5):.1f}" r="4"/>'
        )
    return lines


def _steps(values: Sequence[float], x: Scale, y: Scale) -> str:
    """A stair from the least value to the most, that rises by one n-th at every value."""
    path = f"M{x(values[0]):.1f} {y(0):.1f}"
    for number, value in enumerate(values, start=1):
        path += f"H{x(value):.1f}V{y(number / len(values)):.1f}"
    return path


def _bars(falls: Sequence[Waterfall], report: SpeedReport, top: float) -> list[str]:
    """Where the time goes: each stage from one median to the next, on one scale."""
    if not falls:
        return []
    longest_s = max(fall.stages[-1].end_s for fall in falls)
    scale = (WIDTH - BAR_LEFT - MARGIN - 90) / longest_s
    lines = [_text(MARGIN, top - 14, "Where the time goes (medians, seconds)", "title")]
    x = 370.0
    for number, name in enumerate(_STAGES):
        lines.append(f'<rect class="s{number}" x="{x:.0f}" y="{top - 24:.0f}" width="11" height="11"/>')
        lines.append(_text(x + 16, top - 14, name))
        x += 40 + 6.4 * len(name)
    for number, fall in enumerate(falls):
        y = top + 8 + number * BAR_STEP
        lines.append(_text(BAR_LEFT - 8, y + 12, f"{fall.length_s} s, {told(fall.condition, report)}", "", "end"))
        for stage in fall.stages:
            start, width = BAR_LEFT + stage.start_s * scale, (stage.end_s - stage.start_s) * scale
            lines.append(
                f'<rect class="s{_STAGES.index(stage.name)}" x="{start:.1f}" y="{y}" '
                f'width="{max(0.0, width - 1):.1f}" height="{BAR_H}"/>'
            )
        sounded = next(stage for stage in fall.stages if stage.name == "first sound")
        end = BAR_LEFT + fall.stages[-1].end_s * scale + 6
        lines.append(_text(end, y + 12, f"{sounded.end_s:.2f} / {fall.stages[-1].end_s:.2f}", "faint"))
    lines.append(_text(MARGIN, top + 8 + len(falls) * BAR_STEP + 16, "At the right: first sound / end.", "faint"))
    return lines


def _nice_step(longest_s: float) -> float:
    """A distance of ticks that makes at most eight of them."""
    return next(
        (step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if longest_s / step <= 8), 60.0
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    classes = f' class="{kind}"' if kind else ""
    return f'<text{classes} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
