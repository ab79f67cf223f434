"""Price histories as a drawing: step lines, one panel for what is priced alike, and the sources below. One SVG file.

Without scripts or fonts of its own; its colours follow the reader's light or dark mode. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from vivavoce.prices.history import History, Source, Step, sources
from vivavoce.prices.telling import LABELS, dollars, per, shown

WIDTH = 800
LEFT, RIGHT, TOP = 68, 152, 66
PANEL_H, PANEL_STEP, SOURCE_STEP = 150, 226, 18
SHORTEST = timedelta(days=60)
"""Of time on the axis: a price seen for the first time today is still a line."""

PANELS = (
    ("Audio", ("input_audio_tokens", "output_audio_tokens")),
    ("Audio", ("input_seconds",)),
    ("Text", ("input_text_tokens", "output_text_tokens", "input_cached_tokens")),
    ("Text", ("input_characters",)),
)
"""Title and units: text has a scale of its own, since audio costs up to a hundred times as much."""

_COLOURS = {"input": 0, "output": 1}
_LABEL_H = 17
_Scale = Callable[[float], float]

_STYLE = """
.price-history { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif;
  --back: #ffffff; --text: #24292f; --faint: #59636e; --grid: #d8dee4; --axis: #818b98;
  --c0: #0969da; --c1: #c4560b; --c2: #1a7f64; }
@media (prefers-color-scheme: dark) { .price-history {
  --back: #0d1117; --text: #e6edf3; --faint: #9198a1; --grid: #2a313a; --axis: #6e7681;
  --c0: #58a6ff; --c1: #f0883e; --c2: #3fb98f; } }
.price-history .back { fill: var(--back); } .price-history text { fill: var(--text); }
.price-history .faint { fill: var(--faint); } .price-history .mark { font-size: 10px; }
.price-history .title { font-size: 15px; font-weight: 600; } .price-history .panel { font-weight: 600; }
.price-history .grid { stroke: var(--grid); } .price-history .axis { stroke: var(--axis); }
.price-history .today { stroke: var(--axis); stroke-dasharray: 2 3; }
.price-history .line { fill: none; stroke-width: 2.25; } .price-history .ahead { stroke-dasharray: 5 4; }
.price-history .c0 { stroke: var(--c0); } .price-history .c1 { stroke: var(--c1); }
.price-history .c2 { stroke: var(--c2); }
.price-history .d0 { fill: var(--c0); } .price-history .d1 { fill: var(--c1); } .price-history .d2 { fill: var(--c2); }
.price-history text.d0, .price-history text.d1, .price-history text.d2 { font-weight: 600; }
.price-history .dot { stroke: var(--back); stroke-width: 1.5; }
"""
"""All under one class, so that a page which takes the drawing in keeps its own; the page may set the variables."""


@dataclass(frozen=True, slots=True)
class _Time:
    """The axis that all panels share."""

    first: date
    last: date
    today: date

    @classmethod
    def of(cls, histories: Sequence[History], today: date) -> _Time:
        starts = [step.since for history in histories for step in history.steps]
        last = max(today, *starts)
        if last > today:  # room for the line of a price to come
            last += max(SHORTEST, (last - today) / 2)
        return cls(min(*starts, today - SHORTEST), last, today)

    def x(self, day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((day - self.first) / (self.last - self.first))


def history_svg(histories: Sequence[History], today: date) -> str:
    """The whole drawing of one model's `histories`; what is after `today` is dashed. Empty where there is nothing."""
    panels = [
        (title, found)
        for title, units in PANELS
        if (found := [history for unit in units for history in histories if history.unit == unit])
    ]
    if not panels:
        return ""
    time = _Time.of(histories, today)
    noted = sources(histories)
    marks = {source.name: str(number) for number, source in enumerate(noted, 1)}
    sources_top = TOP + len(panels) * PANEL_STEP + 4
    height = sources_top + 26 + SOURCE_STEP * (len(noted) + 1)
    model = histories[0].model
    body = [_text(24, 30, f"What {model} costs, in US dollars", "title")]
    for number, (title, found) in enumerate(panels):
        body += _panel(title, found, time, TOP + 30 + number * PANEL_STEP, marks)
    body += _sources(noted, sources_top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="price-history" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label={quoteattr(f"Price history of {model}")}>\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect class="back" width="{WIDTH}" height="{height}"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _panel(title: str, found: Sequence[History], time: _Time, top: float, marks: dict[str, str]) -> list[str]:
    highest = max(float(shown(h.unit, step.usd_per_million)) for h in found for step in h.steps)
    tick = _nice(highest / 4)
    end = tick * -(-highest * 1.04 // tick)  # no line along the upper edge
    bottom = top + PANEL_H

    def y(usd: float) -> float:
        return bottom - PANEL_H * usd / end

    lines = [_text(24, top - 18, f"{title}, per {per(found[0].unit)}", "panel")]
    for step in range(round(end / tick) + 1):
        at = y(step * tick)
        lines.append(_line("axis" if step == 0 else "grid", LEFT, at, WIDTH - RIGHT, at))
        lines.append(_text(LEFT - 8, at + 4, f"${dollars(Decimal(f'{step * tick:.6g}'))}", "faint", "end"))
    lines += _days(time, top, bottom)
    for history in found:
        lines += _steps(history, time, y, marks)
    return lines + _labels(found, time, y)


def _days(time: _Time, top: float, bottom: float) -> list[str]:
    """Marks of years, or of months where there are few, and today where more is drawn than that."""
    lines: list[str] = []
    for day, name in _ticks(time.first, time.last):
        lines.append(_line("grid", time.x(day), bottom, time.x(day), bottom + 4))
        lines.append(_text(time.x(day), bottom + 18, name, "faint", "middle"))
    if time.last > time.today:
        at = time.x(time.today)
        lines += [_line("today", at, top, at, bottom), _text(at - 5, top + 10, "today", "faint mark", "end")]
    return lines


def _ticks(first: date, last: date) -> list[tuple[date, str]]:
    """First days of every n-th month, at most seven: `2026` in January, `Apr` otherwise, with its year at the start."""
    month = first.year * 12 + first.month - 1 + (first.day > 1)
    months = range(month, last.year * 12 + last.month)
    every = next(n for n in (1, 2, 3, 6, 12, 24, 60, 120) if len(months) / n <= 7)
    days = [date(number // 12, number % 12 + 1, 1) for number in months if number % every == 0]
    return [
        (day, str(day.year) if day.month == 1 else f"{day:%b %Y}" if number == 0 else f"{day:%b}")
        for number, day in enumerate(days)
    ]


def _steps(history: History, time: _Time, y: _Scale, marks: dict[str, str]) -> list[str]:
    """The line, up to today and beyond it; a dot and the number of its source where a step begins."""
    colour = _colour(history)
    path = ahead = ""
    lines: list[str] = []
    for before, step in zip([None, *history.steps], history.steps, strict=False):
        at = y(_usd(history, step))
        start, end = step.since, step.until or time.last
        if start <= time.today:
            path += f"{'V' if before else f'M{time.x(start):.1f} '}{at:.1f}H{time.x(min(end, time.today)):.1f}"
        if end > time.today:
            drawn = ahead and before is not None
            ahead += f"V{at:.1f}" if drawn else f"M{time.x(max(start, time.today)):.1f} {at:.1f}"
            ahead += f"H{time.x(end):.1f}"
    lines.append(f'<path class="line c{colour}" d="{path}"/>' if path else "")
    lines.append(f'<path class="line ahead c{colour}" d="{ahead}"/>' if ahead else "")
    for step in history.steps:
        x, at = time.x(step.since), y(_usd(history, step))
        told = f"${dollars(shown(history.unit, step.usd_per_million))} from {step.since}: {step.source}, {step.seen_on}"
        lines.append(
            f'<circle class="dot d{colour}" cx="{x:.1f}" cy="{at:.1f}" r="4.5"><title>{escape(told)}</title></circle>'
        )
        near_end = x > time.x(time.last) - 20
        mark = marks[step.source]
        lines.append(_text(x + (-7 if near_end else 7), at - 7, mark, "faint mark", "end" if near_end else "start"))
    return [line for line in lines if line]


def _labels(found: Sequence[History], time: _Time, y: _Scale) -> list[str]:
    """What each line is and costs at its end, moved apart where they would cover each other."""
    wanted = sorted(((y(_usd(h, h.steps[-1])), h) for h in found), key=lambda pair: pair[0])
    lines: list[str] = []
    last = float("-inf")
    for at, history in wanted:
        last = max(at, last + _LABEL_H)
        label = f"{LABELS[history.unit]} {_now_and_then(history, time.today)}"
        lines.append(_text(time.x(time.last) + 12, last + 4, label, f"d{_colour(history)}"))
    return lines


def _now_and_then(history: History, today: date) -> str:
    """`$9`, or `$9 → $18` where another price is announced."""
    now, last = history.step_on(today), history.steps[-1]
    told = [f"${dollars(shown(history.unit, step.usd_per_million))}" for step in (now, last) if step]
    return " → ".join(dict.fromkeys(told))


def _sources(noted: Sequence[Source], top: float) -> list[str]:
    lines = [_text(24, top, "Where it was seen", "panel")]
    for number, source in enumerate(noted, 1):
        days = str(source.first_seen_on)
        if source.last_seen_on != source.first_seen_on:
            days += f" to {source.last_seen_on}"
        name = source.name.removeprefix("https://")
        name = name if len(name) <= 90 else f"{name[:60]}…{name[-29:]}"
        lines.append(_text(24, top + SOURCE_STEP * number, f"{number}  {name}, {days}", "faint"))
    below = top + SOURCE_STEP * (len(noted) + 1)
    return [*lines, _text(24, below, "Of the time before the first dot of a line nothing is known.", "faint")]


def _usd(history: History, step: Step) -> float:
    return float(shown(history.unit, step.usd_per_million))


def _colour(history: History) -> int:
    return 2 if "cached" in history.unit else _COLOURS[history.unit.partition("_")[0]]


def _nice(least: float) -> float:
    """The first of 1, 2, 5, 10, … times a power of ten that is not under `least`."""
    power = 1e-6
    while power * 10 < least:
        power *= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    classes = f' class="{kind}"' if kind else ""
    return f'<text{classes} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
