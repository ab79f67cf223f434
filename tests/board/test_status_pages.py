"""The status page: probes and live traffic with their n, and what it says where they are not, or cannot be read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from board_sites import html_of, site_of
from invented_runs import NOW, write_diary, write_run

from vivavoce.errors import StorageFailed
from vivavoce.ledger.usage import OutcomeCount
from vivavoce.probe.diary import Diary
from vivavoce.probe.rows import Probe, Watch


def test_probes_and_traffic_are_told_with_their_n(tmp_path: Path) -> None:
    write_diary(tmp_path / "probe", days=8)
    counts = [OutcomeCount("gpt-audio", 200, None, 900, 70), OutcomeCount("gpt-audio", 500, "engine_lost", None, 1)]
    html = html_of(site_of(tmp_path, probes=tmp_path / "probe", outcomes=lambda since, until: counts), "/status")
    assert re.search(r"\d+\.\d\d % answered", html)
    assert "not (" in html
    assert "asleep 96" in html
    assert "3 failures in a row" in html
    assert re.search(r"error 503\s+overloaded", html)
    assert "gpt-audio" in html
    assert "0.90 s" in html


def test_what_came_just_now_is_told(tmp_path: Path) -> None:
    """A probe and a request of this very second; what probes come to is kept for a minute, unless there are more."""
    now = NOW + timedelta(seconds=37)
    spans: list[tuple[int, int]] = []

    def outcomes(since: int, until: int) -> list[OutcomeCount]:
        spans.append((since, until))
        return []

    site = site_of(tmp_path, probes=tmp_path / "probe", outcomes=outcomes, now=lambda: now)
    assert "No measurements yet" in html_of(site, "/status")
    due = int(now.timestamp()) - 5
    watch = Watch(due - 10, "mine", "gpt-audio", "http://127.0.0.1/v1", 60.0, "alloy", 2.0, "0.1.0", every_s=10)
    probe = Probe("mine", "gpt-audio", due, 0.0, "ok", 1.5, 200, None, 0.5, 0.9, 2.0)
    Diary(tmp_path / "probe").add([watch, probe], due)
    html = html_of(site, "/status")
    assert "100.00 % answered" in html
    assert "0.90 s" in html
    assert all(since < now.timestamp() < until for since, until in spans)


def test_probes_are_on_the_page_of_their_model_alone(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "one.jsonl", "viva-default", items=6)
    write_diary(tmp_path / "probe", days=2)
    site = site_of(tmp_path / "runs", probes=tmp_path / "probe")
    assert "% answered" in html_of(site, "/models/viva-default")
    assert "% answered" not in html_of(site, "/models/gpt-4o-mini-audio-preview"), "ours answered, by its name"


def test_traffic_is_for_admins_where_there_are_keys(tmp_path: Path) -> None:
    assert "Live traffic" not in html_of(site_of(tmp_path, outcomes=lambda since, until: None), "/status")
    assert "Live traffic" not in html_of(site_of(tmp_path), "/status")


def test_storage_that_fails_is_told(tmp_path: Path) -> None:
    def outcomes(since: int, until: int) -> list[OutcomeCount]:
        raise StorageFailed("The ledger cannot be read.")

    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "2026-11.jsonl").write_bytes(b'{"v": 1, "kind": "probe"}\n\xff\xff\n{"v": 99}\n')
    html = html_of(site_of(tmp_path, probes=tmp_path / "probe", outcomes=outcomes), "/status")
    assert "The ledger cannot be read." in html
    assert "could not be read" in html
