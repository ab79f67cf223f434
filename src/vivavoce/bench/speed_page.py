"""The results of `viva bench speed` as a file and as pages: JSON, `docs/speed.md` with `docs/speed.svg`, tables.

python -m vivavoce.bench.speed_page docs     writes docs/speed.md and docs/speed.svg anew from docs/speed.json
Measures nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.console import Group
from rich.table import Table

from vivavoce.bench.speed import Added, SpeedReport
from vivavoce.bench.speed_figures import (
    SHORT_S,
    Row,
    Spread,
    Target,
    lengths,
    rows,
    targets,
    times_sooner,
    told,
    waterfalls,
)
from vivavoce.bench.speed_svg import speed_svg
from vivavoce.bench.stats import LEAST_FOR_P95, Interval
from vivavoce.errors import InvalidValue

_BEGINNING = """\
# Speed

Written by `make docs` from `speed.json`, and that by `make bench-speed`.
"""

_EXPLAINED = f"""\
- **First sound** is the first that is not silence (-45 dBFS), as a player that plays what it has would play it; **first
  words** and **end** are there when the client has them. Seconds from the request, one question at a time, all warm.
- **cached prompt**: a new question after a system prompt (about 60 tokens) that was read before; **new prompt**: after
  one that was not. No recording is sent twice, and no text is asked twice under one system prompt. Answers have at most
  60 tokens, temperature 0.
- **plain**: stock faster-whisper with its defaults, then the whole answer, then Kokoro on the whole text: the same
  weights, in the same run, on the same questions, without HTTP, and with a cached prompt too.
- **Ran dry**: answers in which a player had nothing left to play after the first sound, and for how long at most.
- p95 is stated of {LEAST_FOR_P95} and more; of fewer, the most is.
"""

_YOURSELF = """\
## Measure it yourself

    viva bench speed                                          by a server of its own; --each 10 for a short look
    viva bench speed --base-url http://127.0.0.1:9000/v1      any server that streams audio chat completions
    viva bench speed --questions recordings/                  your own questions, grouped by their length
    viva bench speed --voice alloy --voice piper-joe          compares voices
    viva bench speed --against plain                          and the usual way, in the same run
    viva bench speed --scripted                               only what the server itself adds

