"""`viva prices` as a person meets it, and as a program does."""

from __future__ import annotations

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import test_cli
from vivavoce.cli import main
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import UsageRow
from vivavoce.usage import Usage

SPEED = Path(__file__).parents[1] / "docs" / "speed.json"
DAY = ("--on", "2026-11-25")


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Viva = Callable[..., Done]


@pytest.fixture
def viva(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Viva:
    """The command line in this process, where a program of its own would take a second to start: words -> `Done`."""
    for name in [name for name in os.environ if name.startswith("VIVA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **extra: str) -> Done:
        with monkeypatch.context() as patched:
            for name, value in {"VIVA_DATA_DIR": str(tmp_path), "COLUMNS": "200", **extra}.items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["viva", *words])
            with pytest.raises(SystemExit) as ended:
                main()
        written = capsys.readouterr()
        return Done(ended.value.code if isinstance(ended.value.code, int) else 0, written.out, written.err)

    return run


@pytest.mark.parametrize("words", [("prices",), ("prices", "show"), ("prices", "check")])
def test_every_command_explains_itself(viva: Viva, words: tuple[str, ...]) -> None:
    done = viva(*words, "--help")
    assert done.returncode == 0
    assert "Usage: " in done.stdout
    assert len(done.stdout.splitlines()) > 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("prices", "gpt-17"), "no price for 'gpt-17'"),
        (("prices", "gpt-17", "--costs"), "no price for 'gpt-17'"),
        (("prices", "gpt-17", "--svg", "a.svg"), "no price for 'gpt-17'"),
        (("prices", "--svg", "a.svg"), "A drawing is of one model"),
        (("prices", "--costs", "--history"), "leave out --history"),
        (("prices", "--costs", "--by", "colour"), "colour"),
        (("prices", "--costs", "--speed", "none.json"), "no report of `viva bench speed`"),
        (("prices", "check", "--acknowledged", "none.toml"), "cannot be read"),
    ],
)
def test_wrong_input_is_one_sentence(viva: Viva, words: tuple[str, ...], says: str) -> None:
    done = viva(*words)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_prices_are_shown_with_their_source(viva: Viva) -> None:
    table = viva("prices").stdout
    row = next(line for line in table.splitlines() if "gpt-4o-mini-audio-preview" in line)
    assert row.split() == ["gpt-4o-mini-audio-preview", "0.15", "/", "0.60", "10", "/", "20"]
    hour = next(line for line in table.splitlines() if "gpt-transcribe" in line)
    assert hour.split() == ["gpt-transcribe", "0.27/h", "/", "–"]
    narrow = viva("prices", COLUMNS="80").stdout
    assert "…" not in narrow, "no price is cut off"
    one = viva("prices", "gpt-4o-mini-audio-preview-2024-12-17").stdout
    for part in ("https://developers.openai.com", "seen on 2026-11-25", "$20 per million tokens, from 2024-12-17"):
        assert part in one
    then = viva("prices", "gpt-4o-audio-preview", "--on", "2025-01-01", "--json").stdout
    assert {row["usd_per_million"] for row in json.loads(then)} == {"2.50", "10", "100", "200"}
    both = viva("prices", "gpt-4o-audio-preview", "--history").stdout
    for part in ("$200 per million", "$80 per million"):
        assert part in both


def test_a_history_is_drawn_into_a_file(tmp_path: Path, viva: Viva) -> None:
    done = viva("prices", "gpt-4o-audio-preview", "--history", "--svg", "drawn.svg", *DAY)
    assert done.returncode == 0, done.stderr
    svg = ET.parse(tmp_path / "drawn.svg").getroot()
    assert svg.attrib["aria-label"] == "Price history of gpt-4o-audio-preview"
    gone = viva("prices", "gpt-4o-audio-preview", "--svg", "none/drawn.svg")
    assert gone.returncode == 1
    assert "cannot be written" in gone.stderr


def lines_of(stdout: str) -> list[str]:
    """The first word or two of each line of the table."""
    return [line.split("  ")[0].strip() for line in stdout.splitlines()]


