"""The results of `viva bench languages` as a file and as pages: JSON, `docs/languages.md`, tables on a terminal.

python -m vivavoce.bench.languages_page docs/languages.json > docs/languages.md     writes the page anew
`switching.json` beside it, from `viva bench switching`, becomes a part of the page.
Measures nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from vivavoce.bench.languages import LEAST_FOR_BOUNDS, Figures, LanguageRow, LanguagesReport
from vivavoce.bench.switching_page import SwitchingReport, read_switching, switching_section
from vivavoce.errors import InvalidValue

UNTESTED = "untested"
ABSENT = "–"

_EXPLAINED = f"""\
- **Heard**: recordings of people, the language not told. WER is wrong words in per cent (CER: wrong characters, where
  words are not spaced), with its 95 % interval from {LEAST_FOR_BOUNDS} recordings on; *n* is the number of recordings.
  Some are accented, acted or single words: compare a language with itself, not with its neighbour. *found*: how many of
  *n* were taken for this language.
- **Spoken**: everyday sentences of ours by the voice that a server chooses, heard again by the same listener with the
  language told. **The listener's own mistakes are in this figure**: where it hears people badly it hears the voice
  badly too, so read it beside the heard figure. A number written out in words counts as wrong, and so does another
  script (Whisper writes some Chinese in traditional characters, and Hindi in Urdu's). *found*: how many of *n*
  sentences the listener took for this language when it was not told.
- **{UNTESTED}**: the engine knows the language, and nobody measured it. **{ABSENT}**: the engine does not know it.
""".splitlines()


def write_report(report: LanguagesReport, path: Path) -> None:
    path.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_report(path: Path) -> LanguagesReport:
    """Raises `InvalidValue` where the file is no such report."""
    try:
        return TypeAdapter(LanguagesReport).validate_json(path.read_bytes())
    except (OSError, ValidationError) as fault:
        raise InvalidValue(f"{path} is no report of `viva bench languages`: {fault}") from fault


def languages_page(report: LanguagesReport, switching: SwitchingReport | None = None) -> str:
    """docs/languages.md. switching: what was measured of short utterances and changes of language."""
    tested = [row for row in report.rows if row.heard or row.spoken]
    rest = [row for row in report.rows if not (row.heard or row.spoken)]
    lines = [
        "# Languages",
        "",
        "Written by `make docs` from `languages.json`, and that by `viva bench languages --out docs/languages.json`.",
        "",
        f"Measured on {report.date} on {report.cores} cores of {report.machine}: heard by `{report.listen}`, spoken by",
        f"`{report.speak}`. Which languages are answered well hangs on the thinker ([thinking](engines/think.md)).",
        "",
        *_EXPLAINED,
        "",
        "| language | code | heard | n | found | spoken | n | found | voice |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_cells(row) for row in sorted(tested, key=lambda row: row.name)),
    ]
    if switching is not None:
        lines += ["", *switching_section(switching)]
    if rest:
        lines += ["", "## Not tested", "", "| language | code | heard | spoken |", "|---|---|---|---|"]
        for row in sorted(rest, key=lambda row: row.name):
            cells = (row.name, row.language, _absence(row.hearable), _absence(row.speakable))
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def languages_table(report: LanguagesReport) -> Table:
    """The tested languages for a terminal."""
    table = Table(title=f"Languages: heard by {report.listen}, spoken by {report.speak}; {report.machine}")
    for heading in ("language", "code", "heard", "n", "found", "spoken", "n", "found", "voice"):
        table.add_column(heading)
    for row in report.rows:
        if row.heard or row.spoken:
            table.add_row(*_columns(row))
    return table


def _cells(row: LanguageRow) -> str:
    return f"| {' | '.join(_columns(row))} |"


def _columns(row: LanguageRow) -> list[str]:
    voices = ", ".join(row.spoken.voices) if row.spoken else ""
    return [
        row.name,
        row.language,
        *_shown(row.heard, row.hearable),
        *_shown(row.spoken, row.speakable),
        voices,
    ]


def _shown(figures: Figures | None, claimed: bool) -> tuple[str, str, str]:
    """The rate with its bounds, n, and how often the language was found."""
    if figures is None:
        return _absence(claimed), "", ""
    rate = f"{figures.metric} {figures.rate:.1f} %"
    if figures.low is not None and figures.high is not None:
        rate += f" ({figures.low:.1f} to {figures.high:.1f})"
    found = f"{figures.language_right}"
    if figures.taken_for:
        found += f" (else {', '.join(figures.taken_for)})"
    return rate, str(figures.trials), found


def _absence(claimed: bool) -> str:
    return UNTESTED if claimed else ABSENT


if __name__ == "__main__":
    beside = Path(sys.argv[1]).with_name("switching.json")
    changes = read_switching(beside) if beside.exists() else None
    sys.stdout.write(languages_page(read_report(Path(sys.argv[1])), changes))
