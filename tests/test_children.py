"""Children kept alive, on real processes: restarts with pauses, reports, and what they can see of their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from vivavoce.children import Child, Report
from vivavoce.errors import EngineLost, ModelNotInstalled

NOISY = """
import os, sys, time
from vivavoce.children import Report, follow_parent, tell_parent
brief = follow_parent()
print("not a report", "x" * 100_000)
print('{"state": "ready", "colour": "red"}')
tell_parent(Report("ready", socket_path=brief.strip() + str(sorted(k for k in os.environ if k.startswith("VIVA_")))))
time.sleep(60)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "noisy_child.py").write_text(NOISY)
    (tmp_path / "broken_child.py").write_text("raise SystemExit(1)")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return "noisy_child"


class Heard:
    """Reports as they came."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[Report] = asyncio.Queue()

    async def next(self) -> Report:
        return await asyncio.wait_for(self.reports.get(), 20)


async def test_reports_come_through_noise_and_a_dead_child_is_replaced(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVA_THINK_API_KEY", "hush")
    heard, lives = Heard(), iter(range(1, 9))
    async with Child("noisy", [module], lambda: f"life {next(lives)}\n", heard.reports.put_nowait) as child:
        assert await heard.next() == Report("ready", socket_path="life 1[]"), "settings come by the pipe alone"
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert await heard.next() == Report("loading")
        assert await heard.next() == Report("ready", socket_path="life 2[]")
        assert (child.pid != first, child.restarts) == (True, 1)
        last = child.pid
    assert last is not None
    with pytest.raises(ProcessLookupError):
        os.kill(last, 0)


async def test_a_child_that_ends_before_it_is_ready_has_failed(module: str) -> None:
    heard = Heard()
    async with Child("broken", ["broken_child"], lambda: "\n", heard.reports.put_nowait):
        report = await heard.next()
    assert isinstance(report.failure, EngineLost)
    assert "broken process ended before it was ready" in report.failure.message


def test_a_failure_keeps_its_class_over_the_pipe() -> None:
    failed = Report.failed(ModelNotInstalled("Weights are missing."))
    again = Report.from_line(failed.to_line())
    assert again is not None
    assert isinstance(again.failure, ModelNotInstalled)
    assert again.failure.message == "Weights are missing."
    assert Report.from_line("[1, 2]") is None
    assert Report.from_line("words") is None
