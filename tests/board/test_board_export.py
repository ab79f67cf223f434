"""The pages as files: relative links that lead somewhere, sounds beside them, nothing of this machine."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from invented_runs import NOW, write_diary, write_run
from markupsafe import Markup
from typer.testing import CliRunner

from vivavoce.cli import app
from vivavoce.errors import StorageFailed
from vivavoce.exam.console import runs_folder
from vivavoce.exam.runs import read
from vivavoce.exam.sounds import SoundMaker
from vivavoce.settings import load_settings
from vivavoce.web.export import export
from vivavoce.web.pages import make_site
from vivavoce.web.sources import Sources


@pytest.fixture(autouse=True)
def quick_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.web.chart._drawn", lambda drawing: Markup("<svg></svg>"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with two runs and probes, one sound of a question and one of an answer."""
    write_run(tmp_path / "exam-runs" / "one.jsonl", "viva-default", items=24)
    write_run(tmp_path / "exam-runs" / "two.jsonl", "<script>", model="<script>", exams=("safety",), items=4)
    write_diary(tmp_path / "probe", days=2)
    path = tmp_path / "exam-runs" / "two.jsonl"
    item = next(item for item in read(path).items.values() if item.sound is not None and item.sound.made)
    heard = hashlib.sha256(SoundMaker(tmp_path / "cache").wav(item.sound)).hexdigest()
    made_up = hashlib.sha256(item.id.encode()).hexdigest()
    path.write_text(path.read_text(encoding="utf-8").replace(made_up, heard), encoding="utf-8")
    return tmp_path


def test_every_link_of_every_file_leads_to_a_file(folder: Path) -> None:
    sources = Sources(runs=folder / "exam-runs", probes=folder / "probe", sounds=folder / "cache", now=lambda: NOW)
    out = folder / "out"
    written = export(make_site(sources), out)
    assert (out / "index.html").is_file()
    pages = [file for file in written if file.suffix == ".html"]
    assert len(pages) > 60
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert len(html.encode()) < 100_000, page
        assert str(folder) not in html
        assert "/live" not in html
        for link in re.findall(r'(?:href|src)="([^"]+)"', html):
            target = urlsplit(unescape(link))
            if target.scheme:
                assert target.scheme == "https"
                assert not link.startswith("https://api.invented.example")
                continue
            assert not link.startswith("/"), link
            if target.path:
                assert (page.parent / unquote(target.path)).is_file(), f"{page.name}: {link}"
            elif target.fragment:
                assert f'id="{target.fragment}"' in html
    assert [file for file in written if file.suffix == ".wav"]


def test_the_command_writes_them(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVA_DATA_DIR", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "nowhere"))
    out = tmp_path / "site"
    done = CliRunner().invoke(app, ["board", "export", str(out)])
    assert done.exit_code == 0, done.output
    assert str(out / "index.html") in done.output.replace("\n", "")
    assert (out / "leaderboard.html").is_file()
    assert (out / "leaderboard--exam-safety.html").is_file()
    assert (out / "models" / "viva-default.html").is_file()
    assert "Live traffic" not in (out / "status.html").read_text(encoding="utf-8")
    assert not list(folder.glob("ledger*")), "nothing was asked of a ledger, so none was made"


def test_only_the_runs_that_are_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVA_DATA_DIR", str(folder))
    out = tmp_path / "site"
    only = folder / "exam-runs" / "one.jsonl"
    assert CliRunner().invoke(app, ["board", "export", str(out), "--run", str(only)]).exit_code == 0
    assert len(list((out / "runs").glob("*.html"))) == 1


def test_runs_lie_where_they_are_said_to(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that asks and the one that shows agree on the folder, with and without VIVA_RUNS_DIR."""
    monkeypatch.setenv("VIVA_DATA_DIR", str(folder))
    assert load_settings().runs_folder == runs_folder(folder) == folder / "exam-runs"
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("VIVA_RUNS_DIR", str(elsewhere))
    write_run(elsewhere / "run.jsonl", "from elsewhere", exams=("safety",), items=4)
    assert CliRunner().invoke(app, ["board", "export", str(tmp_path / "site")]).exit_code == 0
    html = (tmp_path / "site" / "runs.html").read_text(encoding="utf-8")
    assert "from elsewhere" in html
    assert "viva-default" not in html


def test_a_folder_that_cannot_be_written_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVA_DATA_DIR", str(folder))
    (tmp_path / "file").write_text("in the way")
    done = CliRunner().invoke(app, ["board", "export", str(tmp_path / "file" / "site")])
    assert isinstance(done.exception, StorageFailed)
    assert "cannot be written" in done.exception.message


def test_no_runs_are_pages_too(tmp_path: Path) -> None:
    written = export(make_site(Sources()), tmp_path)
    assert (tmp_path / "index.html").is_file()
    assert "viva exam run" in (tmp_path / "leaderboard.html").read_text(encoding="utf-8")
    assert written
