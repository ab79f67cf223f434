"""The official JavaScript client in a page of a real browser: another origin, a browser's key, a browser's decoder."""

from __future__ import annotations

import base64
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from node_clients import SCRIPTS, fetched
from playwright.sync_api import sync_playwright
from real_servers import RealServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH (Debian: apt install chromium)"),
]


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """Serve `folder` on a port of its own, as a developer's page would be."""
    (folder / "page.html").write_bytes((SCRIPTS / "page.html").read_bytes())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.proves("openai (JavaScript)")
def test_a_page_of_another_origin_asks_and_plays(tiny_server: RealServer, question: Path) -> None:
    recording = base64.b64encode(question.read_bytes()).decode()
    with pages(fetched()) as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{origin}/page.html")
        page.wait_for_function("() => Boolean(window.ask)")
        seen = page.evaluate("([url, recording]) => ask(url, recording)", [f"{tiny_server.url}/v1", recording])
        browser.close()
    assert problems == []
    assert seen["transcript"].strip()
    assert seen["finish_reason"] in ("stop", "length")
    assert seen["decoded_s"] > 0.3
    assert seen["peak"] > 0.05
    assert seen["request_id"].startswith("req_")
    assert seen["refused"]["status"] == 400
    assert seen["refused"]["param"] == "audio.voice"
    assert seen["refused"]["id"].startswith("req_")
