"""Pages without a server: addresses, links, errors, headers, and the same pages as files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from vivavoce.errors import InvalidValue, NotFound
from vivavoce.web import site as site_module
from vivavoce.web.assets import Assets
from vivavoce.web.export import export
from vivavoce.web.page import Asked, Page
from vivavoce.web.pages import make_site
from vivavoce.web.site import Absolute, Site
from vivavoce.web.sources import Sources

HOSTILE = '<script>alert("1")</script>'
NAMES = ["gpt-audio", "Gpt-Audio", "org/model name", "x" * 200, HOSTILE, "../../etc", "مرحبا", "%2F"]

TEMPLATES = {
    "models.html": """{% extends "base.html" %}{% block title %}Models{% endblock %}{% block main %}
        {% for name in names %}<a href="{{ url('model', model=name) }}">{{ name }}</a>{% endfor %}
        <a href="{{ url('models', query={'by': 'price'}) }}">by price</a>{% endblock %}""",
    "model.html": """{% extends "base.html" %}{% block title %}{{ name }}{% endblock %}{% block main %}
        <h1>{{ name }}</h1><a href="{{ url('models') }}">all</a>{% endblock %}""",
}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """Two kinds of pages, one of which there are many."""
    own = site_module.ENVIRONMENT
    loaders = {name: own.loader.get_source(own, name)[0] for name in ("base.html", "problem.html")}  # type: ignore[union-attr]
    templates = Environment(loader=DictLoader(TEMPLATES | loaders), autoescape=True, undefined=own.undefined)
    monkeypatch.setattr(site_module, "ENVIRONMENT", templates)

    def one(asked: Asked) -> Mapping[str, Any]:
        match asked.parts["model"]:
            case "unknown":
                raise NotFound(f"No model {HOSTILE}.")
            case "wrong":
                raise InvalidValue("The window must be a month.")
            case "broken":
                raise ZeroDivisionError("a secret")
        return {"name": asked.parts["model"]}

    return Site.of(
        [
            Page("live", "/live", "models.html", lambda _: {"names": []}, nav="Live test", needs_server=True),
            Page("models", "/models", "models.html", lambda _: {"names": NAMES}, nav="Models"),
            Page(
                "model",
                "/models/{model}",
                "model.html",
                one,
                section="models",
                each=lambda: (Asked({"model": name}) for name in NAMES),
            ),
        ]
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_found_by_the_address_that_links_to_it(site: Site, name: str) -> None:
    address = site.pages["model"].address(Asked({"model": name}))
    answer = site.answer(address)
    assert answer is not None
    assert answer.status == 200
    assert address in site.answer("/models").body.decode()  # type: ignore[union-attr]


def test_a_slash_at_the_end_is_nothing(site: Site) -> None:
    assert site.answer("/models/").status == 200  # type: ignore[union-attr]


def test_names_cannot_become_markup(site: Site) -> None:
    text = site.answer("/models").body.decode()  # type: ignore[union-attr]
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/models/unknown", 404, "No model &lt;script&gt;"),
        ("/models/wrong", 400, "The window must be a month."),
        ("/models/broken", 500, "could not be made"),
        ("/models/a/b", 404, "no page at this address"),
        ("/static/0000/site.css", 404, "no page at this address"),
    ],
)
def test_what_goes_wrong_is_a_page_in_plain_words(site: Site, path: str, status: int, says: str) -> None:
    answer = site.answer(path)
    assert answer is not None
    assert answer.status == status
    assert says in answer.body.decode()
    assert "secret" not in answer.body.decode()


def test_the_navigation_marks_where_one_is(site: Site) -> None:
    for path in ("/models", "/models/gpt-audio"):
        text = site.answer(path).body.decode()  # type: ignore[union-attr]
        assert re.findall(r'<a href="([^"]+)" aria-current="page">', text) == ["/models"]


def test_who_does_not_want_pages_is_left_to_the_api(site: Site) -> None:
    assert site.answer("/models/a/b", person=False) is None
    assert site.answer("/models", person=False) is not None


def test_an_export_links_its_files_to_each_other(site: Site, tmp_path: Path) -> None:
    files = export(site, tmp_path)
    pages = [file for file in files if file.suffix == ".html"]
    assert len(pages) == len({str(page).lower() for page in pages}) == len(NAMES) + 1
    assert all(tmp_path in file.resolve().parents for file in files)
    for page in pages:
        text = page.read_text()
        assert "Live test" not in text
        for link in re.findall(r'(?:href|src)="([^"#]+)"', text):
            assert not link.startswith("/")
            assert (page.parent / link).is_file(), (page, link)
    # A link with a query that was not written leads to the page without it.
    assert 'href="index.html">by price' in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://api.example.com/v1", "https://api.example.com"),
        ("http://192.168.1.5:8080/v1", "http://192.168.1.5:8080"),
        ("https://bücher.example/v1", "https://xn--bcher-kva.example"),
    ],
)
def test_the_policy_names_the_chosen_endpoint_alone(endpoint: str, origin: str) -> None:
    answer = make_site(Sources()).answer("/live", f"endpoint={endpoint}")
    assert answer is not None
    (rule,) = [rule for rule in answer.headers["content-security-policy"].split("; ") if rule.startswith("connect-src")]
    assert rule == f"connect-src 'self' {origin}"


@pytest.mark.parametrize(
    "endpoint",
    [
        "javascript:alert(1)",
        "https://a.example; script-src *",
        "https://*/v1",
        "https://*.example/v1",
        "https://a.example,https://b.example",
        "https://me:secret@a.example/v1",
        "api.example.com",
        "https://[::1]/v1",
        "https://a.example:port/v1",
        "https:///v1",
        "https://[",
    ],
)
def test_an_endpoint_cannot_write_the_policy(endpoint: str) -> None:
    answer = make_site(Sources()).answer("/live", f"endpoint={endpoint.replace(';', '%3B')}")
    assert answer is not None
    assert answer.status == 400
    assert "connect-src 'self';" in answer.headers["content-security-policy"]


def test_files_are_kept_for_good_and_pages_asked_for_again(site: Site) -> None:
    page, file = site.answer("/models"), site.answer("/" + site.assets.address("site.css"))
    assert page is not None
    assert file is not None
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["etag"]
    assert "immutable" in file.headers["cache-control"]
    assert len(file.compressed() or b"") < len(file.body) / 2


def test_another_style_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    before = Assets(tmp_path).folder
    (tmp_path / "a.css").write_text("b {}")
    assert Assets(tmp_path).folder != before


def test_no_template_has_script_or_style_inline() -> None:
    for file in (Path(site_module.__file__).parent / "templates").glob("*.html"):
        text = file.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), file


def test_links_for_a_server_are_absolute(site: Site) -> None:
    assert Absolute().page(site.pages["model"], Asked({"model": "a b"}, {"window": "2026-11"})) == (
        "/models/a%20b?window=2026-11"
    )
