"""Load on a server: what counts as good, fairness, and a whole run above capacity over scripted engines."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from scripted_app import MakeServer
from typer.testing import CliRunner

from vivavoce.audio import Audio
from vivavoce.bench.exchange import Exchange, Server
from vivavoce.bench.load import Asked, Level, Loading, LoadReport, Outcome
from vivavoce.bench.load_page import load_svg, load_table, read_report, write_report
from vivavoce.bench.playback import Playback
from vivavoce.cli import app
from vivavoce.codec.encode import encode
from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import TooBusy, UpstreamFailed
from vivavoce.testing import ScriptedThinker

TONE = Audio((0.2 * np.sin(np.arange(8000) / 10)).astype(np.float32), 16_000)


def nothing(*_: object) -> None:
    """A bar that nobody watches."""


def loading(ask: object, keys: int = 3) -> Loading:
    return Loading(ask, [TONE], keys=keys, bound_s=1.0, seed=1, progress=nothing)  # type: ignore[arg-type]


def exchange(first_sound_s: float | None, dry_s: float = 0.0) -> Exchange:
    return Exchange(None, 0.1, 1.0, Playback(first_sound_s, 1.0, 0, dry_s), "words", None)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (exchange(0.5), "good"),
        (exchange(1.5), "late"),
        (exchange(0.5, dry_s=0.3), "dry"),
        (exchange(None), "failed"),
        (TooBusy("later"), "refused"),
        (UpstreamFailed("no"), "failed"),
    ],
)
def test_what_counts_as_good(answer: Exchange | Exception, outcome: Outcome) -> None:
    def ask(question: bytes, key: int) -> Exchange:
        if isinstance(answer, Exception):
            raise answer
        return answer

    level = loading(ask).level(1.0, 40.0, 0.5)
    assert level.asked
    assert {each.outcome for each in level.asked} == {outcome}
    assert (level.goodput_per_s > 0) == (outcome == "good")


def test_every_recording_is_new_and_the_first_key_asks_half() -> None:
    heard: list[bytes] = []
    keys: list[int] = []

    def ask(question: bytes, key: int) -> Exchange:
        heard.append(question)
        keys.append(key)
        return exchange(0.1)

    loading(ask, keys=3).level(1.0, 400.0, 0.5)
    assert len(heard) > 100
    assert len(set(heard)) == len(heard)
    assert 0.35 < keys.count(0) / len(keys) < 0.65
    assert set(keys) == {0, 1, 2}


def level(times: float, answered: dict[int, int]) -> Level:
    asked = tuple(Asked(key, 4.0, 5.0, "good", 0.5) for key, count in answered.items() for _ in range(count))
    return Level(times, times, 10.0, asked)


def test_fairness_is_told_where_there_is_not_enough_for_all() -> None:
    assert level(4.0, {0: 10, 1: 10, 2: 10, 3: 10}).fairness(4) == pytest.approx(1.0)
    assert level(4.0, {0: 10}).fairness(4) == pytest.approx(0.25)
    assert level(0.5, {0: 10}).fairness(4) is None
    assert level(4.0, {0: 10}).fairness(1) is None


def test_a_refusal_while_capacity_is_measured_is_waited_out() -> None:
    asked = 0

    def ask(question: bytes, key: int) -> Exchange:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise TooBusy("later", retry_after_s=0.01)
        return exchange(0.1)

    assert loading(ask).capacity(1, 5) > 0
    assert asked == 6


def test_above_capacity_some_are_refused_and_the_others_share(make_server: MakeServer, tmp_path: Path) -> None:
    admission = Admission(AdmissionLimits(turns=1, waiting=1, wait_s=5.0))
    server = make_server(answer="Yes it is.", admission=admission, thinker=ScriptedThinker("Yes it is.", delay_s=0.05))
    clients = [Server(f"{server.url}/v1", f"key {number}", "viva-voce") for number in range(3)]
    run = Loading(
        lambda question, key: clients[key].ask(question, "Be brief.", "alloy"),
        [TONE],
        keys=3,
        bound_s=5.0,
        seed=1,
        progress=nothing,
    )
    capacity_per_s = run.capacity(1, 5)
    levels = tuple(run.level(times, capacity_per_s, 2.0) for times in (0.5, 8.0))
    for client in clients:
        client.close()
    assert levels[0].count("failed") == levels[1].count("failed") == 0
    assert levels[1].count("refused") > 0
    assert levels[1].goodput_per_s > 0
    assert admission.state()["turns"] == 0
    report = LoadReport("2026-01-01", "a machine", 2, "viva-voce", {}, 1, 3, 2, 5.0, capacity_per_s, levels)
    write_report(report, tmp_path / "load.json")
    assert read_report(tmp_path / "load.json") == report
    ElementTree.fromstring(load_svg(report))
    console = Console(width=200, record=True)
    console.print(load_table(report))
    assert "8×" in console.export_text()
    assert report.kept_at_most is not None


def test_the_command_runs_against_a_server(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server()
    questions = tmp_path / "questions"
    questions.mkdir()
    (questions / "one.wav").write_bytes(encode(TONE, "wav"))
    out, svg = tmp_path / "load.json", tmp_path / "load.svg"
    command = ["bench", "load", "--base-url", f"{server.url}/v1", "--questions", str(questions), "--seconds", "1"]
    command += ["--times", "0.1", "--times", "0.2", "--calibration", "3", "--out", str(out), "--svg", str(svg)]
    done = CliRunner(env={"VIVA_SPEAK": "scripted:hum", "VIVA_MODELS_DIR": str(tmp_path)}).invoke(app, command)
    assert done.exit_code == 0, done.output
    assert [each.times for each in read_report(out).levels] == [0.1, 0.2]
    assert svg.is_file()
