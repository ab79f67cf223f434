"""Every page over every kind of data: it is made, links lead somewhere, and names and answers stay text."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from board_sites import html_of, site_of
from invented_runs import NOW, realistic, write_run
from markupsafe import Markup

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.runs import read
from vivavoce.exam.sounds import SoundMaker
from vivavoce.prices.book import PriceBook, load_book
from vivavoce.web.page import Asked
from vivavoce.web.site import Site

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)>'
LONG = "a-model-with-a-name-of-two-hundred-letters-" * 5
RIGHT_TO_LEFT = "نموذج تجريبي \u202eevil\u202c"
ELSEWHERE = {"base_url": "https://api.invented.example/v1", "usd": "0.0004"}
WITHIN_S = 0.5

Fill = Callable[[Path], None]


def nothing(folder: Path) -> None:
    pass


def one_run(folder: Path) -> None:
    write_run(folder / "one.jsonl", "viva-default", items=6)


def many(folder: Path) -> None:
    realistic(folder)


def not_begun(folder: Path) -> None:
    write_run(folder / "empty.jsonl", "just begun", exams=(), ended="")


def cut_off(folder: Path) -> None:
    one_run(folder)
    os.truncate(folder / "one.jsonl", (folder / "one.jsonl").stat().st_size - 700)


def later_version(folder: Path) -> None:
    one_run(folder)
    path = folder / "one.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"version": 1', '"version": 2', 1), encoding="utf-8")


def hostile(folder: Path) -> None:
    for number, name in enumerate((HOSTILE, LONG, RIGHT_TO_LEFT, "", "..", "a/b?c=d#e", "\ud800 half")):
        where = ELSEWHERE if number % 2 else {}
        write_run(
            folder / f"{number}.jsonl",
            name,
            model=name,
            answer=f"{HOSTILE} {RIGHT_TO_LEFT}",
            items=6,
            exams=("tools", "speed"),
            **where,
        )


def unscored(folder: Path) -> None:
    one_run(folder)
    path = folder / "one.jsonl"
    path.write_text(
        re.sub(r'"values": \{[^}]*\}', '"values": null', path.read_text(encoding="utf-8")), encoding="utf-8"
    )


FOLDERS: list[Fill] = [nothing, one_run, many, not_begun, cut_off, later_version, hostile, unscored]


def addresses(site: Site) -> Iterator[str]:
    for page in site.pages.values():
        if page.file is None:
            yield from (page.address(asked) for asked in ([Asked()] if page.needs_server else page.each()))


@pytest.fixture(autouse=True)
def quick_drawings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawings take most of the time, and tests/web looks at them; where names are hostile they are made."""
    if "hostile" not in request.node.name:
        monkeypatch.setattr("vivavoce.web.chart._drawn", lambda drawing: Markup("<svg></svg>"))


@pytest.mark.parametrize("fill", FOLDERS, ids=lambda each: each.__name__)
def test_no_data_breaks_a_page(tmp_path: Path, fill: Fill) -> None:
    fill(tmp_path)
    book = PriceBook(load_book().rows[:4]) if fill is hostile else load_book()  # fewer drawings to wait for
    site = site_of(tmp_path, book=book, probes=tmp_path / "none", outcomes=lambda since, until: [])
    every = set(addresses(site))
    for address in every:
        html = html_of(site, address)
        assert "<script>" not in html
        assert "<img" not in html
        assert html.count("<h1") == 1, address
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(set(ids)) == len(ids), address
        for link in re.findall(r'href="(/[^"#]*)', html):
            target = urlsplit(unescape(link))
            if target.path.startswith("/static/"):
                assert site.assets.at(target.path[1:]) is not None
            elif "where=" not in target.query and "price=" not in target.query:  # those are made of the same rows
                assert unescape(link) in every or target.path == "/live", f"{address} leads to {link}"


def test_an_empty_book_of_prices(tmp_path: Path) -> None:
    one_run(tmp_path)
    site = site_of(tmp_path, book=PriceBook([]))
    for address in addresses(site):
        html_of(site, address)
    assert "The price book is empty" in html_of(site, "/prices")
    assert "The price book has no price for it" in html_of(site, "/models/gpt-audio")


