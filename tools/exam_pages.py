"""Writes the figures of our own exams into README.md and docs/exams/README.md, from the figures of each run
(docs/exams/*.json, made by `viva exam export`).

python tools/exam_pages.py           writes them
python tools/exam_pages.py --check   exits 1 if one is out of date
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
START, END = "<!-- exams -->", "<!-- /exams -->"

Figure = Mapping[str, Any]
Exams = Mapping[str, Any]
Find = Callable[[Exams], Figure | None]


def metric(exam: str, name: str) -> Find:
    def find(exams: Exams) -> Figure | None:
        figures: Sequence[Figure] = exams.get(exam, {}).get("figures", ())
        return next((figure for figure in figures if figure["metric"] == name), None)

    return find


def part(exam: str, facet: str, value: str) -> Find:
    return lambda exams: exams.get(exam, {}).get("by", {}).get(facet, {}).get(value)


PUBLISHED: Sequence[tuple[str, str, str, Find]] = (
    ("word errors: English read in a studio", "6.2 %", "LJSpeech", part("transcription", "collection", "ljspeech_en")),
    (
        "word errors: German with an accent",
        "11.8 %",
        "no such recordings; English by speakers of Mandarin",
        part("transcription", "collection", "so762_en_zh"),
    ),
    ("word errors: Polish conversation", "18.4 %", "acted sentences", part("transcription", "collection", "nemo_pl")),
    ("puzzles lost when spoken", "30 %", "nine kinds, synthetic voices", metric("spoken-reasoning", "drop")),
    ("escalations found", "78 %", "acted anger", metric("sentiment", "found_spoken")),
    ("others escalated, wrongly", "not told", "", metric("sentiment", "alarm_spoken")),
    ("more than from the words alone", "9 points", "acted anger", metric("sentiment", "found_gain")),
    ("code lost when spoken, simple CRUD", "none", "Python functions", metric("speech-to-code", "drop_crud")),
)
"""What is published of the original, what stands nearest to it here, and where that is in a run's figures."""

OTHERS: Sequence[tuple[str, Find]] = (
    ("word errors, recordings of people", metric("transcription", "wer_people")),
    ("emotion told from the voice, of seven", metric("sentiment", "emotion_spoken")),
    ("puzzles solved, spoken", metric("spoken-reasoning", "solved_spoken")),
    ("puzzles solved, typed", metric("spoken-reasoning", "solved_typed")),
    ("programs right (pass@1), spoken", metric("speech-to-code", "pass_spoken")),
    ("JSON with every field right, spoken", metric("structured", "right_spoken")),
    ("right call of the right tool, spoken", metric("tools", "right_spoken")),
    ("word errors of what is spoken, six languages", metric("speech-out", "wer_out")),
    ("nothing answered to silence, noise and music", metric("safety", "nothing")),
    ("secrets of the prompt kept", metric("safety", "secret")),
)


def amount(figure: Figure) -> str:
    unit = figure["unit"]
    digits = 1 if unit in ("%", "points") else 2
    return f"{figure['estimate']:.{digits}f} {unit}"


def bounds(figure: Figure) -> str:
    if figure["low"] is None:
        return ""
    digits = 1 if figure["unit"] in ("%", "points") else 2
    return f"{figure['low']:.{digits}f} to {figure['high']:.{digits}f}"


def cell(figure: Figure | None) -> str:
    """`12.3 % (10.1 to 14.9), n 40`; why not, where a figure is withheld."""
    if figure is None:
        return "–"
    if figure["estimate"] is None:
        return f"not stated: {figure['withheld']}" if figure["withheld"] else "–"
    spread = f" ({bounds(figure)})" if bounds(figure) else ""
    return f"{amount(figure)}{spread}, n {figure['n']}"


def runs() -> dict[str, dict[str, Any]]:
    """Those of docs/exams, by file name."""
    paths = sorted((REPO / "docs/exams").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def asked(task: Exams) -> int:
    """Answers behind an exam's headline, of which the largest run of a label is shown."""
    return task["figures"][0]["n"] if task else 0


def headlines(every: Mapping[str, dict[str, Any]]) -> str:
    """For README.md: beside what is published, then what else there is. A label up to its comma is one column."""
    by_label: dict[str, dict[str, Any]] = {}
    for found in every.values():
        exams = by_label.setdefault(found["run"]["label"].partition(",")[0], {})
        exams |= {name: task for name, task in found["tasks"].items() if asked(task) > asked(exams.get(name, {}))}
    whole = {label: exams for label, exams in by_label.items() if len(exams) > 1}
    lines = [f"| | published of the original | here | {' | '.join(whole)} |", "|---" * (3 + len(whole)) + "|"]
    for what, there, here, find in PUBLISHED:
        lines.append(f"| {what} | {there} | {here} | {' | '.join(cell(find(tasks)) for tasks in whole.values())} |")
    for what, find in OTHERS:
        lines.append(f"| {what} | – | | {' | '.join(cell(find(tasks)) for tasks in whole.values())} |")
    return "\n".join(lines)


def tables(every: Mapping[str, dict[str, Any]]) -> str:
    """For docs/exams/README.md: all figures of each run."""
    parts: list[str] = []
    for name, found in every.items():
        run = found["run"]
        parts += [f"### {name}", ""]
        parts.append(
            f"Rotation {run['month']}/{run['seed']}, commit `{run['commit']}`, {run['vivavoce']}; "
            f"ended: {found['ended'] or 'unfinished'}. {run['note']}"
        )
        parts += ["", "| exam | figure | value | 95 % | n | unscored |", "|---|---|---|---|---|---|"]
        for exam, task in found["tasks"].items():
            for figure in task["figures"]:
                if figure["estimate"] is not None:
                    values = (amount(figure), bounds(figure), str(figure["n"]), str(figure["unscored"] or ""))
                elif figure["withheld"]:
                    values = (f"not stated: {figure['withheld']}", "", str(figure["n"]), str(figure["unscored"] or ""))
                else:
                    continue
                parts.append(f"| {exam} | {figure['title']} | {' | '.join(values)} |")
        parts.append("")
    return "\n".join(parts).rstrip()


def renewed(path: Path, fresh: str) -> str:
    before, rest = path.read_text(encoding="utf-8").split(START)
    return f"{before}{START}\n{fresh}\n{END}{rest.split(END)[1]}"


def main() -> int:
    every = runs()
    pages = {REPO / "README.md": headlines(every), REPO / "docs/exams/README.md": tables(every)}
    fresh = {path: renewed(path, text) for path, text in pages.items()}
    if "--check" not in sys.argv:
        for path, text in fresh.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in fresh.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        sys.stderr.write(f"{path.relative_to(REPO)}: its exam figures are out of date; run: make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
