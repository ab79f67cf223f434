"""`viva bench tools` on a terminal: speaks the requests, starts a server if none is named, measures, shows, saves."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table

from vivavoce.audio import Audio
from vivavoce.bench.exchange import Server
from vivavoce.bench.machine import machine_name
from vivavoce.bench.serving import served
from vivavoce.bench.speed_console import progress_bar, ready_questions, speak_texts
from vivavoce.bench.tool_requests import tool_requests
from vivavoce.bench.tools import FirstSounds, ToolsReport, Trial, compare_first_sounds, put_requests
from vivavoce.engines.registry import require_weights
from vivavoce.settings import Settings

VOICE = "alloy"
SYSTEM = "Answer in one or two short sentences."
LENGTHS_S = [2, 5]

_REPORT = TypeAdapter(ToolsReport)


def bench_tools(
    settings: Settings,
    *,
    base_url: str | None,
    api_key: str,
    model: str,
    calls: bool,
    sounds: int,
    seed: int,
    out: Path | None,
) -> ToolsReport:
    """Measure, show and save. calls: put the requests. sounds: questions by which the first sound is compared, if any.

    Raises `ModelNotInstalled`, `InvalidValue`, `UpstreamFailed`, `TooBusy`, `EngineFailed`.
    """
    console = Console()
    spec = settings.engine_spec()
    require_weights(spec, ("listen", "think", "speak") if base_url is None else ("speak",))
    recordings = speak_texts(spec, [request.text for request in tool_requests()], console) if calls else []
    questions: list[Audio] = []
    if sounds:
        found, _ = ready_questions(spec, None, LENGTHS_S, -(-(sounds + 1) // len(LENGTHS_S)), console)
        questions = [question.audio() for question in found][: sounds + 1]
    with ExitStack() as stack:
        base_url = stack.enter_context(served(base_url, settings.profile, console))
        server = Server(base_url, api_key, model)
        stack.callback(server.close)
        trials: list[Trial] = []
        if calls:
            with progress_bar(console, "calling") as progress:
                trials = put_requests(server.call, recordings, seed, progress)
        first_sounds = None
        if questions:
            with progress_bar(console, "asking") as progress:
                first_sounds = compare_first_sounds(
                    lambda question, tools: server.ask(question, SYSTEM, VOICE, tools), questions, seed, progress
                )
        report = ToolsReport(
            date=time.strftime("%Y-%m-%d"),
            machine=machine_name(),
            cores=os.cpu_count() or 1,
            model=model,
            engines=server.engines(),
            seed=seed,
            trials=tuple(trials),
            first_sounds=first_sounds,
        )
    if out is not None:
        out.write_bytes(_REPORT.dump_json(report, indent=1) + b"\n")
    for table in tools_tables(report):
        console.print(table)
    return report


def tools_tables(report: ToolsReport) -> list[Table]:
    """Right calls, what went wrong, and what the tools cost the first sound."""
    tables = [_right(report), _wrong(report)] if report.trials else []
    if report.first_sounds is not None:
        tables.append(_sounds(report.first_sounds, report.seed))
    return tables


def _right(report: ToolsReport) -> Table:
    table = Table(
        title="Requests over eight tools, typed and spoken", caption=f"{report.machine}, {report.cores} cores"
    )
    table.add_column("")
    for column in ("right tool", "and right arguments", "valid arguments", "no tool called where none fits"):
        table.add_column(column, justify="right")
    for spoken in (False, True):
        wanted = report.verdicts(spoken=spoken, wants_tool=True)
        none = report.verdicts(spoken=spoken, wants_tool=False)
        table.add_row(
            "spoken" if spoken else "typed",
            f"{sum(verdict.tool for verdict in wanted)} of {len(wanted)}",
            f"{sum(verdict.arguments for verdict in wanted)} of {len(wanted)}",
            f"{sum(verdict.valid for verdict in wanted + none)} of {len(wanted + none)}",
            f"{sum(verdict.tool for verdict in none)} of {len(none)}",
        )
    return table


def _wrong(report: ToolsReport) -> Table:
    table = Table(title="What was not right", show_lines=False)
    for column in ("", "request", "heard", "called"):
        table.add_column(column)
    for trial in report.trials:
        if not trial.verdict.arguments:
            called = "; ".join(f"{name} {arguments}" for name, arguments in trial.calls) or "nothing"
            table.add_row("spoken" if trial.spoken else "typed", trial.request, trial.heard or "", called)
    return table


def _sounds(sounds: FirstSounds, seed: int) -> Table:
    table = Table(title="First sound with eight tools that the server knows, against none")
    for column in ("questions", "without, p50", "with, p50", "ratio (95 % interval)", "a tool was called", "cached"):
        table.add_column(column, justify="right")
    ratio = sounds.ratio(seed)
    cached = [count for count in sounds.cached_tokens if count is not None]
    table.add_row(
        str(len(sounds.with_s)),
        _median(sounds.without_s),
        _median(sounds.with_s),
        "–" if ratio is None else f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})",
        str(sounds.called),
        f"at least {min(cached)} tokens" if cached else "–",
    )
    return table


def _median(times_s: tuple[float, ...]) -> str:
    return f"{sorted(times_s)[len(times_s) // 2]:.2f} s" if times_s else "–"
