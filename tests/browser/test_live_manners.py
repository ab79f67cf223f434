"""The live test's manners: whom it speaks to, what it weighs, how soon it is there, who can use it."""

from __future__ import annotations

import httpx
import pytest
from live_page import ANSWER, CHROMIUM, SCHEMES, WIDTHS, LivePage, MakePage, opened
from playwright.sync_api import Browser, Request, expect
from scripted_app import MakeServer, ScriptedServer

from vivavoce.testing import ScriptedTone
from vivavoce.web.pages import make_site
from vivavoce.web.sources import Sources

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)")

MOST_BYTES = 100_000
SOON_MS = 1000


def answered(live: LivePage) -> None:
    live.page.get_by_label("Ask a second model the same").check()
    live.speak(1.0)
    live.played(0)
    live.played(1)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nobody_is_kept_out(make_page: MakePage, width: int, scheme: str) -> None:
    """As it is opened, with all that folds open, with answers, and with an error."""
    live, _ = make_page(looks=(width, scheme), tone=ScriptedTone("fear", 0.9))
    assert live.serious() == []
    live.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    answered(live)
    live.page.get_by_role("button", name="Three seconds of silence").click()
    assert live.serious() == []
    assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    live.choose("model", "gpt-9")
    live.ask()
    expect(live.answers().nth(2).get_by_role("alert")).to_be_visible()
    assert live.serious() == []


def test_the_switch_turns_the_colours_and_stays(make_page: MakePage) -> None:
    live, _ = make_page()
    paper = "getComputedStyle(document.body).backgroundColor"
    light = live.page.evaluate(paper)
    switch = live.page.get_by_role("button", name="Dark colours")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    dark = live.page.evaluate(paper)
    assert dark != light
    live.page.reload()
    assert live.page.evaluate(paper) == dark


def test_it_is_used_by_keyboard_alone(make_page: MakePage) -> None:
    live, _ = make_page()
    keys = live.page.keyboard
    keys.press("Tab")
    expect(live.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(live.page.get_by_role("button", name="Speak")).to_be_focused()
    keys.press("Enter")
    expect(live.page.locator("#status")).to_have_text("Recording. Press again to stop and ask.")
    live.page.wait_for_timeout(800)
    keys.press("Enter")
    live.played()
    expect(live.page.locator("#status")).to_have_text("viva-voce has answered.")
    live.page.locator("#typed").focus()
    keys.type("And by typing?")
    keys.press("Enter")
    live.played(1)
    expect(live.answers().nth(1).locator(".words")).to_have_text(ANSWER)


def test_it_is_light_and_soon_there(make_page: MakePage) -> None:
    """Bytes as they are sent, of the page and all that it needs; milliseconds until it can be used."""
    live, _ = make_page()
    entries = live.page.evaluate(
        """performance.getEntries().filter(({entryType}) => ["navigation", "resource"].includes(entryType))
           .map(({name, encodedBodySize, decodedBodySize}) => [name, encodedBodySize, decodedBodySize])"""
    )
    own = [entry for entry in entries if "/v1/" not in entry[0]]
    assert len(own) > 10
    assert sum(sent for _, sent, _ in own) < MOST_BYTES
    html = next(entry for entry in own if entry[0].endswith("/live"))
    assert 1000 < html[2] < MOST_BYTES
    ready_ms: list[float] = []
    for _ in range(3):  # others use this machine too
        live.page.reload()
        expect(live.page.locator("#live[data-ready]")).to_be_visible()
        ready_ms.append(live.page.evaluate("performance.getEntriesByName('ready')[0].startTime"))
    assert min(ready_ms) < SOON_MS
    print(f"{sum(sent for _, sent, _ in own)} bytes sent, ready after {min(ready_ms):.0f} to {max(ready_ms):.0f} ms")


def test_without_scripts_it_says_so(browser: Browser, make_server: MakeServer) -> None:
    url = make_server(site=make_site(Sources())).url
    with opened(browser, java_script_enabled=False) as live:
        live.page.goto(f"{url}/live")
        expect(live.page.get_by_text("This page takes JavaScript")).to_be_visible()


@pytest.fixture
def elsewhere(make_server: MakeServer) -> str:
    """Another server, as the page's own server sees it."""
    return make_server(answer="From elsewhere.").url


def test_another_endpoint_is_asked_and_nobody_else(make_page: MakePage, elsewhere: str) -> None:
    live, here = make_page(f"?endpoint={elsewhere}/v1")
    requests: list[Request] = []

    def keep(request: Request) -> None:  # Playwright takes no built-in function
        requests.append(request)

    live.page.on("request", keep)
    live.page.locator("summary", has_text="Endpoint and key").click()
    live.page.get_by_label("Key", exact=True).fill("sk-secret")
    live.type("Hello?")
    live.ask()
    live.played()
    expect(live.answers().locator(".words")).to_have_text("From elsewhere.")
    assert here.engines.thinker.asked == []  # type: ignore[attr-defined]
    with_key = {request.url.split("/v1")[0] for request in requests if "sk-secret" in str(request.all_headers())}
    assert with_key == {elsewhere}
    # A link to yet another endpoint gets neither the key nor a word.
    origin = live.page.evaluate("location.origin")
    live.open(f"{origin}/live")
    assert live.page.get_by_label("Key", exact=True).input_value() == ""


def test_the_browser_lets_the_page_speak_to_nobody_else(make_page: MakePage, make_server: MakeServer) -> None:
    third: ScriptedServer = make_server()
    live, _ = make_page()
    assert httpx.get(f"{third.url}/health").status_code == 200
    seen = live.page.evaluate(
        """async (url) => {
          const refused = [];
          document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
          const outcome = await fetch(url).then(() => "reached", () => "refused");
          const image = new Image();
          image.src = url;
          await new Promise((done) => { image.onerror = done; });
          document.body.setAttribute("style", "color: red");
          let markup = "set";
          try { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); } catch { markup = "refused"; }
          await new Promise((done) => setTimeout(done, 100));
          return {outcome, markup, refused};
        }""",
        f"{third.url}/health",
    )
    assert seen["outcome"] == "refused"
    assert seen["markup"] == "refused"
    assert {"connect-src", "img-src", "style-src-attr"} <= set(seen["refused"])
