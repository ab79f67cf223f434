"""The results of `viva bench switching`: figures from trials, as JSON, as a part of docs/languages.md, as tables.

Measures nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from vivavoce.bench.stats import Interval, paired_rate_increase, paired_ratio, rate_interval, share_interval
from vivavoce.bench.switching import BRIEF_S, BriefTrial, MixedTrial, PlainTrial, Way
from vivavoce.errors import InvalidValue
from vivavoce.languages import name_of

WAYS = ("switching", "single", "alone")
TITLES = {
    "switching": "as the server hears it",
    "single": "one language for each window",
    "alone": "each part alone",
}


@dataclass(frozen=True, slots=True)
class MixedFigures:
    """accuracy: share of the time of speech whose language was found, in per cent; errors: WER in per cent; both by
    way. fewer: WER by the server below that with one language, in points; more: above that of parts alone."""

    recordings: int
    words: int
    speech_s: float
    accuracy: dict[str, Interval]
    errors: dict[str, Interval]
    fewer: Interval
    more: Interval
    all_found: Interval


@dataclass(frozen=True, slots=True)
class PlainFigures:
    """errors: WER by way, in per cent; more: how much higher ours is, in points; time: ours over the other's.
    parted: recordings in which another language was found."""

    recordings: int
    words: int
    errors: dict[str, Interval]
    more: Interval
    time: Interval
    parted: int


@dataclass(frozen=True, slots=True)
class BriefRow:
    """right of trials, by seconds of speech; None where there was none of that length."""

    language: str
    right: tuple[Interval | None, ...]
    taken_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SwitchingReport:
    """Everything `viva bench switching` states. half: which half of the speakers. date: ISO 8601."""

    date: str
    machine: str
    cores: int
    listen: str
    half: str
    seed: int
    people: MixedFigures | None = None
    voices: MixedFigures | None = None
    plain: PlainFigures | None = None
    brief: tuple[BriefRow, ...] = ()


def mixed_figures(trials: Sequence[MixedTrial], *, seed: int = 0) -> MixedFigures | None:
    """None without trials."""
    if not trials:
        return None
    words, speech_s = [trial.words for trial in trials], [trial.speech_s for trial in trials]

    def errors(pick: Callable[[MixedTrial], Way]) -> list[int]:
        return [pick(trial).errors for trial in trials]

    picks: dict[str, Callable[[MixedTrial], Way]] = {
        "switching": lambda trial: trial.switching,
        "single": lambda trial: trial.single,
        "alone": lambda trial: trial.alone,
    }
    return MixedFigures(
        recordings=len(trials),
        words=sum(words),
        speech_s=round(sum(speech_s), 1),
        accuracy={
            way: rate_interval([pick(trial).right_s for trial in trials], speech_s, seed=seed)
            for way, pick in picks.items()
        },
        errors={way: rate_interval(errors(pick), words, seed=seed) for way, pick in picks.items()},
        fewer=paired_rate_increase(errors(picks["single"]), errors(picks["switching"]), words, seed=seed),
        more=paired_rate_increase(errors(picks["switching"]), errors(picks["alone"]), words, seed=seed),
        all_found=share_interval([trial.languages == trial.found for trial in trials]),
    )


def plain_figures(trials: Sequence[PlainTrial], *, seed: int = 0) -> PlainFigures | None:
    """None without trials."""
    if not trials:
        return None
    words = [trial.words for trial in trials]
    ours, theirs = [trial.switching.errors for trial in trials], [trial.single.errors for trial in trials]
    return PlainFigures(
        recordings=len(trials),
        words=sum(words),
        errors={
            "switching": rate_interval(ours, words, seed=seed),
            "single": rate_interval(theirs, words, seed=seed),
        },
        more=paired_rate_increase(ours, theirs, words, seed=seed),
        time=paired_ratio([t.switching.seconds for t in trials], [t.single.seconds for t in trials], seed=seed),
        parted=sum(trial.spans > 1 for trial in trials),
    )


def brief_rows(trials: Sequence[BriefTrial]) -> tuple[BriefRow, ...]:
    """One row for each language, sorted by code."""
    rows: list[BriefRow] = []
    for code in sorted({trial.language for trial in trials}):
        own = [trial for trial in trials if trial.language == code]
        wrong = [trial.found or "–" for trial in own if trial.found != code]
        flags = [[trial.found == code for trial in own if trial.length_s == length_s] for length_s in BRIEF_S]
        taken_for = sorted(set(wrong), key=lambda other: (-wrong.count(other), other))
        rows.append(BriefRow(code, tuple(share_interval(each) if each else None for each in flags), tuple(taken_for)))
    return tuple(rows)


def completed(report: SwitchingReport, before: SwitchingReport) -> SwitchingReport:
    """`report`, and of an earlier one what it lacks, where both are of the same engine and recordings."""
    if (report.listen, report.half, report.seed) != (before.listen, before.half, before.seed):
        return report
    return replace(
        report,
        people=report.people or before.people,
        voices=report.voices or before.voices,
        plain=report.plain or before.plain,
        brief=report.brief or before.brief,
    )


def write_switching(report: SwitchingReport, path: Path) -> None:
    path.write_text(json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_switching(path: Path) -> SwitchingReport:
    """Raises `InvalidValue` where the file is no such report."""
    try:
        return TypeAdapter(SwitchingReport).validate_json(path.read_bytes())
    except (OSError, ValidationError) as fault:
        raise InvalidValue(f"{path} is no report of `viva bench switching`: {fault}") from fault


def switching_section(report: SwitchingReport) -> list[str]:
    """Lines of docs/languages.md."""
    lines = [
        "## Short utterances, and changes of language",
        "",
        f"`viva bench switching --out docs/switching.json`, measured on {report.date} on {report.cores} cores of",
        f"{report.machine} by `{report.listen}`; recordings: the `{report.half}` half of the speakers (parameters were",
        "chosen on `tune`). Brackets are 95 % intervals.",
    ]
    if report.brief:
        lines += [
            "",
            "**Short utterances**: how often the first seconds of somebody's speech are taken for its language, which",
            "nobody told. They end in the middle of words, and some languages have one or two speakers only.",
            "",
            f"| language | code | {' | '.join(f'{length_s:g} s' for length_s in BRIEF_S)} | else |",
            f"|---|---|{'---|' * len(BRIEF_S)}---|",
            *(f"| {' | '.join(cells)} |" for cells in _brief_cells(report.brief)),
        ]
    for name, joined, figures in (
        ("Recordings of people", "two to four", report.people),
        ("Sentences by our own voices", "two", report.voices),
    ):
        if figures is not None:
            lines += ["", *_mixed_lines(name, joined, figures)]
    if report.plain is not None:
        lines += ["", *_plain_lines(report.plain)]
    return lines


def switching_tables(report: SwitchingReport) -> list[Table | str]:
    """The same for a terminal."""
    shown: list[Table | str] = []
    if report.brief:
        table = Table(title="Language found in the first seconds of speech")
        for heading in ("language", "code", *(f"{length_s:g} s" for length_s in BRIEF_S), "else"):
            table.add_column(heading)
        for cells in _brief_cells(report.brief):
            table.add_row(*cells)
        shown.append(table)
    for name, figures in (("Recordings of people", report.people), ("Our own voices", report.voices)):
        if figures is not None:
            table = Table(title=f"{name}: {figures.recordings} in several languages, {figures.words} words")
            for heading in ("heard", "language right", "WER"):
                table.add_column(heading)
            for way in WAYS:
                table.add_row(TITLES[way], _per_cent(figures.accuracy[way]), _per_cent(figures.errors[way]))
            shown += [table, " ".join(_compared(figures))]
    if report.plain is not None:
        shown.append(" ".join(_plain_lines(report.plain)))
    return shown


def _brief_cells(rows: Iterable[BriefRow]) -> list[list[str]]:
    return [
        [name_of(row.language), row.language, *(_share(each) for each in row.right), ", ".join(row.taken_for)]
        for row in rows
    ]


def _mixed_lines(name: str, joined: str, figures: MixedFigures) -> list[str]:
    return [
        f"**{name}** in different languages, {joined} joined with gaps of 0.1 to 0.3 s ({figures.recordings}",
        f"recordings, {figures.speech_s:.0f} s of speech, {figures.words} words):",
        "",
        "| heard | time in the right language | WER |",
        "|---|---|---|",
        *(f"| {TITLES[way]} | {_per_cent(figures.accuracy[way])} | {_per_cent(figures.errors[way])} |" for way in WAYS),
        "",
        *_compared(figures),
    ]


def _compared(figures: MixedFigures) -> list[str]:
    fewer, more, found = figures.fewer, figures.more, figures.all_found
    return [
        f"WER against one language for each window: {0.0 - fewer.estimate:+.1f} points "
        f"({0.0 - fewer.high:+.1f} to {0.0 - fewer.low:+.1f});",
        f"against each part alone: {more.estimate:+.1f} ({more.low:+.1f} to {more.high:+.1f}).",
        f"Exactly the languages spoken, in their order: {100 * found.estimate:.0f} % of recordings "
        f"({100 * found.low:.0f} to {100 * found.high:.0f}).",
    ]


def _plain_lines(plain: PlainFigures) -> list[str]:
    more, took = plain.more, plain.time
    return [
        f"**One language only** ({plain.recordings} recordings of people, {plain.words} words): WER",
        f"{_per_cent(plain.errors['switching'])}, without changes of language {_per_cent(plain.errors['single'])}: "
        f"{more.estimate:+.2f} points",
        f"({more.low:+.2f} to {more.high:+.2f}, paired). Time: {took.estimate:.2f} times "
        f"({took.low:.2f} to {took.high:.2f}). Another language was",
        f"found in {plain.parted}.",
    ]


def _share(interval: Interval | None) -> str:
    if interval is None:
        return ""
    right = round(interval.estimate * interval.clips)
    return f"{right} of {interval.clips} ({100 * interval.low:.0f} to {100 * interval.high:.0f} %)"


def _per_cent(interval: Interval) -> str:
    return f"{interval.estimate:.1f} % ({interval.low:.1f} to {interval.high:.1f})"
