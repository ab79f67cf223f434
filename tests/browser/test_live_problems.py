"""What goes wrong in the live test, and what the page says: no microphone, no key, no room, no sense, nobody there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from live_page import CHROMIUM, MakePage, launched, opened, written
from playwright.sync_api import Playwright, Route, expect
from scripted_app import MakeServer

from vivavoce.audio import Audio
from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedListener, ScriptedThinker
from vivavoce.web.pages import make_site
from vivavoce.web.sources import Sources

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)")

HOSTILE = '<script>document.title="owned"</script><img src=x onerror="document.title=1">'


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--use-fake-device-for-media-stream", "--deny-permission-prompts"], "The microphone is not allowed here"),
        ([], "No microphone was found"),
    ],
    ids=["refused", "absent"],
)
def test_without_a_microphone_the_page_says_what_to_do(
    playwright: Playwright, make_server: MakeServer, flags: list[str], says: str
) -> None:
    browser = launched(playwright, microphone=False, flags=flags)
    url = make_server(site=make_site(Sources())).url
    with opened(browser) as live:
        live.open(f"{url}/live")
        live.page.get_by_role("button", name="Speak").click()
        alert = live.page.get_by_role("alert").first
        expect(alert).to_contain_text(says)
        expect(alert).to_contain_text("choose a file or one of the questions")
        live.page.get_by_role("button", name="Three seconds of silence").click()
        live.ask()
        assert int(live.played()["playedSamples"]) > 0
    browser.close()


def test_a_page_from_elsewhere_by_http_says_why_it_has_no_microphone_and_works_all_the_same(
    playwright: Playwright, make_server: MakeServer
) -> None:
    """Neither microphone, nor audio worklet, nor clipboard: sound is scheduled piece by piece."""
    browser = launched(playwright, flags=["--host-resolver-rules=MAP viva.test 127.0.0.1"])
    url = make_server(site=make_site(Sources())).url
    with opened(browser) as live:
        live.open(f"{url.replace('127.0.0.1', 'viva.test')}/live")
        expect(live.page.get_by_role("button", name="Speak")).to_be_disabled()
        expect(live.page.locator("#question-problem")).to_contain_text("http://localhost or by https")
        live.type("What is the capital of France?")
        live.ask()
        played = live.played()
        assert played["playedSamples"] == played["receivedSamples"]
        assert float(played["playedPeak"]) == pytest.approx(0.2, abs=0.01)
        live.answers().get_by_role("button", name="Copy as curl").click()
        expect(live.page.get_by_label("The curl command")).to_have_value(re.compile("What is the capital of France"))
    browser.close()


def test_a_muted_microphone_is_noticed_before_it_asks(
    playwright: Playwright, make_server: MakeServer, tmp_path: Path
) -> None:
    browser = launched(playwright, written(Audio(np.zeros(48_000, np.float32), 48_000), tmp_path / "muted.wav"))
    url = make_server(site=make_site(Sources())).url
    with opened(browser) as live:
        live.open(f"{url}/live")
        live.speak(1.0)
        expect(live.page.locator("#question-problem")).to_contain_text("silence only")
        expect(live.answers()).to_have_count(0)
        live.ask()
        expect(live.answers()).to_have_count(1)
    browser.close()


def test_a_missing_key_is_asked_for_and_then_used(make_page: MakePage) -> None:
    live, locked = make_page()
    _, token = locked.service.ledger.keys.create("laptop")
    live.page.wait_for_timeout(1200)  # keys are noticed within a second
    live.type("Hello?")
    live.ask()
    problem = live.answers().get_by_role("alert")
    expect(problem).to_contain_text("This endpoint asks for a key")
    key = live.page.get_by_label("Key", exact=True)
    expect(key).to_be_visible()
    key.fill(token)
    key.press("Tab")
    expect(live.page.locator("#endpoint-state")).to_have_text(re.compile(r"\d+ models"))
    problem.get_by_role("button", name="Try again").click()
    live.played()
    assert token not in live.page.content()
    assert live.page.evaluate("localStorage.length") == 0
    live.page.reload()
    expect(live.page.get_by_label("Key", exact=True)).to_have_value(token)


def test_a_full_server_is_waited_for(make_page: MakePage) -> None:
    live, _ = make_page()
    refusals = iter([True, False])

    def refuse(route: Route) -> None:
        if not next(refusals):
            route.continue_()
            return
        error = {"error": {"message": "Too many.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
        route.fulfill(status=429, headers={"retry-after": "2"}, json=error)

    live.page.route("**/chat/completions", refuse)
    live.type("Hello?")
    live.ask()
    problem = live.answers().get_by_role("alert")
    expect(problem).to_contain_text("The server has its hands full")
    expect(problem).to_contain_text("Try again in 2 s.")
    again = problem.get_by_role("button", name="Try again")
    expect(again).to_be_disabled()
    again.click()  # waits until it may
    live.played()


LONG = Limits(audio_s=0.5)
PROBLEMS = [
    ("an unknown model", {}, "model", "gpt-9", "This model is not served here"),
    ("an unknown voice", {}, "voice", "nobody", "This voice is not offered here"),
    ("a voice with markup", {}, "voice", HOSTILE, "This voice is not offered here"),
    ("a model with markup", {}, "model", HOSTILE, "This model is not served here"),
    ("a model of 200 letters", {}, "model", "m" * 200, "This model is not served here"),
    ("a long recording", {"limits": LONG}, None, "", "The recording is too long"),
    ("a large body", {"limits": Limits(body_bytes=2000)}, None, "", "The recording is too large"),
    (
        "a long conversation",
        {"thinker": ScriptedThinker(context_tokens=1)},
        None,
        "",
        "The conversation has become too long",
    ),
]


@pytest.mark.parametrize(
    ("parts", "field", "value", "says"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS]
)
def test_errors_are_told_in_plain_words(
    make_page: MakePage, parts: dict[str, object], field: str | None, value: str, says: str
) -> None:
    live, _ = make_page(**parts)
    if field:
        live.choose(field, value)
    live.page.get_by_role("button", name="Three seconds of silence").click()
    live.ask()
    alert = live.answers().get_by_role("alert")
    expect(alert).to_contain_text(says)
    assert len(alert.locator(".problem-detail").inner_text()) > 10
    assert live.page.title() == "Live test · Viva Voce"
    assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_heard_and_answered_never_becomes_markup(make_page: MakePage) -> None:
    live, _ = make_page(listener=ScriptedListener(HOSTILE), thinker=ScriptedThinker(HOSTILE))
    live.speak(1.0)
    live.played()
    assert HOSTILE in live.answers().locator(".words").inner_text()
    assert live.page.locator("#conversation script, #conversation img").count() == 0
    assert live.page.title() == "Live test · Viva Voce"


def test_nobody_there_is_said(make_page: MakePage) -> None:
    live, _ = make_page("?endpoint=http://127.0.0.1:9/v1")
    expect(live.page.locator("#endpoint-state")).to_have_text("The endpoint cannot be reached")
    expect(live.page.get_by_text("Questions, and the key, go to http://127.0.0.1:9")).to_be_visible()
    expect(live.page.get_by_label("Base URL")).to_be_visible()


def test_a_model_without_a_name_is_not_asked(make_page: MakePage) -> None:
    live, _ = make_page()
    live.choose("model", " ")
    live.type("Hello?")
    live.ask()
    expect(live.page.locator("#question-problem")).to_contain_text("Which model is to be asked?")
    expect(live.page.get_by_label("Name of the model")).to_be_focused()
    expect(live.answers()).to_have_count(0)


def test_a_file_that_no_request_holds_is_not_sent(make_page: MakePage, tmp_path: Path) -> None:
    live, _ = make_page()
    large = tmp_path / "large.wav"
    with large.open("wb") as file:
        file.truncate(30_000_000)
    live.page.get_by_label("A file …").set_input_files(large)
    expect(live.page.get_by_role("alert").first).to_contain_text("large.wav has 30 MB")
    expect(live.page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()


def test_an_answer_that_breaks_off_says_so_and_keeps_what_came(make_page: MakePage) -> None:
    class Breaking(ScriptedThinker):
        async def think(self, conversation, sampling=None):  # type: ignore[no-untyped-def, override]
            async for thought in super().think(conversation, sampling):
                yield thought
                if self.samplings and len(self.answer) > 5:
                    raise RuntimeError("broken")

    live, _ = make_page(thinker=Breaking("Paris is the capital."))
    live.type("Hello?")
    live.ask()
    expect(live.answers()).to_have_attribute("data-state", "failed")
    expect(live.answers().get_by_role("alert")).to_be_visible()
