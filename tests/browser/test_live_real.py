"""The live test over real weights: a spoken question into the microphone, words and sound out of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live_page import CHROMIUM, LivePage, launched, opened, written
from playwright.sync_api import Playwright, expect
from real_servers import RealServer, say, serving

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.decode import decode

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)"),
]

PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def served() -> Iterator[RealServer]:
    """The default profile, with the price of an hour."""
    with serving(VIVA_COST_PER_HOUR="0.10") as server:
        yield server


@contextmanager
def asked(playwright: Playwright, server: RealServer, recording: Audio, folder: Path) -> Iterator[LivePage]:
    """The page once the microphone has played `recording` into it, and the answer has been played out."""
    browser = launched(playwright, written(recording, folder / "microphone.wav"))
    with opened(browser) as live:
        live.open(f"{server.url}/live")
        live.speak(recording.duration_s + 0.7)
        live.played(within_ms=PATIENCE_MS)
        yield live
    browser.close()


def heard(live: LivePage) -> str:
    return live.answers().locator(".heard-words").inner_text().lower()


def test_a_question_of_our_own_voice_is_heard_and_answered(
    playwright: Playwright, served: RealServer, tmp_path: Path
) -> None:
    question = decode(say("What is the capital of France?", tmp_path / "question.wav").read_bytes())
    with asked(playwright, served, question, tmp_path) as live:
        assert "capital of france" in heard(live)
        data = live.data()
        assert int(data["receivedSamples"]) > 0.5 * SPEAK_RATE_HZ
        assert data["playedSamples"] == data["receivedSamples"]
        assert float(data["playedPeak"]) > 0.05
        assert "Paris" in live.answers().locator(".words").inner_text()
        assert live.stages()[:3] == ["upload", "hearing", "thinking"]
        assert any(fact.startswith("sounds ") for fact in live.answers().locator(".facts li").all_inner_texts())
        for figure in (".price", ".cost"):
            expect(live.answers().locator(figure)).to_have_text(re.compile(r"\$0\.0*[1-9]"))
        live.type("And of Italy?")
        live.ask()
        live.played(1, within_ms=PATIENCE_MS)
        assert "Rome" in live.answers().nth(1).locator(".words").inner_text()
        assert live.complaints == []
        print(live.answers().first.inner_text())


@pytest.mark.shared
def test_a_real_recording_is_heard(
    playwright: Playwright, served: RealServer, shared_speech: Path, tmp_path: Path
) -> None:
    rows = map(json.loads, (shared_speech / "manifest.jsonl").read_text().splitlines())
    row = next(row for row in rows if row["id"].startswith("ljspeech_en/") and 3 < row["duration_s"] < 7)
    recording = decode((shared_speech / row["path"]).read_bytes())
    with asked(playwright, served, recording, tmp_path) as live:
        said, found = set(_words(row["text"])), set(_words(heard(live)))
        assert len(said & found) >= 0.8 * len(said), (row["text"], heard(live))
        assert float(live.data()["playedPeak"]) > 0.05


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
