"""The report of `viva bench transcribe` as tables and sentences for a terminal. Measures nothing."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table

from vivavoce.bench.stats import percentile
from vivavoce.bench.transcribing import BARS, TranscribingReport


def render(report: TranscribingReport) -> Group:
    """Engines, memory, and each figure beside its bar."""
    languages = ", ".join(sorted({part.language for part in report.parts}))
    table = Table(
        title=f"{report.minutes:.0f} min of joined recordings ({languages}; {report.half}), model {report.model}; "
        f"{report.machine}, {report.cores} cores, {report.threads} threads"
    )
    for heading in ("engine", "seconds", "RTFx", "errors %"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for row in report.rows:
        table.add_row(row.engine, f"{row.seconds:.1f}", f"{row.rtfx:.1f}", f"{row.error_rate:.1f}")
    return Group(table, *_sentences(report))


def _sentences(report: TranscribingReport) -> list[str]:
    increase, fast = report.increase, report.speedup
    words = "with" if report.word_times else "without"
    said = [
        f"Seconds of sound per second (RTFx), {words} word times: {report.rtfx:.1f} (bar: at least {BARS.rtfx:g})",
        f"Errors against the full window: {increase.estimate:+.2f} points, upper 95 % bound {increase.upper:+.2f} "
        f"(n = {increase.clips} different clips, {increase.resamples} resamples; bar: at most "
        f"{BARS.increase_points:+.2f})",
        f"Speed against the faster batched pipeline: {fast.estimate:.2f} times, 95 % interval {fast.low:.2f} to "
        f"{fast.high:.2f} (n = {fast.clips} parts; bar: at least {BARS.speedup:g})",
        f"Calls that a short clip may have to wait for: 95 % take at most {report.call_p95_s:.2f} s "
        f"(bar: {BARS.call_s:g})",
        f"Fallbacks: {report.fallback_rate:.1f} % of windows (included above)",
    ]
    if (talk := report.interactive) is not None:
        said.append(
            f"A clip of {talk.clip_s:.1f} s beside a long recording: p50 {percentile(talk.beside_s, 50):.2f} s, "
            f"p95 {percentile(talk.beside_s, 95):.2f} s (n = {len(talk.beside_s)}); on its own "
            f"{percentile(talk.alone_s, 50):.2f} s (n = {len(talk.alone_s)}); the long one meanwhile: "
            f"RTFx {talk.rtfx_beside:.1f}"
        )
    if report.growth_mib is not None:
        figures = ", ".join(f"{minutes} min {mib:.0f}" for minutes, mib in report.memory_mib.items())
        said.append(
            f"Peak memory in MiB, the recording itself aside: {figures} (bar: growth of at most {BARS.growth_mib:g}, "
            f"found {report.growth_mib:+.0f})"
        )
    said.append("Passed." if report.passed else "Not passed.")
    return said