def test_without_runs_every_page_says_what_to_do(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    for address in ("/models", "/leaderboard", "/runs"):
        assert "viva exam run" in html_of(site, address)
    status = html_of(site, "/status")
    assert "No measurements yet" in status
    assert "viva probe run" in status
    assert "No measurements yet" in html_of(site, "/models/gpt-audio")


def test_files_that_cannot_be_read_are_named_on_the_pages(tmp_path: Path) -> None:
    later_version(tmp_path)
    for address in ("/models", "/leaderboard", "/runs"):
        html = html_of(site_of(tmp_path), address)
        assert "one.jsonl" in html
        assert "format 2" in html


def test_hostile_names_are_shown_as_they_are(tmp_path: Path) -> None:
    hostile(tmp_path)
    html = html_of(site_of(tmp_path), "/models")
    assert "&lt;script&gt;alert" in html
    assert LONG in html
    assert 'dir="auto"' in html_of(
        site_of(tmp_path), next(a for a in addresses(site_of(tmp_path)) if a.count("/") == 3)
    )


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/models/nobody", 404),
        ("/runs/none", 404),
        ("/leaderboard?exam=juggling", 400),
        ("/leaderboard?where=moon", 400),
        ("/leaderboard?price=cheap", 400),
        ("/leaderboard?language=xx", 200),
        ("/leaderboard?language=%3Cscript%3E", 200),
    ],
)
def test_wrong_addresses_are_told_plainly(tmp_path: Path, address: str, status: int) -> None:
    one_run(tmp_path)
    path, _, query = address.partition("?")
    answer = site_of(tmp_path).answer(path, query)
    assert answer is not None
    assert answer.status == status
    assert b"<script>" not in answer.body


@pytest.mark.parametrize("page", ["0", "3", "-1", "1e3", "", "9" * 40, "²"])
def test_a_page_of_answers_that_there_is_not(tmp_path: Path, page: str) -> None:
    run = write_run(tmp_path / "run.jsonl", "one", exams=("tools",), items=12)
    answer = site_of(tmp_path).answer(f"/runs/{run.id}/tools", f"page={page}")
    assert answer is not None
    assert answer.status == 404


def test_answers_are_in_pages_and_each_is_there_once(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.jsonl", "one", exams=("tools",), items=40)
    site = site_of(tmp_path)
    parts = [html_of(site, each) for each in addresses(site) if each.startswith(f"/runs/{run.id}/tools")]
    assert len(parts) == 4
    numbers = [int(number) for part in parts for number in re.findall(r'id="a(\d+)"', part)]
    assert numbers == list(range(1, 81))
    assert 'rel="next"' in parts[0]
    assert 'rel="prev"' not in parts[0]


def test_long_answers_make_shorter_pages(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.jsonl", "one", exams=("tools",), items=20, answer="ö" * 50_000)
    site = site_of(tmp_path)
    parts = [html_of(site, each) for each in addresses(site) if each.startswith(f"/runs/{run.id}/tools")]
    assert len(parts) > 2
    assert "48,000 more characters in the run&#39;s file" in parts[0]


def test_every_cell_of_the_leaderboard_leads_to_its_run(tmp_path: Path) -> None:
    realistic(tmp_path)
    site = site_of(tmp_path)
    overview = html_of(site, "/leaderboard")
    rows = re.findall(r"<tr data-where.*?</tr>", overview, flags=re.DOTALL)
    assert len(rows) == 5
    for row in rows:
        figures = re.findall(r"<td>(.*?)</td>", row, flags=re.DOTALL)
        assert len(figures) == 9
        assert all('href="/runs/' in cell for cell in figures)
    for exam in TASKS:
        if f"exam={exam}" in overview:
            for row in re.findall(
                r"<tr data-where.*?</tr>", html_of(site, f"/leaderboard?exam={exam}"), flags=re.DOTALL
            ):
                assert row.count('href="/runs/') >= 4


def shown(html: str) -> list[str]:
    return re.findall(r'<th scope="row" class="name"><a href="/models/([^"]+)"', html)


def test_filters_need_no_script(tmp_path: Path) -> None:
    realistic(tmp_path)
    write_run(tmp_path / "dear.jsonl", "gpt-4o-audio-preview", model="gpt-4o-audio-preview", items=6, **ELSEWHERE)
    write_run(tmp_path / "cheap.jsonl", "gpt-audio-mini", model="gpt-audio-mini", items=6, **ELSEWHERE)
    site = site_of(tmp_path)
    assert set(shown(html_of(site, "/leaderboard?where=self"))) == {"viva-default", "viva-tiny"}
    assert "viva-tiny" not in shown(html_of(site, "/leaderboard?where=remote"))
    priced = shown(html_of(site, "/leaderboard?exam=tools&price=1"))
    assert "gpt-audio-mini" in priced
    assert "gpt-4o-audio-preview" not in priced
    assert "invented-great" not in priced, "a price that nobody knows is under no bar"
    assert "gpt-4o-audio-preview" in shown(html_of(site, "/leaderboard?exam=tools&price=5"))
    german = html_of(site, "/leaderboard?exam=transcription&language=de")
    assert "German alone" in german
    assert re.search(r"n = [1-9]\b", german)


def test_previews_are_badged_and_in_no_average(tmp_path: Path) -> None:
    for name, skill in (("one", 1.0), ("two", 1.0)):
        write_run(tmp_path / f"{name}.jsonl", name, skill=skill, exams=("tools",), items=12, **ELSEWHERE)
    alone = html_of(site_of(tmp_path), "/leaderboard?exam=tools")
    write_run(tmp_path / "three.jsonl", "three", skill=0.0, exams=("tools",), items=12, preview=True, **ELSEWHERE)
    both = html_of(site_of(tmp_path), "/leaderboard?exam=tools")
    average = re.compile(r"Average of models that are no preview: ([\d.]+)")
    assert average.findall(alone) == average.findall(both) != []
    assert "preview</span>" in both
    assert "preview</span>" not in alone


@pytest.mark.parametrize("kept", ["kept", "gone", "changed"])
def test_sounds_are_played_where_they_are_the_ones_that_were_heard(tmp_path: Path, kept: str) -> None:
    path, cache = tmp_path / "run.jsonl", tmp_path / "cache"
    run = write_run(path, "one", exams=("safety",), items=6)
    text = path.read_text(encoding="utf-8")
    for item in read(path).items.values():
        if item.sound is not None and item.sound.made:
            heard = hashlib.sha256(SoundMaker(cache).wav(item.sound)).hexdigest()
            text = text.replace(hashlib.sha256(item.id.encode()).hexdigest(), heard)
    path.write_text(text, encoding="utf-8")
    for sound in cache.glob("*.wav"):
        if kept == "gone":
            sound.unlink()
        elif kept == "changed":
            sound.write_bytes(sound.read_bytes() + b"more")
    site = site_of(tmp_path, sounds=cache)
    sounds = re.findall(r'<audio [^>]*src="([^"]+)"', html_of(site, f"/runs/{run.id}/safety"))
    assert bool(sounds) is (kept == "kept")
    for address in sounds:
        answer = site.answer(address)
        assert answer is not None
        assert (answer.status, answer.headers["content-type"]) == (200, "audio/wav")
        assert answer.body.startswith(b"RIFF")


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "f" * 64, "x", "%00", "A" * 64])
def test_no_other_file_is_a_sound(tmp_path: Path, name: str) -> None:
    run = write_run(tmp_path / "run.jsonl", "one", exams=("safety",), items=4)
    answer = site_of(tmp_path, sounds=tmp_path).answer(f"/runs/{run.id}/sounds/{name}.wav")
    assert answer is not None
    assert answer.status == 404


