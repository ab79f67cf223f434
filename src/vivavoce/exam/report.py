"""Runs as pages for a browser: a leaderboard for each exam, what each item was and what came of it, and verdicts.

Pages stand alone: no script, no font, no request to anywhere. What models wrote is text on them and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from vivavoce.errors import StorageFailed
from vivavoce.exam.board import (
    Leaderboard,
    Standing,
    Verdict,
    amount,
    bounds,
    counted,
    leaderboard,
    told,
    verdicts,
)
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.items import Item
from vivavoce.exam.report_svg import intervals_svg
from vivavoce.exam.runs import Record, Try
from vivavoce.exam.sounds import SoundMaker

POLICY = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self' file:"
"""For browsers: not even a mistake of ours could load or run anything."""

STYLE = """
:root { color-scheme: light dark; --back: #fff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4; --mark: #0969da; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --ink: #e6edf3; --faint: #9198a1; --line: #2a313a; --mark: #58a6ff; }
}
body { background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 64rem; padding: 0 1rem; }
a { color: var(--mark); } h1, h2 { line-height: 1.2; } small, .faint { color: var(--faint); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
.badge { border: 1px solid var(--line); border-radius: 1rem; font-size: .8rem; padding: 0 .5rem; }
.improved { color: #1a7f37; } .regressed { color: #cf222e; }
.note { border-left: 4px solid #bf8700; padding-left: 1rem; }
audio { height: 2rem; max-width: 16rem; } pre { margin: 0; white-space: pre-wrap; font-size: .85rem; max-width: 34rem; }
svg { font: 12px system-ui, sans-serif; width: 100%; } svg text { fill: var(--ink); } svg .faint { fill: var(--faint); }
svg .grid { stroke: var(--line); } svg .bar { stroke: var(--mark); stroke-width: 2; } svg .dot { fill: var(--mark); }
"""


@dataclass(frozen=True, slots=True)
class _Sounds:
    """Where sounds are taken from, and the folder of the pages that they are copied beside."""

    cache: Path
    recordings: Path | None
    folder: Path


def write_report(records: Sequence[Record], folder: Path, cache: Path | None, recordings: Path | None = None) -> Path:
    """Write the pages into `folder`; returns the first. cache: where spoken items lie, to be copied for playing, with
    the answers kept beside each run; None: no sound is copied. recordings: the folder that paths of recordings begin
    at. Raises `StorageFailed`."""
    sounds = _Sounds(cache, recordings, folder) if cache is not None else None
    boards = [found for name in TASKS if (found := leaderboard(records, name)).standings]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for found in boards:
            (folder / f"{found.task.name}.html").write_text(_task_page(found, records, sounds), encoding="utf-8")
        index = folder / "index.html"
        index.write_text(_index(boards, records), encoding="utf-8")
    except OSError as fault:
        raise StorageFailed(f"The report {folder} cannot be written: {fault}") from fault
    return index


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{body}</body></html>\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _index(boards: Sequence[Leaderboard], records: Sequence[Record]) -> str:
    parts = [
        "<h1>Exams</h1>",
        "<p>Each figure stands with its 95 % interval and its n. Runs of the same rank cannot be ",
    ]
    parts.append("told apart by these items. Unscored answers are counted beside the figures, never as 0.</p>")
    for found in boards:
        card = found.task.card
        parts.append(f'<h2><a href="{found.task.name}.html">{escape(card.title)}</a></h2><p>{escape(card.asks)}</p>')
        parts += [_standings(found), _plot(found)]
    parts += ["<h2>Verdicts</h2>", _verdicts(verdicts(records)), "<h2>Runs</h2>", _runs(records)]
    return _page("Exams", "".join(parts))


def _standings(found: Leaderboard) -> str:
    better = "higher is better" if found.task.headline.better == "higher" else "lower is better"
    head = ["rank", "model", f"{escape(found.task.headline.title)} <small>({better})</small>", "n"]
    head += ["median answer", "cost", "cost per hour heard"]
    notes = "".join(f'<p class="note">{escape(sentence)}</p>' for sentence in found.mixed)
    settled = ""
    if found.average is not None:
        settled = f"<p>Average without previews: {found.average:.1f} {escape(found.task.headline.unit)}</p>"
    return notes + _table(head, [_standing(each) for each in found.standings]) + settled


def _standing(each: Standing) -> list[str]:
    badge = ' <span class="badge">preview</span>' if each.run.preview else ""
    failed = f" <small>{each.failed} without an answer</small>" if each.failed else ""
    value = f"<strong>{escape(amount(each.headline))}</strong> {escape(bounds(each.headline))}"
    return [
        str(each.rank or "–"),
        escape(each.run.label) + badge,
        value if each.headline.estimate is not None else escape(each.headline.withheld),
        escape(counted(each.headline)) + failed,
        f"{each.median_s:.2f} s" if each.median_s is not None else "–",
        f"${each.usd:.4f}" if each.usd is not None else "unknown",
        f"${each.usd_per_hour:.2f}" if each.usd_per_hour is not None else "–",
    ]


def _plot(found: Leaderboard) -> str:
    return intervals_svg([(each.run.label, each.headline) for each in found.standings], found.task.headline.title)


def _verdicts(every: Sequence[Verdict]) -> str:
    rows = [
        [f'<span class="{each.change}">{each.change}</span>', escape(each.run.month), escape(each.words)]
        for each in every
    ]
    return _table(["verdict", "window", "in words"], rows)


def _runs(records: Sequence[Record]) -> str:
    head = [
        "label",
        "model",
        "endpoint",
        "started",
        "rotation",
        "version",
        "voices of items",
        "machine that asked",
        "note",
    ]
    rows = [
        [
            escape(cell)
            for cell in (
                run.label,
                run.model,
                run.base_url,
                run.started,
                str(run.rotation),
                f"{run.vivavoce} {run.commit}",
                ", ".join(run.voices),
                run.machine,
                run.note,
            )
        ]
        for run in (record.run for record in records)
    ]
    return _table(head, rows)


def _task_page(found: Leaderboard, records: Sequence[Record], sounds: _Sounds | None) -> str:
    task, card = found.task, found.task.card
    parts = [
        f'<p><a href="index.html">All exams</a></p><h1>{escape(card.title)}</h1><p>{escape(card.asks)}</p>',
        f"<p><strong>Judged:</strong> {escape(card.judged)}</p>",
        f"<p><strong>Not shown:</strong> {escape(card.limits)}</p>",
        f'<p class="faint">Keys: {escape(card.checked_by)}. Licence of items: {escape(card.licence)}.</p>',
        _standings(found),
        _plot(found),
    ]
    for each in found.standings:
        parts.append(f"<h2>{escape(each.run.label)}</h2><ul>")
        parts += [f"<li>{escape(told(figure))}</li>" for figure in each.figures]
        parts.append("</ul>")
        for facet, by_value in each.groups.items():
            rows = sorted(by_value.items(), key=lambda pair: _order(pair[0]))
            parts.append(f"<h3>By {escape(facet.replace('_', ' '))}</h3>{intervals_svg(rows, f'by {facet}')}")
    parts.append("<h2>Items</h2>")
    for record in records:
        tries = record.of(task.name)
        if tries:
            rows = [_try_row(item, made, record, sounds) for item, made in tries]
            parts.append(f"<details><summary>{escape(record.run.label)}, {len(rows)} answers</summary>")
            parts.append(_table(["item", "question", "answer", "judged"], rows) + "</details>")
    return _page(card.title, "".join(parts))


def _order(value: str) -> tuple[float, str]:
    """Numbers by size, words by letters."""
    try:
        return float(value), ""
    except ValueError:
        return float("inf"), value


def _try_row(item: Item, made: Try, record: Record, sounds: _Sounds | None) -> list[str]:
    said = item.ask or (item.sound.text if item.sound else "") or (item.key if isinstance(item.key, str) else "")
    if not said and item.sound is not None and item.sound.file:
        said = f"a recording: {item.sound.file}"
    facets = ", ".join(f"{name} {value}" for name, value in item.facets.items())
    calls = "".join(f"<pre>{escape(name)}({escape(arguments)})</pre>" for name, arguments in made.calls)
    heard = f"<p><small>heard: {escape(made.heard)}</small></p>" if made.heard else ""
    reheard = f"<p><small>heard again: {escape(made.reheard)}</small></p>" if made.reheard else ""
    values = ", ".join(f"{name} {value:g}" for name, value in (made.values or {}).items())
    judged = values if made.values is not None else f"unscored: {made.unscored}"
    question = answer = ""
    if sounds is not None:
        question, answer = _players(item, made, record, sounds)
    return [
        f"<small>{escape(item.id)}<br>{escape(made.mode)}<br>{escape(item.origin)}, {escape(facets)}</small>",
        f"{escape(said)}{question}",
        f"<pre>{escape(made.answer)}</pre>{calls}{heard}{reheard}{answer}",
        f"{escape(judged)}<br><small>{escape(made.note)}</small>",
    ]


def _players(item: Item, made: Try, record: Record, sounds: _Sounds) -> tuple[str, str]:
    """Players of the question and of the answer, whose sounds are copied beside the pages."""
    question = answer = ""
    if made.question_sha256 and item.sound is not None:
        data = SoundMaker(sounds.cache, record.run.speech_url, recordings=sounds.recordings).kept(item.sound)
        question = _player(data, made.question_sha256, sounds.folder)
    if made.audio_sha256:
        kept = record.path.with_suffix(".audio") / f"{made.audio_sha256}.wav"
        answer = _player(kept.read_bytes() if kept.is_file() else None, made.audio_sha256, sounds.folder)
    return question, answer


def _player(data: bytes | None, name: str, folder: Path) -> str:
    if data is None or not name.isalnum():
        return ""
    sounds = folder / "audio"
    sounds.mkdir(exist_ok=True)
    (sounds / f"{name}.wav").write_bytes(data)
    return f'<br><audio controls preload="none" src="audio/{name}.wav"></audio>'
