"""A calibration as a drawing: what probabilities say against what was true. One SVG, no scripts, light and dark."""

from __future__ import annotations

from vivavoce.bench.doubt import BINS, Calibration

SIZE, LEFT, TOP = 320, 56, 40
LARGEST = 14.0
"""Radius of the bin with most words; areas are in proportion."""

_STYLE = """
svg { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.back { fill: #ffffff; } text { fill: #24292f; } .faint { fill: #59636e; } .title { font-size: 14px; font-weight: 600; }
.grid { stroke: #d8dee4; } .even { stroke: #818b98; stroke-dasharray: 4 4; } .bin { fill: #0969da; fill-opacity: .75; }
@media (prefers-color-scheme: dark) {
  .back { fill: #0d1117; } text { fill: #e6edf3; } .faint { fill: #9198a1; }
  .grid { stroke: #2a313a; } .even { stroke: #6e7681; } .bin { fill: #58a6ff; }
}
"""


def reliability_svg(found: Calibration) -> str:
    """One disc per tenth, as large as the words in it are many; on the dashed line what is said is true."""
    most = max(each.words for each in found.bins)
    discs = [
        f'<circle class="bin" cx="{_x(each.said):.1f}" cy="{_y(each.true):.1f}" '
        f'r="{max(2.5, LARGEST * (each.words / most) ** 0.5):.1f}"><title>said {each.said:.2f}, true {each.true:.2f}, '
        f"{each.words} words</title></circle>"
        for each in found.bins
        if each.words
    ]
    grid: list[str] = []
    for step in range(0, BINS + 1, 2):
        share = step / BINS
        grid += [
            f'<line class="grid" x1="{_x(share):.0f}" y1="{TOP}" x2="{_x(share):.0f}" y2="{TOP + SIZE}"/>',
            f'<line class="grid" x1="{LEFT}" y1="{_y(share):.0f}" x2="{LEFT + SIZE}" y2="{_y(share):.0f}"/>',
            f'<text class="faint" x="{_x(share):.0f}" y="{TOP + SIZE + 18}" text-anchor="middle">{share:.1f}</text>',
            f'<text class="faint" x="{LEFT - 8}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:.1f}</text>',
        ]
    error = found.error
    width, height = LEFT + SIZE + 24, TOP + SIZE + 66
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>Word probabilities: said and true</title><style>{_STYLE}</style>",
            f'<rect class="back" width="{width}" height="{height}"/>',
            f'<text class="title" x="{LEFT}" y="24">Is a word as sure as we say?</text>',
            *grid,
            f'<line class="even" x1="{_x(0):.0f}" y1="{_y(0):.0f}" x2="{_x(1):.0f}" y2="{_y(1):.0f}"/>',
            *discs,
            f'<text x="{LEFT + SIZE / 2:.0f}" y="{TOP + SIZE + 36}" text-anchor="middle">probability told</text>',
            f'<text x="14" y="{TOP + SIZE / 2:.0f}" text-anchor="middle" '
            f'transform="rotate(-90 14 {TOP + SIZE / 2:.0f})">share of words that were right</text>',
            f'<text class="faint" x="{LEFT + SIZE / 2:.0f}" y="{TOP + SIZE + 56}" text-anchor="middle">'
            f"{found.words} words, {found.speakers} speakers; calibration error {error.estimate:.3f} "
            f"({error.low:.3f} to {error.high:.3f})</text>",
            "</svg>",
            "",
        ]
    )


def _x(share: float) -> float:
    return LEFT + SIZE * share


def _y(share: float) -> float:
    return TOP + SIZE * (1 - share)
