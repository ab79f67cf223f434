"""The pages about models and runs in a real browser: for everybody, on every width, in both colours, with and without
scripts, from a server and from a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from invented_runs import NOW, realistic, write_diary, write_run
from live_page import CHROMIUM, LivePage, opened
from markupsafe import Markup
from playwright.sync_api import Browser, Request, expect
from scripted_app import MakeServer, scripted_server
from typer.testing import CliRunner

from vivavoce.cli_exam import exam_app
from vivavoce.ledger.usage import OutcomeCount
from vivavoce.prices.book import load_book
from vivavoce.usage import Usage
from vivavoce.web.export import export
from vivavoce.web.pages import make_site
from vivavoce.web.site import Site
from vivavoce.web.sources import Sources

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)")

SOON_MS = 1000
MOST_BYTES = 100_000
HOSTILE = '<script>alert("1")</script>'
RIGHT_TO_LEFT = "نموذج تجريبي"

SLOW_LOOKS = [
    pytest.param(390, "light", marks=pytest.mark.slow),
    pytest.param(1440, "dark", marks=pytest.mark.slow),
]
LOOKS = [(1440, "light"), (390, "dark"), *SLOW_LOOKS]

PLAY = """async (player) => {
    await player.play();
    await new Promise((done, failed) => { player.onended = done; player.onerror = () => failed(player.error); });
    return [player.currentTime, player.duration];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Invented runs, with names that would do harm, probes and traffic."""
    folder = tmp_path_factory.mktemp("board")
    realistic(folder / "runs")
    elsewhere = {"base_url": "https://api.invented.example/v1", "usd": "0.0004", "exams": ("tools", "speed")}
    write_run(folder / "runs" / "bad.jsonl", HOSTILE, model=HOSTILE, items=6, answer=HOSTILE, **elsewhere)
    write_run(folder / "runs" / "long.jsonl", "x" * 200, items=6, answer=RIGHT_TO_LEFT, exams=("tools",))
    write_run(folder / "runs" / "priced.jsonl", "gpt-audio-mini", model="gpt-audio-mini", items=6, **elsewhere)
    (folder / "runs" / "torn.jsonl").write_text('{"kind": "run", "version": 99}\n')
    write_diary(folder / "probe", days=9)
    counts = [OutcomeCount("gpt-audio", 200, None, 900 + n, 3) for n in range(30)]
    return make_site(
        Sources(
            runs=folder / "runs",
            probes=folder / "probe",
            sounds=folder / "cache",
            outcomes=lambda since, until: counts,
            now=lambda: NOW,
        )
    )


@pytest.fixture(scope="module")
def url(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ExitStack() as stack:
        yield scripted_server(stack, tmp_path_factory.mktemp("ledger"), site=site).url


@pytest.fixture(scope="module")
def kinds(site: Site) -> dict[str, str]:
    """One address of each kind of page, and a few that are special."""
    runs = [asked.parts["run"] for asked in site.pages["run"].each()]
    models = [asked.parts["model"] for asked in site.pages["model"].each()]
    return {
        "models": "/models",
        "model": "/models/viva-default",
        "model-elsewhere": "/models/gpt-4o-mini-audio-preview",
        "model-hostile": "/models/" + next(name for name in models if name.startswith("script")),
        "leaderboard": "/leaderboard",
        "board": "/leaderboard?exam=spoken-reasoning",
        "runs": "/runs",
        "run": f"/runs/{runs[-1]}",
        "answers": f"/runs/{runs[-1]}/tools",
        "prices": "/prices",
        "price-sources": "/prices/sources",
        "status": "/status",
        "methodology": "/methodology",
    }


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_nobody_is_kept_out(browser: Browser, url: str, kinds: dict[str, str], width: int, scheme: str) -> None:
    with opened(browser, width, scheme) as live:
        for kind, address in kinds.items():
            live.page.goto(url + address)
            live.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            assert live.serious() == [], kind
            assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), kind
        assert live.complaints == []


def test_empty_pages_are_for_everybody_too(browser: Browser, make_server: MakeServer) -> None:
    url = make_server(site=make_site(Sources())).url
    with opened(browser, 390) as live:
        for address in ("/models", "/leaderboard", "/runs", "/status", "/models/viva-gpu"):
            live.page.goto(url + address)
            assert live.serious() == [], address
            assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert live.complaints == []


def test_pages_are_light_and_soon_there_and_ask_nobody_else(browser: Browser, url: str, kinds: dict[str, str]) -> None:
    with opened(browser) as live:
        elsewhere: list[str] = []

        def look(request: Request) -> None:
            if not request.url.startswith(url):
                elsewhere.append(request.url)

        live.page.on("request", look)
        for kind, address in kinds.items():
            live.page.goto(url + address)  # the first time drawings are made
            live.page.reload()
            timing = live.page.evaluate(
                "(({domContentLoadedEventEnd, decodedBodySize}) => [domContentLoadedEventEnd, decodedBodySize])"
                "(performance.getEntriesByType('navigation')[0])"
            )
            assert timing[0] < SOON_MS, kind
            assert timing[1] < MOST_BYTES, kind
        assert elsewhere == []
        assert live.complaints == []


def test_hostile_names_do_nothing(browser: Browser, url: str, kinds: dict[str, str]) -> None:
    with opened(browser) as live:
        asked: list[str] = []
        live.page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        for address in kinds.values():
            live.page.goto(url + address)
        live.page.goto(url + kinds["model-hostile"])
        expect(live.page.locator("h1")).to_have_text(HOSTILE)
        assert asked == []


def shown(live: LivePage) -> list[str]:
    return live.page.locator("tr[data-where]:visible th a").all_inner_texts()


def test_filters_work_without_a_script(browser: Browser, url: str) -> None:
    with opened(browser, java_script_enabled=False) as live:
        live.page.goto(f"{url}/leaderboard")
        live.page.get_by_role("navigation", name="Exam").get_by_role("link", name="Tools").click()
        live.page.get_by_role("navigation", name="Runs").get_by_role("link", name="self-hosted").click()
        assert set(shown(live)) == {"viva-default", "viva-tiny", "x" * 200}
        expect(live.page.locator("h1")).to_have_text("Tools")
        live.page.get_by_role("navigation", name="Runs").get_by_role("link", name="somebody else's").click()
        live.page.get_by_role("navigation", name="An hour heard").get_by_role("link", name="up to $1").click()
        assert shown(live) == ["gpt-audio-mini"]
        live.page.goto(f"{url}/prices")
        expect(live.page.locator("[data-calculator]")).to_be_hidden()
        expect(live.page.get_by_role("columnheader", name="yours")).to_be_hidden()


def calculated(live: LivePage, **given: str) -> dict[str, str]:
    for label, value in given.items():
        live.page.locator(f"[name={label}]").fill(value)
    cells = "rows => rows.map((row) => [row.dataset.model, row.querySelector('[data-calculator-cell]').textContent])"
    return dict(live.page.locator("tr[data-model]").evaluate_all(cells))


def test_the_calculator_agrees_with_the_price_book(browser: Browser, url: str) -> None:
    """Amounts from the book itself, in Python, beside those of the page."""
    book, today = load_book(), NOW.date()
    with opened(browser) as live:
        live.page.goto(f"{url}/prices")
        yours = calculated(live, heard="60", spoken="0", text_in="0", text_out="0", times="1")
        assert yours["gpt-4o-mini-audio-preview"] == "$0.36"
        assert yours["whisper-1"] == "$0.36"
        assert yours["tts-1"] == "–"
        expect(live.page.locator("[data-calculator-told]")).to_contain_text("The least of")
        yours = calculated(live, heard="10", spoken="5", text_in="2000", text_out="700", times="100")
        usage = Usage(2000, 6000, 0, 700, 6000)
        for name in ("gpt-4o-mini-audio-preview", "gpt-audio-1.5", "gpt-audio-mini"):
            usd = book.price(usage, name, today)
            assert usd is not None
            assert yours[name] == f"${usd * 100:,.2f}", name
        assert yours["whisper-1"] == "–", "it does not speak"
        assert yours["gemini-2.5-flash"] == "–"
        yours = calculated(live, heard="-5", spoken="", text_in="1e9", text_out="0", times="1")
        assert yours["gpt-4o-mini-audio-preview"] == "$150.00"
        assert Decimal(yours["gpt-audio"].strip("$").replace(",", "")) == 2500
        assert live.complaints == []


def test_an_export_opens_from_a_disk(
    browser: Browser, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server, no script error, nothing from elsewhere; its filters and its calculator work."""
    monkeypatch.setattr("vivavoce.web.chart._drawn", lambda drawing: Markup("<svg></svg>"))  # a minute of drawing
    export(site, tmp_path)
    root = tmp_path.as_uri()
    with opened(browser) as live:
        loaded: list[str] = []
        live.page.on("request", lambda request: loaded.append(request.url))
        live.page.goto(f"{root}/index.html")
        expect(live.page.locator("h1")).to_be_visible()
        navigation = live.page.get_by_role("navigation", name="Pages")
        assert navigation.get_by_role("link").all_inner_texts() == [
            *("Models", "Leaderboard", "Prices", "Status", "Methodology")
        ]
        for name in ("Leaderboard", "Prices", "Status", "Methodology", "Models"):
            navigation.get_by_role("link", name=name).click()
            expect(navigation.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
            background = live.page.evaluate("getComputedStyle(document.querySelector('.site-header')).position")
            assert background == "sticky", "the style sheet was loaded"
        navigation.get_by_role("link", name="Prices").click()
        assert calculated(live, heard="60")["gpt-4o-mini-audio-preview"] == "$0.36"
        navigation.get_by_role("link", name="Leaderboard").click()
        live.page.get_by_role("navigation", name="Exam").get_by_role("link", name="Tools").click()
        live.page.get_by_role("navigation", name="Runs").get_by_role("link", name="self-hosted").click()
        assert set(shown(live)) == {"viva-default", "viva-tiny", "x" * 200}
        live.page.get_by_role("navigation", name="Runs").get_by_role("link", name="everywhere").click()
        live.page.get_by_role("navigation", name="An hour heard").get_by_role("link", name="up to $1").click()
        assert set(shown(live)) == {"viva-default", "viva-tiny", "x" * 200, "gpt-audio-mini"}
        expect(live.page.locator("[data-filter-told]")).to_contain_text("4 of")
        live.page.get_by_role("link", name="viva-default").first.click()
        expect(live.page.locator("h1")).to_have_text("viva-default")
        live.page.get_by_role("button", name="Dark colours").click()
        assert all(each.startswith(root) for each in loaded), [each for each in loaded if not each.startswith(root)]
        assert live.complaints == []


def test_questions_and_answers_are_played(
    browser: Browser, make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the disk, after an exam of a server of ours."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("vivavoce.web.chart._drawn", lambda drawing: Markup("<svg></svg>"))
    hostile = f"{HOSTILE} Two and two is four."
    server = f"{make_server(answer=hostile).url}/v1"
    run, pages = tmp_path / "run.jsonl", tmp_path / "pages"
    words = ["run", "spoken-reasoning", "speech-out", "--items", "1", "--base-url", server, "--speech-url", server]
    for call in ([*words, "--item-voice", "speech:alloy", "-o", str(run)], ["compare", str(run), "--html", str(pages)]):
        done = CliRunner().invoke(exam_app, call)
        assert done.exit_code == 0, done.output
    with opened(browser) as live:
        for exam in ("spoken-reasoning", "speech-out"):
            [page] = list((pages / "runs").glob(f"*/{exam}.html"))
            live.page.goto(page.as_uri())
            players = live.page.locator("audio").element_handles()
            assert len(players) == 1, f"{exam}: a spoken question, or a spoken answer"
            played_s, length_s = players[0].evaluate(PLAY)
            assert played_s == pytest.approx(length_s, abs=0.05)
            assert length_s > 0.3
            expect(live.page.locator(".entry").first).to_contain_text(HOSTILE)
        assert live.complaints == []
