"""`viva exam` as a person meets it: run, resume, compare, export; and one clear sentence where it will not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_app import MakeServer, eventually
from typer.testing import CliRunner

from vivavoce.cli_exam import exam_app
from vivavoce.errors import InvalidValue, NotFound, VivaError
from vivavoce.exam import papers
from vivavoce.exam.runs import read
from vivavoce.testing import ScriptedThinker

KEY = "sk-never-written"


@pytest.fixture
def viva(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Calls the command; what it raises of ours is raised, as `viva` turns it into a sentence."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("VIVA_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "220")
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(exam_app, list(words))
        if isinstance(done.exception, VivaError):
            raise done.exception
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    return call


def test_an_exam_from_run_to_report(viva, make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(answer="Answer: Monday")
    url = f"{server.url}/v1"
    names = ["spoken-reasoning", "safety"]
    common = ["--base-url", url, "--speech-url", url, "--item-voice", "speech:alloy", "--month", "2026-11"]
    code, said = viva("run", *names, *common, "--api-key", KEY, "--items", "4", "--label", "one", "-o", "one.jsonl")
    assert code == 0
    assert "solved when spoken" in said
    assert "answered nothing to silence" in said
    record = read(tmp_path / "one.jsonl")
    assert record.ended == "done"
    assert record.run.pools["spoken-reasoning"] == 360
    assert papers.left(record) == []
    assert {made.task for made in record.tries} == set(names)
    code, said = viva("resume", "one.jsonl")
    assert code == 0
    assert "nothing is left to ask" in said
    viva("run", *names, *common, "--items", "4", "--label", "two", "-o", "two.jsonl", "--preview")
    code, said = viva("compare", "one.jsonl", "two.jsonl", "--html", "report")
    assert code == 0
    assert "two [preview]" in said
    assert said.count("baseline: ") == 4
    assert (tmp_path / "report" / "leaderboard--exam-safety.html").is_file()
    assert list((tmp_path / "report" / "runs").glob("*/sounds/*.wav"))
    viva("export", "one.jsonl", "-o", "one.csv")
    viva("export", "one.jsonl", "-o", "one.json")
    assert json.loads((tmp_path / "one.json").read_text())["ended"] == "done"
    written = b"".join(
        path.read_bytes() for path in tmp_path.rglob("*.*") if path.suffix in (".jsonl", ".html", ".csv")
    )
    assert KEY.encode() not in written


def test_a_paid_endpoint_is_not_asked_without_a_budget(viva, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"costs about \$\d.*--budget"):
        viva("run", "safety", "--base-url", "https://api.openai.com/v1", "--items", "30")
    with pytest.raises(InvalidValue, match="more than the budget"):
        viva("run", "safety", "--base-url", "https://api.openai.com/v1", "--items", "30", "--budget", "0.0001")
    assert not list(tmp_path.glob("runs/*"))


def test_names_and_files_that_are_not_there(viva, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="spoken-reasoning"):
        viva("run", "juggling")
    with pytest.raises(NotFound, match="no run"):
        viva("resume", "none.jsonl")
    with pytest.raises(InvalidValue, match="manifest"):
        viva("run", "sentiment")
    with pytest.raises(NotFound, match="manifest"):
        viva("run", "sentiment", "--manifest", "none.jsonl")
    assert not list(tmp_path.glob("runs/*"))


def test_an_endpoint_that_is_not_there_is_told_and_left_to_resume(
    viva,
    make_server: MakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vivavoce.exam.endpoint.RETRIES", 0)
    code, said = viva("run", "tools", "--base-url", "http://127.0.0.1:9/v1", "-o", "run.jsonl", "--items", "20")
    assert code == 1
    assert "failed ten times in a row" in said
    assert "viva exam resume run.jsonl" in said
    assert read(tmp_path / "run.jsonl").ended == "failing"


def test_the_list_names_every_exam(viva) -> None:
    code, said = viva("list")
    assert code == 0
    for name in ("transcription", "speech-to-code", "sentiment", "safety", "speed"):
        assert name in said


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(viva, make_server: MakeServer, tmp_path: Path) -> None:
    thinker = ScriptedThinker("Answer: 4", delay_s=0.1)
    url = f"{make_server(thinker=thinker).url}/v1"
    words = ["run", "spoken-reasoning", "--base-url", url, "--speech-url", url, "--item-voice", "speech:alloy"]
    command = [sys.executable, "-m", "vivavoce.cli", "exam", *words, "--items", "10", "-o", "run.jsonl"]
    path = tmp_path / "run.jsonl"
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: path.is_file() and path.read_text().count('"kind": "try"') >= 4, within_s=60)
        process.kill()
    before = read(path)
    assert 4 <= len(before.tries) < 20
    assert before.ended == ""
    code, _ = viva("resume", "run.jsonl")
    assert code == 0
    after = read(path)
    assert after.tries[: len(before.tries)] == before.tries
    assert len(after.tries) == 20
    assert len(thinker.asked) <= 21, "what was answered is not asked again; what was under way at the kill is"
