"""`viva probe` as a person meets it, from the first question to the report, over real servers of scripted engines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from probe_world import eventually, written
from scripted_app import MakeServer
from typer.testing import CliRunner

from vivavoce.cli_probe import probe_app
from vivavoce.errors import InvalidValue, VivaError
from vivavoce.probe.diary import Diary
from vivavoce.probe.rows import Probe, Watch

KEY = "sk-never-written"
SOUND = ("--sound", "beeps")


@pytest.fixture
def viva(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Calls the command; what it raises of ours is raised, as `viva` turns it into a sentence."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("VIVA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(probe_app, list(words))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    return call


def test_nothing_measured_is_said_so(viva) -> None:
    assert viva("report") == (0, "No measurements yet.\n")
    told = json.loads(viva("report", "--json", "--traffic")[1])
    assert (told["probes"], told["traffic"]) == ([], [])
    assert viva("report", "--since", "999999d") == (0, "No measurements yet.\n")


def test_one_probe_and_what_is_said_of_it(viva, make_server: MakeServer, tmp_path: Path) -> None:
    url = f"{make_server(answer='The sky is blue, I am told.').url}/v1"
    code, said = viva("run", "--once", "--base-url", url, "--name", "[bold]home", *SOUND)
    assert code == 0
    assert re.search(r"Z \[bold\]home: ok, first sound \d\.\d\d s, end \d\.\d\d s", said)
    code, said = viva("report")
    assert "100.00 % (20.65 to 100.00), 1 of 1" in said
    assert "[bold]home  gpt-4o-mini-audio-preview at" in said
    assert "1 due: 1 measured, 0 missed, 0 skipped" in said
    assert re.search(r"first sound +p50 [\d.]+ m?s, most [\d.]+ m?s \(n = 1\)", said)
    lines = "\n".join(written(tmp_path / "data" / "probe"))
    assert "blue" not in lines, "nothing of what was said"
    assert KEY not in lines
    [probe] = json.loads(viva("report", "--json")[1])["probes"]
    assert probe["available"]["n"] == 1
    assert probe["usd"] == "0"


def test_a_probe_that_fails_exits_1_and_is_kept(viva, make_server: MakeServer) -> None:
    code, said = viva("run", "--once", "--base-url", "http://127.0.0.1:9/v1", *SOUND)
    assert (code, "no_connection connection_refused" in said) == (1, True)
    url = f"{make_server().url}/v1"
    code, said = viva("run", "--once", "--base-url", url, "--model", "gpt-gone", *SOUND)
    assert (code, "refused 404 model_not_found" in said) == (1, True)
    code, said = viva("report")
    assert "0.00 % (0.00 to 79.35), 0 of 1" in said
    assert "1 × refused 404 model_not_found" in said
    assert "not known to be over" in said


def test_cron_says_how_late_it_was_and_what_it_left_out(viva, make_server: MakeServer, tmp_path: Path) -> None:
    url = f"{make_server().url}/v1"
    cron = ("run", "--once", "--every", "1h", "--base-url", url, "--name", "home", *SOUND)
    assert viva(*cron)[0] == 0
    diary = Diary(tmp_path / "data" / "probe")
    [probe] = diary.read(0).of(("home", "gpt-4o-mini-audio-preview")).probes
    assert probe.due % 3600 == 0
    assert 0 <= probe.late_s < 3600
    # As if it had last been asked five hours ago.
    [path] = diary.folder.glob("*.jsonl")
    path.unlink()
    watch = Watch(probe.due - 5 * 3600, *(probe.key), url, 60.0, "alloy", 2.0, "0.1.0", every_s=3600)
    diary.add([watch, Probe(*probe.key, probe.due - 5 * 3600, 0.0, "ok", 1.0)], probe.due)
    code, said = viva(*cron)
    assert code == 0, "it is well now"
    assert "not measured, 4 times until" in said
    assert "no probe was running" in said
    assert "6 due: 2 measured, 4 missed, 0 skipped" in viva("report")[1]
    with diary.alone("home"):
        code, said = viva(*cron)
    assert code == 1
    assert "earlier ones were under way" in said


def test_a_paid_endpoint_is_not_asked_without_a_budget(viva, tmp_path: Path) -> None:
    paid = ("run", "--base-url", "https://api.example.com/v1", *SOUND)
    with pytest.raises(InvalidValue, match=r"costs about \$0\.00\d\d, and \$\d+\.\d\d a month.*--budget-per-day"):
        viva(*paid)
    with pytest.raises(InvalidValue, match="no price"):
        viva(*paid, "--model", "gpt-unheard-of", "--budget-per-day", "1")
    assert not (tmp_path / "data").exists(), "nothing was asked"
    # What is used up is skipped, which is no failure of theirs.
    code, said = viva(*paid, "--once", "--budget-per-day", "0.0001")
    assert code == 1
    assert "the budget is used up" in said
    assert "0 due" not in viva("report")[1]
    assert "1 due: 0 measured, 0 missed, 1 skipped" in viva("report")[1]
    assert "No measurements yet." in viva("report")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--every", "1s"), "every"),
        (("--for", "ever"), "span of time"),
        (("--key-env", "NO_SUCH_KEY", "--once"), "NO_SUCH_KEY, which is not set"),
        (("--sound", "none.wav"), "no recording"),
    ],
)
def test_what_is_wrong_is_one_sentence(viva, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(VivaError, match=said):
        viva("run", *words)


def test_options_that_exclude_each_other(viva, tmp_path: Path) -> None:
    (tmp_path / "probe.toml").write_text("[[target]]\nbase_url = 'http://127.0.0.1:9/v1'\nsound = 'beeps'\n")
    assert viva("run", "--targets", "probe.toml", "--every", "1m")[0] == 2
    assert viva("run", "--once", "--for", "1h")[0] == 2
    code, said = viva("run", "--targets", "probe.toml", "--once")
    assert (code, "127.0.0.1:9: no_connection" in said) == (1, True)


SCRIPTED = {"VIVA_LISTEN": "scripted:hello", "VIVA_THINK": "scripted:Blue.", "VIVA_SPEAK": "scripted:hum"}


@contextmanager
def started(folder: Path, log: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """`viva …` as a process of its own, killed at the end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIVA_", "OPENAI_"))}
    own = {"VIVA_DATA_DIR": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache")}
    with (folder / log).open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "vivavoce.cli", *words], cwd=folder, stderr=sink, env=kept | SCRIPTED | own
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)