def test_costs_are_shown_against_ones_own_machine(viva: Viva) -> None:
    words = ("prices", "--costs", "--speed", str(SPEED), *DAY)
    shown = viva(*words, VIVA_COST_PER_HOUR="0.12").stdout
    own = next(line for line in shown.splitlines() if line.strip().startswith("this machine "))
    assert len([cell for cell in own.split() if cell.startswith("$")]) == 3
    assert lines_of(shown)[1] == "this machine", "the cheapest first"
    mini = next(line for line in shown.splitlines() if "gpt-4o-mini-audio-preview " in line)
    assert mini.split()[-3:] == ["$0.0100", "$0.360", "$0.0572"]
    heard = next(line for line in shown.splitlines() if "whisper-1 " in line)
    assert heard.split()[-3:] == ["–", "$0.360", "–"]
    assert "idle time is nobody's" in shown
    dear = viva(*words, VIVA_COST_PER_HOUR="1000").stdout
    order = lines_of(dear)
    assert order.index("gpt-audio") < order.index("this machine") < order.index("whisper-1")
    plain = viva(*words).stdout
    assert "VIVA_COST_PER_HOUR says what that costs" in plain
    told = json.loads(viva(*words, "--json", "--by", "hour", VIVA_COST_PER_HOUR="0.12").stdout)
    assert told["models"][0]["usd"]["hour"] == "0.03456"
    assert told["models"][0]["usd"]["conversation"] is None
    assert told["own"]["usd"]["hour"] is not None
    assert [scenario["key"] for scenario in told["scenarios"]] == ["conversation", "hour", "call"]


def test_a_machine_that_was_not_measured_is_unknown(viva: Viva) -> None:
    shown = viva("prices", "gpt-audio", "--costs", *DAY, VIVA_COST_PER_HOUR="0.12").stdout
    own = next(line for line in shown.splitlines() if line.strip().startswith("this machine "))
    assert own.split()[2:] == ["–", "–", "–"]
    assert "The ledger needs 20 turns" in shown
    assert "gpt-audio-mini" not in shown


def test_the_ledger_tells_the_pace_of_this_machine(tmp_path: Path, viva: Viva) -> None:
    ledger = Ledger(tmp_path)
    at = int(datetime.now(UTC).timestamp())
    kept = {"key_id": None, "route": "/v1/chat/completions", "model": "m", "code": None, "usage": Usage()}
    rows = [
        UsageRow(f"r{i}", at, status=200, total_ms=1, heard_ms=1000 * (2 + i % 7), spoken_ms=1000 * (1 + i % 5),
                 machine_ms=500 + 100 * (2 + i % 7) + 250 * (1 + i % 5), **kept)
        for i in range(40)
    ]  # fmt: skip
    rows += [
        UsageRow("failed", at, status=500, total_ms=1, heard_ms=9000, machine_ms=90_000, **kept),
        UsageRow("text", at, status=200, total_ms=1, machine_ms=90_000, **kept),
    ]
    ledger.usage.add(rows)
    ledger.close()
    told = json.loads(viva("prices", "--costs", "--json", VIVA_COST_PER_HOUR="0.36").stdout)
    assert told["own"]["turns"] == 40
    # 2 x 0.5 + 30 x 0.1 + 17.5 x 0.25 s, at a hundredth of a cent a second
    assert Decimal(told["own"]["usd"]["conversation"]) == Decimal("0.0008375")


def test_the_check_prints_what_differs_and_exits_by_it(tmp_path: Path, viva: Viva) -> None:
    done = viva("prices", "check", "--out", "report.json", *DAY)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("gpt-4o-mini-audio-preview, audio in: acknowledged", "ours:   $10 per million", "theirs: $0.15"):
        assert part in done.stdout
    assert "it has none for audio" in done.stdout
    assert "not seen for over 90 days" in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["unacknowledged"] == 0
    assert report["differences"]
    assert all(each["acknowledged"] for each in report["differences"])
    (tmp_path / "none.toml").write_text("")
    words = ("prices", "check", "--acknowledged", "none.toml", "--age", "5000", "--out", "all.json", *DAY)
    flagged = viva(*words)
    assert flagged.returncode == 1
    assert "DIFFERS" in flagged.stdout
    assert "not seen for over" not in flagged.stdout
    every = json.loads((tmp_path / "all.json").read_text())
    assert every["unacknowledged"] == len(every["differences"]) == len(report["differences"])


def test_ones_own_prices_are_checked_too(tmp_path: Path, viva: Viva) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "openai.yaml").write_text(
        "- {model: gpt-audio, unit: input_audio_tokens, usd_per_million: 33, valid_from: 2026-11-25, "
        "seen_on: 2026-11-25, source: 'https://a.example/'}\n"
    )
    done = viva("prices", "check", *DAY, VIVA_PRICES_DIR=str(tmp_path / "mine"))
    assert done.returncode == 1
    assert "gpt-audio, audio in: DIFFERS" in done.stdout
    assert "https://a.example/, 2026-11-25" in done.stdout


def test_without_the_package_the_check_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "genai_prices.py").write_text("raise ImportError('not here')\n")
    done = test_cli.viva(
        "prices", "check", folder=tmp_path, PYTHONPATH=f"{tmp_path}:{':'.join(p for p in sys.path if p)}"
    )
    assert done.returncode == 1
    assert "pip install -U 'vivavoce[prices]'" in done.stderr
    assert "Traceback" not in done.stderr
