"""Our formats in a real browser: what it decodes, plays and records itself."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from codec_signals import likeness
from playwright.sync_api import Page, sync_playwright
from scripted_app import MakeServer, ScriptedServer
from spoken_formats import FRAME_S, LATE_S, SweepingSpeaker, kind

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.encode import FORMATS
from vivavoce.testing import ScriptedListener

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)")

ANSWER = "Two and two is four. It has been so for long."
TYPES = {
    "wav": "audio/wav",
    "pcm16": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "opus": "audio/ogg",
    "aac": "audio/aac",
}
FLAGS = [
    "--no-sandbox",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.add_init_script(path=Path(__file__).with_name("format_page.js"))
        yield page
        browser.close()


def _skip_without_aac(page: Page, fmt: str) -> None:
    if fmt == "aac" and not page.evaluate("new Audio().canPlayType('audio/aac')"):
        pytest.skip("this Chromium was built without AAC")


def _ask(page: Page, server: ScriptedServer, function: str, argument: dict[str, Any]) -> dict[str, Any]:
    page.goto(f"{server.url}/health")
    return page.evaluate(f"(argument) => {function}(argument)", argument)


def _spoken(make_server: MakeServer) -> ScriptedServer:
    return make_server(ANSWER, speaker=SweepingSpeaker())


def _pcm16_truth(make_server: MakeServer) -> Audio:
    done = _spoken(make_server).client.chat.completions.create(
        model="viva-voce",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        messages=[{"role": "user", "content": "Two and two?"}],
    )
    return Audio.from_pcm16(base64.b64decode(done.choices[0].message.audio.data), SPEAK_RATE_HZ)


@pytest.mark.proves("audio.format")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("fmt", FORMATS)
def test_a_page_decodes_and_plays_every_format(fmt: str, streamed: bool, page: Page, make_server: MakeServer) -> None:
    _skip_without_aac(page, fmt)
    truth = _pcm16_truth(make_server)
    seen = _ask(page, _spoken(make_server), "heard", {"format": fmt, "type": TYPES[fmt], "stream": streamed})
    heard = Audio(np.frombuffer(base64.b64decode(seen["samples"]), "<f4").astype(np.float32), SPEAK_RATE_HZ)
    late_s, frame_s = LATE_S[kind(fmt, streamed)], FRAME_S[kind(fmt, streamed)]
    assert seen["sampleRate"] == SPEAK_RATE_HZ
    assert -1e-3 <= heard.duration_s - truth.duration_s - late_s <= frame_s + 1e-3
    assert likeness(Audio(heard.samples[round(late_s * SPEAK_RATE_HZ) :], SPEAK_RATE_HZ), truth, slack_s=1e-3) > 0.98
    # Streamed flac states no duration until its end, then one less the last block; a quick page is there already.
    unstated = fmt == "flac" and streamed
    assert unstated or seen["stated"] is not None
    early_s = 0.0961 if unstated else 1e-3
    assert heard.duration_s - early_s <= seen["played"] <= heard.duration_s + 0.0075  # opus: its pre-skip counted in
    if seen["stated"] is not None:
        assert seen["stated"] == pytest.approx(seen["played"], abs=1e-3)


@pytest.mark.parametrize("fmt", ["mp3", "aac"])
def test_a_page_plays_a_stream_while_it_comes(fmt: str, page: Page, make_server: MakeServer) -> None:
    """The formats that Chromium's Media Source Extensions take; a page decodes the others itself."""
    _skip_without_aac(page, fmt)
    truth = _pcm16_truth(make_server)
    seen = _ask(page, _spoken(make_server), "playedWhileItComes", {"format": fmt, "type": TYPES[fmt]})
    late_s, frame_s = LATE_S[kind(fmt, True)], FRAME_S[kind(fmt, True)]
    assert seen["pieces"] > 2
    assert seen["stretches"] == 1
    assert -1e-3 <= seen["duration"] - truth.duration_s - late_s <= frame_s + 1e-3
    assert seen["played"] == pytest.approx(seen["duration"], abs=1e-3)


@pytest.mark.proves("input: webm", "input: data URI")
@pytest.mark.parametrize(
    ("recorded_as", "source"),
    [
        ("audio/webm;codecs=opus", "tone"),
        ("audio/webm;codecs=opus", "microphone"),
        ("audio/mp4;codecs=opus", "tone"),
    ],
)
def test_what_a_page_records_is_heard(recorded_as: str, source: str, page: Page, make_server: MakeServer) -> None:
    """Chromium's own recordings state no duration; they come as `data:` URIs, labelled wav."""
    listener = ScriptedListener()
    server = make_server(ANSWER, listener=listener)
    seen = _ask(page, server, "recordedAndAsked", {"type": recorded_as, "microphone": source == "microphone"})
    assert seen["status"] == 200
    assert seen["uri"].startswith(f"data:{recorded_as};base64,")
    assert seen["parts"] > 5
    (heard,) = listener.heard
    assert heard.duration_s == pytest.approx(seen["seconds"], abs=0.25)
    assert np.abs(heard.samples).max() > 0.05
    if source == "tone":
        middle = heard.slice(0.3, 0.9).samples
        loudest = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax()
        assert loudest * heard.rate_hz / len(middle) == pytest.approx(440, abs=4)
