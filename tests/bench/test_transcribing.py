"""The comparison on long recordings: figures from made-up hearings, then a small real run."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from vivavoce.bench.transcribing import (
    ENGINES,
    Interactive,
    PartResult,
    TranscribingReport,
    run_transcribing,
    summarise,
)
from vivavoce.bench.transcribing_table import render


def part(number: int, *, ours_s: float = 10.0, batched_s: float = 20.0, ours_wrong: int = 1) -> PartResult:
    """Ten minutes of thirty clips, each of which comes in every part."""
    clips = tuple(f"c/{n}" for n in range(30))
    seconds = {"ours": ours_s, "batched-8": batched_s + 1, "batched-16": batched_s, "full": 60.0}
    errors = dict.fromkeys(ENGINES, (1,) * 30) | {"ours": (ours_wrong,) * 30}
    return PartResult("en", 600.0, clips, (10,) * 30, seconds, errors, {})


def report_of(
    parts: list[PartResult], *, call_s: float = 0.5, memory_mib: dict[str, float] | None = None
) -> TranscribingReport:
    return summarise(
        parts,
        model="base",
        threads=2,
        half="report",
        seed=0,
        word_times=False,
        call_s=[call_s] * 20,
        fallback_rate=2.0,
        interactive=Interactive(3.0, (0.4, 0.5), (0.6, 0.9, 1.4), 20.0),
        memory_mib={"10": 300.0, "60": 310.0} if memory_mib is None else memory_mib,
    )


def shown(report: TranscribingReport) -> str:
    console = Console(width=200, record=True, file=StringIO())
    console.print(render(report))
    return console.export_text()


GOOD = [part(n) for n in range(6)]


def test_a_run_that_reaches_every_bar_passes() -> None:
    report = report_of(GOOD)
    assert report.passed
    assert report.rtfx == pytest.approx(60.0)
    assert report.speedup.estimate == pytest.approx(2.0), "against the faster of the two"
    assert report.increase.clips == 30, "a clip that came six times is one witness"
    said = shown(report)
    assert "Passed." in said and "RTFx" in said and "10 min 300, 60 min 310" in said


@pytest.mark.parametrize(
    "report",
    [
        report_of([part(n, ours_s=25.0, batched_s=50.0) for n in range(6)]),
        report_of([part(n, batched_s=14.0) for n in range(6)]),
        report_of([part(n, ours_wrong=2) for n in range(6)]),
        report_of(GOOD, call_s=1.2),
        report_of(GOOD, memory_mib={"10": 300.0, "60": 400.0}),
    ],
    ids=["slow", "no faster than others", "worse words", "long calls", "growing memory"],
)
def test_each_bar_counts(report: TranscribingReport) -> None:
    assert not report.passed
    assert "Not passed." in shown(report)


def test_what_was_not_measured_is_not_shown() -> None:
    report = replace(report_of(GOOD, memory_mib={}), interactive=None)
    assert report.passed
    assert "Peak memory" not in shown(report) and "beside a long recording" not in shown(report)


@pytest.mark.real
@pytest.mark.shared
def test_a_small_real_run_compares_all(models_dir: Path, shared_speech: Path, tmp_path: Path) -> None:
    output, steps = tmp_path / "report.json", list[str]()
    report = run_transcribing(
        shared_speech / "manifest.jsonl",
        model_dir=models_dir / "whisper-base",
        minutes=1.1,
        part_minutes=1.1,
        languages=["es"],
        memory_minutes=(),
        output=output,
        progress=steps.append,
    )
    [row] = report.parts
    assert set(row.seconds) == set(row.transcripts) == set(ENGINES)
    assert all(each.error_rate < 60.0 for each in report.rows), "everybody heard something like what was said"
    assert report.interactive is not None and report.interactive.beside_s
    assert report.call_p95_s > 0.0
    assert any("full" in step for step in steps)
    assert json.loads(output.read_text())["parts"][0]["transcripts"]["ours"] == row.transcripts["ours"]
