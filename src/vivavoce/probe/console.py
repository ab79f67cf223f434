"""`viva probe …` on a terminal: a line for each probe as it ends, and the report."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from rich.console import Console
from rich.markup import escape

from vivavoce.ledger.ledger import Ledger
from vivavoce.prices.book import load_book
from vivavoce.probe.diary import Diary
from vivavoce.probe.machine import SystemClock
from vivavoce.probe.rows import Gap, Key, Probe, Row, utc
from vivavoce.probe.session import Sitting, prepare
from vivavoce.probe.summary import Delay, Incident, Share, Summary, summarise
from vivavoce.probe.targets import Target, span
from vivavoce.probe.traffic import Traffic, summarise_traffic

NONE = "No measurements yet."
WHY = {
    "down": "no probe was running",
    "asleep": "the machine slept",
    "clock": "the clock was set",
    "held_up": "the probe was held up",
    "offline": "no network here",
    "stopped": "stopped while waiting",
    "overlap": "earlier ones were under way",
    "budget": "the budget is used up",
}
INCIDENTS_SHOWN = 10


def probe(
    targets: Sequence[Target], folder: Path, prices_dir: Path | None, *, once: bool, for_s: int | None, quiet: bool
) -> bool:
    """Ask `targets`, on and on or `once`, into the diary in `folder`. Returns whether all that was asked was well.

    Raises our errors with what to do, before anything is asked.
    """
    clock = SystemClock()
    book = load_book(prices_dir)
    cache = user_cache_path("vivavoce") / "probe"
    prepared = [prepare(each, cache, book, clock.now()) for each in targets]
    lines = _Lines(quiet=quiet)
    sitting = Sitting(Diary(folder), clock, lines.tell, lines.see)
    if once:
        asyncio.run(sitting.once(prepared))
        return lines.well
    for each in prepared:
        about = f", about ${each.about:.4f} each" if each.about else ""
        lines.tell(f"{each.target.title}: {each.target.model}, every {each.target.every} s{about}")
    asyncio.run(sitting.run(prepared, for_s))
    return True


class _Lines:
    """A line on standard error for each row. Due times that are passed over for the same reason have one."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._said: dict[Key, str] = {}
        self.well = True

    def tell(self, sentence: str) -> None:
        self._console.print(escape(sentence))

    def see(self, row: Row) -> None:
        if isinstance(row, Probe):
            self.well = self.well and row.ok
            self._said.pop(row.key, None)
            if not self._quiet or not row.ok:
                self.tell(f"{utc(row.due)} {row.target}: {_came(row)}")
        elif isinstance(row, Gap):
            self.well = self.well and row.why == "down"  # that was before
            times = len(row.times(0, row.last + 1))
            if self._said.get(row.key) != row.why or times > 1:
                many = f"{times} times until {utc(row.last)}, " if times > 1 else ""
                self.tell(f"{utc(row.first)} {row.target}: not measured, {many}{WHY[row.why]}")
            self._said[row.key] = row.why


def _came(row: Probe) -> str:
    sound = f", first sound {row.first_sound_s:.2f} s" if row.first_sound_s is not None else ""
    late = f", begun {row.late_s:.1f} s late" if row.late_s >= 1 else ""
    return f"{row.what}{sound}, end {row.end_s:.2f} s{late}"


