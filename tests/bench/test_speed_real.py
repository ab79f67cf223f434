"""The bench of speed with real weights: a server of its own against the plain way, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from vivavoce.bench.speed_page import read_report
from vivavoce.cli import app

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_real_server_and_the_plain_way_answer_the_same_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("VIVA_OFFLINE", "1")
    out = tmp_path / "speed.json"
    asked = ["--profile", "tiny", "--length", "2", "--each", "1", "--compared", "1", "--against", "plain"]
    done = CliRunner().invoke(app, ["bench", "speed", *asked, "--out", str(out)])
    assert done.exit_code == 0, done.output
    made = read_report(out)
    assert made.engines["think"] == "llamacpp:smollm2-135m"
    assert {(trial.way, trial.prompt) for trial in made.trials} == {
        ("served", "cached"),
        ("served", "new"),
        ("plain", "cached"),
    }
    for trial in made.trials:
        assert trial.heard_s is not None
        assert trial.first_text_s is not None
        assert 0 < trial.heard_s < trial.first_text_s < trial.first_sound_s
        assert trial.cached_tokens, "a note or a prompt that was read before"
    (plain,) = [trial for trial in made.trials if trial.way == "plain"]
    assert plain.first_sound_s >= plain.end_s
