"""Makes the scripted server a fixture of this package, and the live test over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from live_page import ANSWER, HEARD, QUESTION_HZ, QUESTION_S, LivePage, MakePage, launched, opened, written
from playwright.sync_api import Browser, Playwright, sync_playwright
from scripted_app import MakeServer, ScriptedServer, make_server, server  # noqa: F401

from vivavoce.audio import Audio
from vivavoce.testing import ScriptedListener
from vivavoce.web.pages import make_site
from vivavoce.web.sources import Sources


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone plays: a tone."""
    times = np.arange(round(QUESTION_S * 48_000)) / 48_000
    tone = (0.4 * np.sin(2 * np.pi * QUESTION_HZ * times)).astype(np.float32)
    return written(Audio(tone, 48_000), tmp_path_factory.mktemp("microphone") / "tone.wav")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright, recording: Path) -> Iterator[Browser]:
    browser = launched(playwright, recording)
    yield browser
    browser.close()


@pytest.fixture
def make_page(browser: Browser, make_server: MakeServer) -> Iterator[MakePage]:  # noqa: F811
    """The page over a server whose engines, or limits, a test chooses. looks: width and colours of the window."""
    with ExitStack() as stack:

        def made(
            query: str = "", looks: tuple[int, str] = (1440, "light"), **parts: object
        ) -> tuple[LivePage, ScriptedServer]:
            listener = ScriptedListener(HEARD, unclear=("capitol",))
            own = {"answer": ANSWER, "listener": listener, "site": make_site(Sources())}
            scripted = make_server(**own | parts)
            scripted.service.engine_names = {stage: f"scripted:{stage}" for stage in ("listen", "think", "speak")}
            live = stack.enter_context(
                opened(browser, *looks, permissions=["microphone", "clipboard-read", "clipboard-write"])
            )
            live.open(f"{scripted.url}/live{query}")
            return live, scripted

        yield made
