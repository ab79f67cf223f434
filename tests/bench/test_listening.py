"""The comparison of listeners: figures from made-up hearings, then a small real run."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from vivavoce.bench.listening import ClipResult, Hearing, ListeningReport, render, run_listening, summarise
from vivavoce.errors import InvalidValue


def result(number: int, *, ours_errors: int, full_errors: int, ours_s: float = 0.4, stock_s: float = 2.4) -> ClipResult:
    def hearing(engine: str, seconds: float, errors: int) -> Hearing:
        return Hearing(engine, "words", "en", seconds, errors, 10)

    hearings = {
        "stock": hearing("stock", stock_s, full_errors),
        "full": hearing("full", 1.2, full_errors),
        "ours": hearing("ours", ours_s, ours_errors),
    }
    return ClipResult(f"c/{number}", "en", 4.0, "WER", hearings, fallbacks=number % 10 == 0, fallback_s=0.0)


def report_of(results: list[ClipResult]) -> ListeningReport:
    return summarise(results, model="base", threads=2, half="report", seed=0)


def shown(report: ListeningReport) -> str:
    console = Console(width=160, record=True, file=StringIO())
    console.print(render(report))
    return console.export_text()


def test_an_equal_and_faster_listener_passes() -> None:
    report = report_of([result(n, ours_errors=n % 3, full_errors=n % 3) for n in range(60)])
    assert report.passed
    assert report.speedup is not None
    assert report.speedup.estimate == pytest.approx(6.0)
    assert report.fallback_rate == pytest.approx(10.0)
    assert "Passed." in shown(report)


def test_a_worse_listener_is_flagged() -> None:
    report = report_of([result(n, ours_errors=n % 3 + (n % 4 == 0), full_errors=n % 3) for n in range(200)])
    assert report.wer_increase.estimate == pytest.approx(2.5)
    assert not report.passed
    assert "Not passed." in shown(report)


def test_a_listener_that_is_no_faster_is_flagged() -> None:
    report = report_of([result(n, ours_errors=1, full_errors=1, ours_s=1.0) for n in range(60)])
    assert not report.passed


def test_rows_add_up_to_the_whole() -> None:
    report = report_of([result(n, ours_errors=1, full_errors=2) for n in range(12)])
    assert sum(row.clips for row in report.rows) == len(report.clips) == 12
    assert report.overall == {"stock": 20.0, "full": 20.0, "ours": 10.0}
    assert report.rows[0].language_right == 100.0


@pytest.mark.real
@pytest.mark.shared
def test_a_small_real_run_compares_all_three(models_dir: Path, shared_speech: Path, tmp_path: Path) -> None:
    done: list[str] = []
    output = tmp_path / "listening.json"
    report = run_listening(
        shared_speech / "manifest.jsonl",
        model_dir=models_dir / "whisper-base",
        limit=3,
        stock_limit=2,
        languages=["de"],
        output=output,
        progress=lambda _done, _all, clip: done.append(clip),
    )
    assert len(done) == len(report.clips) == 3
    assert [len(clip.hearings) for clip in report.clips] == [3, 3, 2]
    assert report.speedup is not None
    assert report.speedup.estimate > 1.5
    written = json.loads(output.read_text(encoding="utf-8"))
    assert written["clips"][0]["hearings"]["ours"]["transcript"]


def test_no_fitting_clip_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("")
    with pytest.raises(InvalidValue, match="No clip"):
        run_listening(manifest, model_dir=tmp_path)
