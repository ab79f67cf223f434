"""`viva bench load` on a terminal: makes the questions, starts a server where none is named, measures, shows, saves."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from vivavoce.bench.exchange import Server
from vivavoce.bench.load import Loading, LoadReport
from vivavoce.bench.load_page import load_svg, load_table, write_report
from vivavoce.bench.machine import machine_name
from vivavoce.bench.serving import served
from vivavoce.bench.speed_console import progress_bar, ready_questions
from vivavoce.engines.registry import require_weights
from vivavoce.settings import Settings

VOICE = "alloy"
LENGTHS_S = [2, 5]
"""Questions as people put them to a voice."""

SYSTEM = "Answer in one or two short sentences."


def bench_load(
    settings: Settings,
    *,
    base_url: str | None,
    api_keys: list[str],
    model: str,
    questions: Path | None,
    times: list[float],
    duration_s: float,
    callers: int,
    calibration: int,
    bound_s: float,
    seed: int,
    out: Path | None,
    svg: Path | None,
) -> LoadReport:
    """Measure, show and save what a server does at each of `times` its capacity.

    Raises `ModelNotInstalled`, `InvalidValue`, `UpstreamFailed`, `EngineFailed`.
    """
    console = Console()
    spec = settings.engine_spec()
    require_weights(spec, ("listen", "think", "speak") if base_url is None else ("speak",))
    asked, _ = ready_questions(spec, questions, LENGTHS_S, 10, console)
    with ExitStack() as stack:
        base_url = stack.enter_context(served(base_url, settings.profile, console))
        servers = [Server(base_url, key, model) for key in api_keys]
        for server in servers:
            stack.callback(server.close)
        progress = stack.enter_context(progress_bar(console, "asking"))
        loading = Loading(
            lambda question, key: servers[key].ask(question, SYSTEM, VOICE),
            [question.audio() for question in asked],
            keys=len(servers),
            bound_s=bound_s,
            seed=seed,
            progress=progress,
        )
        capacity_per_s = loading.capacity(callers, calibration)
        report = LoadReport(
            date=time.strftime("%Y-%m-%d"),
            machine=machine_name(),
            cores=os.cpu_count() or 1,
            model=model,
            engines=servers[0].engines(),
            seed=seed,
            keys=len(servers),
            callers=callers,
            bound_s=bound_s,
            capacity_per_s=capacity_per_s,
            levels=tuple(loading.level(each, capacity_per_s, duration_s) for each in sorted(times)),
        )
    if out is not None:
        write_report(report, out)
    if svg is not None:
        svg.write_text(load_svg(report), encoding="utf-8")
    console.print(load_table(report))
    return report
