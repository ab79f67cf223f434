"""The report of an exam in a real browser: questions and answers are played, and nothing else is loaded or run."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from scripted_app import MakeServer
from test_formats_in_chromium import CHROMIUM, FLAGS
from typer.testing import CliRunner

from vivavoce.cli_exam import exam_app

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)")

PLAY = """async (player) => {
    await player.play();
    await new Promise((done, failed) => { player.onended = done; player.onerror = () => failed(player.error); });
    return [player.currentTime, player.duration];
}"""


def test_questions_and_answers_are_played_in_a_report(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script> Two and two is four."
    url = f"{make_server(answer=hostile).url}/v1"
    run, report = tmp_path / "run.jsonl", tmp_path / "report"
    words = ["run", "spoken-reasoning", "speech-out", "--items", "1", "--base-url", url, "--speech-url", url]
    for call in (
        [*words, "--item-voice", "speech:alloy", "-o", str(run)],
        ["compare", str(run), "--html", str(report)],
    ):
        assert CliRunner().invoke(exam_app, call).exit_code == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        loaded: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto((report / "index.html").as_uri())
        for name in ("Spoken reasoning", "Speech out"):
            page.click(f"h2 a:text-is('{name}')")
            page.click("summary")
            players = page.locator("audio").element_handles()
            assert len(players) == 1, f"{name}: a spoken question, or a spoken answer"
            played_s, length_s = players[0].evaluate(PLAY)
            assert played_s == pytest.approx(length_s, abs=0.05)
            assert length_s > 0.3
            page.go_back()
        browser.close()
    assert said == []
    assert all(each.startswith(report.as_uri()) for each in loaded), loaded