def report(folder: Path, since: str, *, as_json: bool, ledger: Path | None) -> None:
    """Print what the diary in `folder` says of the time `since`; with a `ledger`, what live traffic says of it too."""
    now = time.time()
    start = max(0.0, now - span(since))
    rows = Diary(folder).read(start)
    found = summarise(rows, start, now)
    traffic = _traffic(ledger, start, now) if ledger is not None else []
    if as_json:
        out: dict[str, Any] = {"since": utc(start), "until": utc(now), "probes": [told(each) for each in found]}
        out |= {"damaged_lines": rows.damaged, "newer_lines": rows.newer}
        if ledger is not None:
            out["traffic"] = [asdict(each) for each in traffic]
        sys.stdout.write(json.dumps(out, indent=1) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    if not found:
        console.print(NONE)
    for each in found:
        console.print("\n".join(_paragraph(each)) + "\n")
    for each in traffic:
        console.print("\n".join(_live(each)) + "\n")
    if rows.damaged:
        console.print(f"{rows.damaged} lines of the diary are damaged (a kill, a full disk), and not counted.")
    if rows.newer:
        console.print(f"{rows.newer} lines were written by a newer version of Viva Voce, and are not counted.")


def told(summary: Summary) -> dict[str, Any]:
    """As JSON: times as in the diary, money as text."""
    values: dict[str, Any] = asdict(summary)
    values |= {"since": utc(summary.since), "until": utc(summary.until), "usd": f"{summary.usd:f}"}
    for incident in values["incidents"]:
        for name in ("first", "last", "over"):
            incident[name] = None if incident[name] is None else utc(incident[name])
    return values


def _traffic(folder: Path, since: float, until: float) -> list[Traffic]:
    if not folder.is_dir():
        return []
    ledger = Ledger(folder)
    try:
        return summarise_traffic(ledger.usage.outcomes(int(since), int(until) + 1))
    finally:
        ledger.close()


def _paragraph(each: Summary) -> list[str]:
    every = f", every {each.every_s} s" if each.every_s else ""
    times = each.schedule
    lines = [f"[bold]{escape(each.target)}[/]  {escape(each.model)} at {escape(each.base_url)}{every}"]
    lines.append(_row("available", _share(each.available) if each.any else NONE))
    missed, skipped = sum(times.missed.values()), sum(times.skipped.values())
    kept = f"{times.due:,} due: {times.measured:,} measured, {missed:,} missed, {skipped:,} skipped"
    lines.append(_row("times", kept + (f", {times.under_way} under way" if times.under_way else "")))
    lines += [_row("", f"{count:,}: {WHY[why]}") for why, count in {**times.missed, **times.skipped}.items()]
    if each.any:
        lines.append(_row("began late by", _delay(times.late)))
        lines.append(_row("first text", _delay(each.first_text)))
        lines.append(_row("first sound", _delay(each.first_sound)))
        lines.append(_row("whole answer", _delay(each.whole)))
        lines.append(_row("cost", _cost(each)))
    lines += [_row("failed" if not n else "", line) for n, line in enumerate(_counts(each.failures))]
    shown = each.incidents[-INCIDENTS_SHOWN:]
    lines += [_row("incidents" if not n else "", _incident(incident)) for n, incident in enumerate(shown)]
    if len(each.incidents) > len(shown):
        lines.append(_row("", f"and {len(each.incidents) - len(shown)} before these (--json has all)"))
    return lines


def _live(each: Traffic) -> list[str]:
    return [
        f"[bold]live traffic[/]  {escape(each.model)}, {each.n:,} requests that the engines worked on",
        _row("failed by us", _share(each.ours)),
        _row("by clients", _share(each.theirs)),
        _row("first sound", _delay(each.first_sound)),
        *(_row("failed" if not n else "", line) for n, line in enumerate(_counts(each.failures))),
    ]


def _row(heading: str, said: str) -> str:
    return f"  {heading:<14} {escape(said)}"


def _share(share: Share) -> str:
    if share.share is None or share.low is None or share.high is None:
        return "nothing to count"
    low, high = 100 * share.low, 100 * share.high
    return f"{100 * share.share:.2f} % ({low:.2f} to {high:.2f}), {share.count:,} of {share.n:,}"


def _delay(delay: Delay) -> str:
    if delay.p50_s is None or delay.most_s is None:
        return "never (n = 0)"
    p95 = f", p95 {_seconds(delay.p95_s)}" if delay.p95_s is not None else ""
    return f"p50 {_seconds(delay.p50_s)}{p95}, most {_seconds(delay.most_s)} (n = {delay.n:,})"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.0f} ms"


def _cost(each: Summary) -> str:
    return f"${each.usd:f}" + (f", and that of {each.uncosted:,} is not known" if each.uncosted else "")


def _counts(counts: Mapping[str, int]) -> list[str]:
    return [f"{count:,} × {what}" for what, count in counts.items()]


def _incident(each: Incident) -> str:
    over = f"well again {utc(each.over)}" if each.over is not None else "not known to be over"
    what = "; ".join(_counts(each.what))
    times = utc(each.first) + (f" to {utc(each.last)}" if each.last > each.first else "")
    return f"{times}, {over}: {what}"