@pytest.mark.slow
def test_a_server_of_a_profile_probed_through_a_kill_and_a_stop(tmp_path: Path) -> None:
    """`viva serve` and `viva probe run` as they run for long: at fixed times, over kill -9 of the probe, a server that
    goes away, and SIGTERM."""
    folder = tmp_path / "data" / "probe"
    key = ("home", "gpt-4o-mini-audio-preview")

    def probes() -> list[Probe]:
        return list(Diary(folder).read(0).of(key).probes)

    with started(tmp_path, "serve.log", "serve", "--port", "0", "--profile", "tiny") as server:
        address = eventually(lambda: re.search(r"http://[\d.]+:\d+", (tmp_path / "serve.log").read_text()), 60)[0]
        (tmp_path / "probe.toml").write_text(
            f"every = '5s'\nsound = 'beeps'\n[[target]]\nname = 'home'\nbase_url = '{address}/v1'\n"
        )
        words = ("probe", "run", "--targets", "probe.toml")
        with started(tmp_path, "first.log", *words) as first:
            eventually(lambda: len(probes()) >= 1, 40)
            first.kill()
        with started(tmp_path, "second.log", *words) as second:
            eventually(lambda: len(probes()) >= 2, 40)
            server.terminate()
            server.wait(40)
            eventually(lambda: not probes()[-1].ok, 40)
            second.send_signal(signal.SIGTERM)
            assert second.wait(20) == 0
    found = probes()
    assert len({probe.due % 5 for probe in found}) == 1, "one grid, over the restart"
    assert all(probe.late_s < 5 for probe in found)
    assert [probe.what for probe in found if not probe.ok][-1] == "no_connection connection_refused"
    assert found[0].ok
    assert (found[0].first_sound_s or 0) > 0
    assert Diary(folder).read(0).damaged == 0
