"""The live test as somebody uses it: a browser with a microphone that plays a file, and the page over a server."""

from __future__ import annotations

import re
import shutil
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from node_clients import PAGES, fetched
from playwright.sync_api import Browser, Locator, Page, Playwright, expect
from scripted_app import ScriptedServer

from vivavoce.audio import Audio

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

WIDTHS = (390, 1440)
SCHEMES = ("light", "dark")
FIRST_ANSWER_MS = 15_000

QUESTION_HZ, QUESTION_S = 440.0, 2.0
"""The tone that the microphone plays."""

HEARD = "what is the capitol of France"
ANSWER = "Paris is the capital of France."


def launched(
    playwright: Playwright, recording: Path | None = None, *, microphone: bool = True, flags: Sequence[str] = ()
) -> Browser:
    """Chromium whose microphone plays `recording` (a wav) once; without one, it beeps."""
    flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", *flags]
    if microphone:
        flags += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if recording is not None:
        flags.append(f"--use-file-for-fake-audio-capture={recording}%noloop")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@dataclass(slots=True)
class LivePage:
    """A page that keeps what its console says."""

    page: Page
    complaints: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def open(self, url: str) -> None:
        self.page.goto(url)
        expect(self.page.locator("#live[data-ready]")).to_be_visible()
        expect(self.page.locator("#endpoint-state")).not_to_have_text("…")

    def type(self, text: str) -> None:
        self.page.get_by_label("Typed, alone or with a recording").fill(text)

    def ask(self) -> None:
        self.page.get_by_role("button", name="Ask", exact=True).click()

    def choose(self, field: str, value: str) -> None:
        """A model or voice that may not be on the list."""
        self.page.locator(f"#{field}").select_option("")
        self.page.locator(f"#{field}-other").fill(value)

    def speak(self, seconds: float) -> None:
        """Press, wait while the microphone plays, press again: it is asked."""
        button = self.page.locator("#record")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        self.page.wait_for_timeout(round(seconds * 1000))
        button.click()

    def answers(self) -> Locator:
        return self.page.locator(".answer")

    def played(self, number: int = 0, within_ms: float = FIRST_ANSWER_MS) -> dict[str, str]:
        """What the loudspeaker's side tells of an answer once it has played it to its end."""
        answer = self.answers().nth(number)
        expect(answer).to_have_attribute("data-played-samples", re.compile(r"\d"), timeout=within_ms)
        return self.data(number)

    def data(self, number: int = 0) -> dict[str, str]:
        return self.answers().nth(number).evaluate("card => ({...card.dataset})")

    def stages(self, number: int = 0) -> list[str]:
        return self.answers().nth(number).locator(".waterfall tbody th").all_inner_texts()

    def serious(self) -> list[str]:
        """What axe finds that keeps people out, as `rule: element`."""
        self.page.evaluate((fetched(PAGES) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate("axe.run().then(({violations}) => violations)")
        return [
            f"{each['id']}: {node['html']} ({node['failureSummary']})"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]


MakePage = Callable[..., tuple[LivePage, ScriptedServer]]


@contextmanager
def opened(browser: Browser, width: int = 1440, scheme: str = "light", **options: Any) -> Iterator[LivePage]:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
        accept_downloads=True,
        **options,
    )
    yield LivePage(context.new_page())
    context.close()


def written(audio: Audio, file: Path, *, silence_after_s: float = 2.0) -> Path:
    """A wav as Chromium's fake microphone reads it, with quiet at its end."""
    quiet = np.zeros(round(silence_after_s * audio.rate_hz), np.float32)
    samples = np.concatenate([audio.samples, quiet])
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, audio.rate_hz, 0, "NONE", ""))
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file
