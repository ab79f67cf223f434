"""Figures as a drawing: a dot for each estimate, a line for its interval, the number beside it. One inline SVG.

Without scripts and fonts of its own; colours are those of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from vivavoce.exam.board import amount, bounds, counted
from vivavoce.exam.metrics import Figure

_Scale = Callable[[float], float]

WIDTH, LABEL_W, TEXT_W = 760, 200, 230
ROW_H, TOP, BOTTOM = 24, 8, 26


def intervals_svg(rows: Sequence[tuple[str, Figure]], title: str) -> str:
    """Rows of (label, figure), from top to bottom; empty where none is stated."""
    stated = [figure for _, figure in rows if figure.estimate is not None]
    if not stated:
        return ""
    highest = max(max(figure.estimate or 0.0, figure.high or 0.0) for figure in stated)
    lowest = min(min(figure.estimate or 0.0, figure.low or 0.0) for figure in stated)
    low, high = min(0.0, lowest), 100.0 if stated[0].unit == "%" and 50 < highest <= 100 else highest * 1.05 or 1.0
    plot_w = WIDTH - LABEL_W - TEXT_W

    def x(value: float) -> float:
        return LABEL_W + plot_w * (value - low) / (high - low)

    height = TOP + ROW_H * len(rows) + BOTTOM
    lines = [_axis(x(low + (high - low) * step / 4), low + (high - low) * step / 4, height) for step in range(5)]
    for number, (label, figure) in enumerate(rows):
        lines.append(_row(label, figure, TOP + ROW_H * number + ROW_H / 2, x))
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(lines)}</svg>"
    )


def _axis(at: float, value: float, height: int) -> str:
    return (
        f'<line class="grid" x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" y2="{height - BOTTOM}"/>'
        f'<text class="faint" x="{at:.1f}" y="{height - 8}" text-anchor="middle">{value:.4g}</text>'
    )


def _row(label: str, figure: Figure, y: float, x: _Scale) -> str:
    shown = label if len(label) <= 30 else label[:29] + "…"
    name = f'<text x="{LABEL_W - 10}" y="{y + 4:.1f}" text-anchor="end">{escape(shown)}</text>'
    side = WIDTH - TEXT_W + 10
    if figure.estimate is None:
        return name + f'<text class="faint" x="{side}" y="{y + 4:.1f}">not stated</text>'
    drawn = ""
    if figure.low is not None and figure.high is not None:
        drawn = f'<line class="bar" x1="{x(figure.low):.1f}" y1="{y:.1f}" x2="{x(figure.high):.1f}" y2="{y:.1f}"/>'
    text = escape(f"{amount(figure)}{bounds(figure)}, {counted(figure)}")
    drawn += f'<circle class="dot" cx="{x(figure.estimate):.1f}" cy="{y:.1f}" r="4.5"/>'
    return f'{name}{drawn}<text class="faint" x="{side}" y="{y + 4:.1f}">{text}</text>'
