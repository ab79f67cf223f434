"""Recordings of a manifest: asked, kept by relative path and hash, found again by whoever names the manifest."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from scripted_app import MakeServer, wav_bytes
from typer.testing import CliRunner

from vivavoce.cli_exam import exam_app
from vivavoce.errors import InvalidValue, NotFound
from vivavoce.exam.budget import Prices, Purse
from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.endpoint import Endpoint
from vivavoce.exam.recordings import recorded
from vivavoce.exam.runner import Examiner
from vivavoce.exam.runs import read
from vivavoce.exam.sounds import SoundMaker
from vivavoce.exam.tasks import Sources, speaks
from vivavoce.prices.book import load_book
from vivavoce.testing import ScriptedDiarizer, ScriptedListener

TALK = "where is the harbour it is over there past the old mill"
"""Twelve words over 6 s: the first four are A's (2 s), the next four B's, the last four A's."""

RTTM = "".join(
    f"SPEAKER talk 1 {start:.2f} 2.00 <NA> <NA> {name} <NA> <NA>\n"
    for start, name in ((0, "anna"), (2, "ben"), (4, "anna"))
)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "de").mkdir(parents=True)
    rows: list[dict[str, object]] = []
    for number in range(3):
        (folder / "de" / f"{number}.wav").write_bytes(wav_bytes(6.0 + 0.1 * number))
        row = {"id": f"mine/{number}", "path": f"de/{number}.wav", "language": "de", "text": "Guten Tag."}
        rows.append({**row, "emotion": "anger", "duration_s": 6.0 + 0.1 * number, "accent": "Saxon"})
    (folder / "talk.rttm").write_text(RTTM)
    rows[0]["rttm"] = "talk.rttm"
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "\n")
    return path


def test_items_hold_relative_paths_and_hashes(manifest: Path) -> None:
    sources = Sources((), manifest)
    for name, count in (("transcription", 3), ("sentiment", 3), ("speakers", 1)):
        pool = TASKS[name].pool(sources)
        assert len(pool) == count, name
        for item in pool:
            assert item.sound is not None
            assert not Path(item.sound.file).is_absolute()
            assert len(item.sound.sha256) == 64
            assert str(manifest.parent) not in json.dumps(item.to_json())


@pytest.mark.parametrize(
    "line", ["{", '{"id": "a/b", "path": "gone.wav", "language": "de", "text": "x"}', "[1]", '"a"']
)
def test_a_row_that_cannot_be_read_is_told_by_its_line(manifest: Path, line: str) -> None:
    manifest.write_text(manifest.read_text() + line + "\n")
    with pytest.raises(InvalidValue, match=r"manifest.jsonl, line 5"):
        TASKS["transcription"].pool(Sources((), manifest))


def test_no_manifest_has_no_items_and_a_missing_one_is_told(tmp_path: Path) -> None:
    assert recorded(None, lambda folder, row: None) == []
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        recorded(tmp_path / "none.jsonl", lambda folder, row: None)


def test_who_speaks_is_asked_and_judged_by_time(make_server: MakeServer, manifest: Path, tmp_path: Path) -> None:
    server = make_server(listener=ScriptedListener(TALK), diarizer=ScriptedDiarizer("A,B"))
    task = TASKS["speakers"]
    [item] = task.pool(Sources((), manifest))
    endpoint = Endpoint(f"{server.url}/v1", "none", "m")
    sounds = SoundMaker(tmp_path / "cache", recordings=manifest.parent)
    prices = Prices(load_book(), date(2026, 11, 25), "m", "t", free=True)
    made = Examiner(endpoint, endpoint, sounds, prices, Purse(None)).put(task, item, "spoken")
    endpoint.close()
    assert [name for _, _, name in made.turns] == ["A", "B", "A"]
    assert made.values is not None
    assert made.values["spoken_s"] == pytest.approx(6.0)
    assert made.values["error_s"] < 0.3
    assert made.values["counted"] == 1.0


def test_a_run_of_recordings_is_resumed_and_played_by_their_manifest(
    make_server: MakeServer, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def viva(*words: str) -> None:
        done = CliRunner().invoke(exam_app, list(words))
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception

    url = f"{make_server(listener=ScriptedListener('Guten Tag')).url}/v1"
    words = ["run", "transcription", "--base-url", url, "--item-voice", "espeak-ng:none", "-o", "run.jsonl"]
    viva(*words, "--manifest", str(manifest), "--items", "9", "--items", "transcription=2")
    run = tmp_path / "run.jsonl"
    lines = run.read_text().splitlines(keepends=True)
    assert len(read(run).tries) == 2
    assert str(tmp_path) not in run.read_text()
    run.write_text("".join(line for line in lines[:4]))  # the header, two items and the first try
    with pytest.raises(InvalidValue, match=r"1 of the questions left are recordings: say by --manifest"):
        viva("resume", "run.jsonl")
    viva("resume", "run.jsonl", "--manifest", str(manifest))
    record = read(run)
    assert [made.values for made in record.tries] == [{"word_errors": 0.0, "words": 2.0}] * 2
    viva("compare", "run.jsonl", "--html", "silent")
    assert not list((tmp_path / "silent").rglob("*.wav"))
    viva("compare", "run.jsonl", "--html", "played", "--manifest", str(manifest))
    assert len(list((tmp_path / "played").rglob("*.wav"))) == 2


@pytest.mark.parametrize(
    ("voice", "language", "fits"),
    [
        ("espeak-ng:en-gb+f2", "en", True),
        ("espeak-ng:de+m3", "en", False),
        ("speech:alloy", "en", True),
        ("speech:alloy", "es", False),
        ("speech:alloy@es", "es", True),
        ("speech:alloy@es", "en", False),
    ],
)
def test_a_voice_speaks_its_own_language(voice: str, language: str, fits: bool) -> None:
    assert speaks(voice, language) == fits


@pytest.mark.parametrize("told", ["many", "safety=", "=x", "safety=-1"])
def test_an_amount_that_is_none_is_refused(told: str) -> None:
    done = CliRunner().invoke(exam_app, ["run", "--items", told])
    assert done.exit_code == 2
    assert "safety=0" in done.output


def test_an_amount_of_an_exam_that_is_none_is_refused() -> None:
    done = CliRunner().invoke(exam_app, ["run", "--items", "juggling=3"])
    assert isinstance(done.exception, NotFound)