`--out` writes every answer's times, `--svg` draws them. How it is done, and why:
[decision 16](decisions/0016-measuring-speed.md).
"""

_HEADINGS = ("question", "answered", "n", "first words p50", "first sound p50", "p95", "end p50", "p95", "ran dry")


def write_report(report: SpeedReport, path: Path) -> None:
    """JSON with one line per trial, so that a new run reads well as a difference."""
    content = asdict(report)
    lists = {name: content.pop(name) for name in ("failures", "added", "trials")}
    lines = json.dumps(content, ensure_ascii=False, indent=1)[:-2]
    for name, items in lists.items():
        body = ",\n".join(f"  {json.dumps(item, ensure_ascii=False)}" for item in items)
        lines += f',\n "{name}": [' + (f"\n{body}\n ]" if items else "]")
    path.write_text(lines + "\n}\n", encoding="utf-8")


def read_report(path: Path) -> SpeedReport:
    """Raises `InvalidValue` where the file is no such report."""
    try:
        return TypeAdapter(SpeedReport).validate_json(path.read_bytes())
    except (OSError, ValidationError) as fault:
        raise InvalidValue(f"{path} is no report of `viva bench speed`: {fault}") from fault


def speed_page(report: SpeedReport | None) -> str:
    """docs/speed.md; without a report it says that nothing was measured."""
    if report is None:
        return f"{_BEGINNING}\nNot measured yet.\n\n{_YOURSELF}"
    engines = ", ".join(f"`{name}`" for name in report.engines.values())
    parts = [
        _BEGINNING,
        f"Measured on {report.date} on {report.cores} cores of {report.machine}"
        + (f", answered by {engines}" if engines else "")
        + f"; model `{report.model}`, voices {', '.join(f'`{voice}`' for voice in report.voices)}.\n",
        _EXPLAINED,
        "## Floors and goals\n",
        "Asked of two cores, the default profile, warm, a new question after a cached system prompt.\n",
        _markdown(("figure", "measured", "n", "floor", "goal", ""), [_target_cells(t) for t in targets(report)]),
        "![Distributions of the time to the first sound, and where the time goes](speed.svg)\n",
        "## All figures\n",
        _markdown(_HEADINGS, [_cells(row, report) for row in rows(report)]),
    ]
    sooner = _sooner(report)
    if sooner:
        parts += ["## Against plain\n", *[f"- {line}" for line in sooner], ""]
    parts += ["## Where the time goes\n", "Medians; each stage in seconds, in order.\n", _stages_table(report)]
    if report.added:
        parts += [
            "## What the server adds\n",
            "To the first sound, over engines that take a known time: HTTP, decoding, processes and encoding. "
            "The client's own work, measured in turns with it on a server that only replays an answer, is not in it.\n",
            _markdown(
                ("question", "n", "p50", "p95", "the client's own, p50"),
                [
                    [f"{a.length_s} s", str(a.n), f"{a.p50_ms:.1f} ms", _p95_ms(a), f"{a.client_ms:.1f} ms"]
                    for a in report.added
                ],
            ),
        ]
    if report.failures:
        parts += ["## Failed\n", *[f"- {failure}" for failure in report.failures], ""]
    return "\n".join([*parts, _YOURSELF]).rstrip("\n") + "\n"


def speed_tables(report: SpeedReport) -> Group:
    """The same for a terminal."""
    table = Table(title=f"Seconds from the request; {report.machine}, {report.cores} cores")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in _HEADINGS[:2] else "right")
    for row in rows(report):
        table.add_row(*_cells(row, report))
    asked = Table(title="Floors and goals (two cores, default profile)")
    for heading in ("figure", "measured", "n", "floor", "goal", ""):
        asked.add_column(heading)
    for target in (target for target in targets(report) if report.trials or target.value is not None):
        asked.add_row(*_target_cells(target))
    failed = [f"Failed: {failure}" for failure in report.failures]
    tables = ([table] if report.trials else []) + [asked]
    added = [
        f"The server adds, question of {a.length_s} s: p50 {a.p50_ms:.1f} ms, p95 {_p95_ms(a)} (n = {a.n})"
        for a in report.added
    ]
    return Group(*tables, *_sooner(report), *added, *failed)


def _cells(row: Row, report: SpeedReport) -> list[str]:
    dry = f"{row.dry} of {row.end.n}" + (f", {row.longest_dry_s:.2f} s" if row.dry else "")
    return [
        f"{row.length_s} s",
        told(row.condition, report),
        str(row.first_sound.n),
        f"{row.first_text.p50:.2f}" if row.first_text else "–",
        f"{row.first_sound.p50:.2f}",
        _p95(row.first_sound),
        f"{row.end.p50:.2f}",
        _p95(row.end),
        dry,
    ]


def _p95(spread: Spread) -> str:
    return f"{spread.p95:.2f}" if spread.p95 is not None else f"(most {spread.most:.2f})"


def _p95_ms(added: Added) -> str:
    return "–" if added.p95_ms is None else f"{added.p95_ms:.1f} ms"


def _target_cells(target: Target) -> list[str]:
    def shown(value: float | None) -> str:
        return "–" if value is None else f"{value:g} {target.unit}".strip()

    digits = 1 if target.unit in ("times", "ms") else 2
    value = None if target.value is None else round(target.value, digits)
    missing = shown(round(target.distance, digits))
    told = {
        "goal": "goal reached",
        "floor": f"floor reached, {missing} to the goal",
        "missed": f"missed, {missing} to the floor",
        "not measured": "not measured",
    }
    return [target.name, shown(value), str(target.n), shown(target.floor), shown(target.goal), told[target.verdict]]


def _sooner(report: SpeedReport) -> list[str]:
    groups = [(f"{length_s} s", [length_s]) for length_s in lengths(report)]
    groups.append((f"{SHORT_S[0]} to {SHORT_S[1]} s", [*SHORT_S]))
    return [
        f"Question of {name}: the first sound is there {_interval(found)} times sooner than the plain way's"
        for name, group in groups
        if (found := times_sooner(report, group)) is not None
    ]


def _interval(found: Interval) -> str:
    return f"{found.estimate:.1f} (95 % interval {found.low:.1f} to {found.high:.1f}, n = {found.clips})"


def _stages_table(report: SpeedReport) -> str:
    made = waterfalls(report)
    names = list(dict.fromkeys(stage.name for fall in made for stage in fall.stages))
    cells = [
        [
            f"{fall.length_s} s",
            told(fall.condition, report),
            *(next((f"{s.end_s - s.start_s:.2f}" for s in fall.stages if s.name == name), "–") for name in names),
        ]
        for fall in made
    ]
    return _markdown(("question", "answered", *names), cells)


def _markdown(headings: tuple[str, ...], cells: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in ([*headings], *cells)]
    lines.insert(1, "|" + "---|" * len(headings))
    return "\n".join(lines) + "\n"


def write_pages(folder: Path) -> None:
    """speed.md and speed.svg in `folder`, from its speed.json where there is one."""
    source = folder / "speed.json"
    report = read_report(source) if source.is_file() else None
    (folder / "speed.md").write_text(speed_page(report), encoding="utf-8")
    if report is not None:
        (folder / "speed.svg").write_text(speed_svg(report), encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
