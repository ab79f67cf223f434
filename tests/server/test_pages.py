"""Pages beside the API: no key for them, nothing changed for clients."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import httpx
import pytest
from scripted_app import MakeServer, ScriptedServer, eventually, running

from vivavoce.web.pages import make_site
from vivavoce.web.sources import Sources

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def scripted(make_server: MakeServer) -> ScriptedServer:
    return make_server()


@pytest.fixture
def url(scripted: ScriptedServer) -> Iterator[str]:
    with running(scripted.service, site=make_site(Sources())) as url:
        yield url


def test_a_browser_is_led_to_the_live_test(url: str) -> None:
    answer = httpx.get(url, headers=BROWSER, follow_redirects=True)
    assert answer.status_code == 200
    assert answer.url.path == "/live"
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/nowhere", "/v1", "/v1/nowhere", "/livelier"])
def test_a_client_gets_what_it_always_got(url: str, path: str) -> None:
    answer = httpx.get(url + path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Unknown request URL")


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/models/nowhere"])
def test_below_the_api_a_browser_gets_the_envelope_too(url: str, path: str) -> None:
    assert httpx.get(url + path, headers=BROWSER).json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_address_is_a_page_for_people(url: str) -> None:
    answer = httpx.get(f"{url}/nowhere", headers=BROWSER)
    assert answer.status_code == 404
    assert "no page at this address" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_are_only_read(url: str, method: str) -> None:
    answer = httpx.request(method, f"{url}/live", headers=BROWSER)
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]


def test_head_has_the_headers_and_no_body(url: str) -> None:
    answer = httpx.head(f"{url}/live")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 0
    assert answer.content == b""


def test_pages_need_no_key_and_the_api_still_does(scripted: ScriptedServer, url: str) -> None:
    scripted.service.ledger.keys.create("laptop")
    eventually(lambda: httpx.get(f"{url}/v1/models").status_code == 401)
    assert httpx.get(f"{url}/live").status_code == 200
    assert httpx.get(url, headers=BROWSER).status_code == 307
    assert httpx.get(f"{url}/nowhere").status_code == 401
    assert httpx.get(f"{url}/nowhere", headers=BROWSER).status_code == 404


def test_a_page_that_is_still_the_same_is_not_sent_again(url: str) -> None:
    first = httpx.get(f"{url}/live")
    again = httpx.get(f"{url}/live", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert httpx.get(f"{url}/live", headers={"if-none-match": '"other"'}).status_code == 200


def test_pages_are_packed_for_who_can_unpack(url: str) -> None:
    plain = httpx.get(f"{url}/live", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with httpx.stream("GET", f"{url}/live", headers={"accept-encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in packed.headers["vary"]
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content


def test_pages_wear_strict_headers(url: str) -> None:
    headers = httpx.get(f"{url}/live").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_without_a_site_there_are_no_pages(server: ScriptedServer) -> None:
    assert server.http.get("/live", headers=BROWSER).json()["error"]["message"].startswith("Unknown request URL")