def test_recordings_of_others_are_named_and_not_shown(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run.jsonl", "one", exams=("safety",), items=4, answer="what they said")
    path = tmp_path / "run.jsonl"
    text = re.sub(r'"sound": \{[^}]*\}', '"sound": {"file": "their.wav", "sha256": "00"}', path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")
    hidden = html_of(site_of(tmp_path), f"/runs/{run.id}/safety")
    assert "what they said" not in hidden
    assert "not ours to show" in hidden
    assert "what they said" in html_of(site_of(tmp_path, recordings=tmp_path), f"/runs/{run.id}/safety")


@pytest.mark.parametrize("items", [24, pytest.param(400, marks=pytest.mark.slow)])
def test_a_page_of_twenty_runs_is_soon_there(tmp_path: Path, items: int) -> None:
    """Once it was asked for; of 400 items in each exam a run has about 1,600 tries."""
    for number in range(20):
        skill, started = 0.4 + number / 40, NOW - timedelta(hours=number)
        name = f"invented-{number:02d}"
        write_run(tmp_path / f"{name}.jsonl", name, items=items, skill=skill, started=started, **ELSEWHERE)
    site = site_of(tmp_path)
    run = next(iter(site.pages["run"].each())).parts["run"]
    for address in ("/leaderboard", "/models", "/models/invented-05", f"/runs/{run}/spoken-reasoning"):
        html_of(site, address)
        began = time.perf_counter()
        html_of(site, address)
        assert time.perf_counter() - began < WITHIN_S, address


def test_what_an_hour_costs_on_ones_own_machine(tmp_path: Path) -> None:
    from vivavoce.board.money import OwnMachine
    from vivavoce.prices.own import Pace

    one_run(tmp_path)
    assert "set VIVA_COST_PER_HOUR" in html_of(site_of(tmp_path), "/models/viva-default")
    pace = Pace(0.1, 0.05, 0.2, 40, 0.1, 30.0)
    own = site_of(tmp_path, own=lambda: OwnMachine(Decimal("0.50"), pace))
    html = html_of(own, "/models/viva-default")
    assert "$0.025" in html  # 3600 s heard × 0.05 machine s, and a turn of 0.1 s, at half a dollar an hour
    assert "VIVA_COST_PER_HOUR to see" not in html
