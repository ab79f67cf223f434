"""`/v1/files` over scripted engines: kept for who uploaded them, sealed, page by page, gone when they expire."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from batch_files import chat_line, run, started, upload
from openai import BadRequestError, NotFoundError
from scripted_app import MakeServer, ScriptedServer

from vivavoce.server.service import Limits
from vivavoce.testing import ScriptedThinker

WORDS = b"the very secret words "


def test_a_file_is_kept_as_it_came(server: ScriptedServer) -> None:
    data = WORDS * 200_000  # several pieces
    made = server.client.files.create(file=("voices of children.wav", data), purpose="user_data")
    assert made.id.startswith("file-")
    assert (made.object, made.purpose, made.bytes, made.status) == ("file", "user_data", len(data), "processed")
    assert made.filename == "voices of children.wav"
    assert abs(made.created_at - time.time()) < 5
    assert made.expires_at is not None
    assert abs(made.expires_at - made.created_at - 30 * 24 * 3600) <= 1
    assert server.client.files.retrieve(made.id) == made
    content = server.client.files.content(made.id)
    assert content.content == data
    assert content.response.headers["content-length"] == str(len(data))
    assert content.response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20])
def test_sizes_around_a_piece(server: ScriptedServer, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    made = upload(server.http, data[:size]).json()
    assert made["bytes"] == size
    assert server.http.get(f"/v1/files/{made['id']}/content").content == data[:size]


def test_lists_go_page_by_page_in_either_order(make_server: MakeServer) -> None:
    client = make_server().client
    made = [client.files.create(file=(f"{n}", b"x"), purpose=("batch", "user_data")[n % 2]).id for n in range(5)]
    assert [file.id for file in client.files.list()] == made[::-1]
    assert [file.id for file in client.files.list(order="asc", limit=2)] == made
    assert [file.id for file in client.files.list(after=made[2])] == made[1::-1]
    assert [file.id for file in client.files.list(after=made[2], order="asc", limit=1)] == made[3:]
    assert [file.id for file in client.files.list(purpose="user_data")] == [made[3], made[1]]
    assert client.files.list(purpose="fine-tune").data == []
    assert client.files.delete(made[2]).deleted
    assert [file.id for file in client.files.list(after=made[2])] == made[1::-1], "where it was, the list goes on"


def test_a_deleted_file_is_gone(server: ScriptedServer) -> None:
    made = server.client.files.create(file=("a", b"x"), purpose="batch")
    gone = server.client.files.delete(made.id)
    assert gone.to_dict() == {"id": made.id, "object": "file", "deleted": True}
    for call in (server.client.files.retrieve, server.client.files.content, server.client.files.delete):
        with pytest.raises(NotFoundError) as refused:
            call(made.id)
        assert refused.value.code == "file_not_found"


def test_files_and_batches_are_their_owners_alone(server: ScriptedServer) -> None:
    anna, bert = ({"authorization": f"Bearer {name}"} for name in ("anna", "bert"))
    made = server.http.post("/v1/files", files={"file": ("a", b"x")}, data={"purpose": "batch"}, headers=anna).json()[
        "id"
    ]
    order = {"input_file_id": made, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    refused = server.http.post("/v1/batches", json=order, headers=bert)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "file_not_found")
    batch = server.http.post("/v1/batches", json=order, headers=anna).json()["id"]
    unknown = server.http.get("/v1/files/file-unknown", headers=bert).json()["error"]["message"]
    for method, path in [
        ("GET", f"/v1/files/{made}"),
        ("GET", f"/v1/files/{made}/content"),
        ("DELETE", f"/v1/files/{made}"),
        ("GET", f"/v1/batches/{batch}"),
        ("POST", f"/v1/batches/{batch}/cancel"),
    ]:
        answer = server.http.request(method, path, headers=bert)
        assert (path, answer.status_code) == (path, 404)
        if "files" in path:
            assert answer.json()["error"]["message"] == unknown.replace("file-unknown", made)
    assert server.http.get("/v1/files", headers=bert).json()["data"] == []
    assert server.http.get("/v1/batches", headers=bert).json()["data"] == []
    assert server.http.get(f"/v1/files/{made}", headers=anna).status_code == 200


def form(*parts: tuple[str, str, bytes]) -> dict[str, Any]:
    """A form as it is, to the byte."""
    boundary = b"--edge"
    body = b"".join(
        boundary + f'\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
        for name, more, data in parts
    )
    return {"content": body + boundary + b"--\r\n", "headers": {"content-type": "multipart/form-data; boundary=edge"}}


FILE = ("file", '; filename="a.jsonl"', b"x")
PURPOSE = ("purpose", "", b"batch")
ANCHOR = ("expires_after[anchor]", "", b"created_at")

UPLOADS: list[tuple[str, dict[str, Any], str, str | None]] = [
    # what, request, code, param
    ("no form", {"json": {"purpose": "batch"}}, "invalid_content_type", None),
    ("no file", form(PURPOSE), "missing_required_parameter", "file"),
    ("no purpose", form(FILE), "missing_required_parameter", "purpose"),
    ("two files", form(FILE, FILE, PURPOSE), "invalid_value", "file"),
    ("another purpose", form(FILE, ("purpose", "", b"fine-tune")), "invalid_value", "purpose"),
    ("a purpose that we make", form(FILE, ("purpose", "", b"batch_output")), "invalid_value", "purpose"),
    ("an unknown field", form(FILE, PURPOSE, ("wings", "", b"2")), "unknown_parameter", "wings"),
    ("a purpose as a file", form(FILE, ("purpose", '; filename="p"', b"\xff")), "invalid_value", "purpose"),
    ("a long field", form(FILE, ("purpose", '; filename="p"', b"x" * 1_100_000)), "string_above_max_length", "purpose"),
    ("expiry as a text", form(FILE, PURPOSE, ("expires_after", "", b"3600")), "invalid_type", "expires_after"),
    ("no seconds", form(FILE, PURPOSE, ANCHOR), "missing_required_parameter", "expires_after.seconds"),
    (
        "no anchor",
        form(FILE, PURPOSE, ("expires_after[seconds]", "", b"3600")),
        "missing_required_parameter",
        "expires_after.anchor",
    ),
    (
        "another anchor",
        form(FILE, PURPOSE, ("expires_after[anchor]", "", b"now"), ("expires_after[seconds]", "", b"3600")),
        "invalid_value",
        "expires_after.anchor",
    ),
    *(
        (
            f"seconds of {seconds}",
            form(FILE, PURPOSE, ANCHOR, ("expires_after[seconds]", "", seconds)),
            code,
            "expires_after.seconds",
        )
        for seconds, code in [
            (b"3599", "invalid_value"),
            (b"2592001", "invalid_value"),
            (b"soon", "invalid_type"),
            (b"-1", "invalid_value"),
        ]
    ),
    ("cut off", {**form(FILE, PURPOSE), "content": form(FILE, PURPOSE)["content"][:-9]}, "invalid_multipart", None),
    ("no parts", {**form(), "content": b""}, "invalid_multipart", None),
    (
        "a part without a name",
        {**form(), "content": b"--edge\r\nContent-Type: text/plain\r\n\r\nx\r\n--edge--\r\n"},
        "invalid_multipart",
        None,
    ),
]


@pytest.mark.parametrize(("request_", "code", "param"), [case[1:] for case in UPLOADS], ids=[c[0] for c in UPLOADS])
def test_bad_uploads_are_refused(
    server: ScriptedServer, request_: dict[str, Any], code: str, param: str | None
) -> None:
    before = len(server.http.get("/v1/files").json()["data"])
    refused = server.http.post("/v1/files", **request_)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, code, param), error["message"]
    assert error["message"]
    assert len(server.http.get("/v1/files").json()["data"]) == before


GOOD = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}
ORDERS: list[tuple[str, Any, str, str | None]] = [
    ("no json", b"{", "invalid_json", None),
    ("a list", [], "invalid_json", None),
    *((f"no {name}", {**GOOD, name: ...}, "missing_required_parameter", name) for name in GOOD),
    ("an endpoint that is not served", GOOD | {"endpoint": "/v1/embeddings"}, "invalid_value", "endpoint"),
    ("an endpoint that is a number", GOOD | {"endpoint": 5}, "invalid_value", "endpoint"),
    ("another window", GOOD | {"completion_window": "1h"}, "invalid_value", "completion_window"),
    ("a file that is a number", GOOD | {"input_file_id": 5}, "invalid_type", "input_file_id"),
    ("an unknown file", GOOD, "file_not_found", "input_file_id"),
    ("metadata as a text", GOOD | {"metadata": "x"}, "invalid_type", "metadata"),
    ("metadata with a number", GOOD | {"metadata": {"a": 5}}, "invalid_type", "metadata.a"),
    ("too much metadata", GOOD | {"metadata": {str(n): "" for n in range(17)}}, "invalid_value", "metadata"),
    ("long metadata", GOOD | {"metadata": {"a": "x" * 513}}, "invalid_value", "metadata.a"),
    ("expiry as a number", GOOD | {"output_expires_after": 5}, "invalid_type", "output_expires_after"),
    (
        "a short expiry",
        GOOD | {"output_expires_after": {"anchor": "created_at", "seconds": 1}},
        "invalid_value",
        "output_expires_after.seconds",
    ),
    ("an unknown field", GOOD | {"wings": 2}, "unknown_parameter", "wings"),
]


@pytest.mark.parametrize(("body", "code", "param"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
def test_bad_orders_are_refused(server: ScriptedServer, body: Any, code: str, param: str | None) -> None:
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value is not ...}
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    refused = server.http.post("/v1/batches", **sent)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (400, code, param), error["message"]


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/files?limit=0", "limit"),
        ("/v1/files?limit=10001", "limit"),
        ("/v1/files?limit=two", "limit"),
        ("/v1/files?limit=%C2%B2", "limit"),
        ("/v1/files?order=up", "order"),
        ("/v1/files?after=nobody", "after"),
        ("/v1/files?after=batch_0123", "after"),
        ("/v1/batches?limit=0", "limit"),
        ("/v1/batches?limit=101", "limit"),
        ("/v1/batches?limit=99999999999999999999", "limit"),
        ("/v1/batches?after=nobody", "after"),
    ],
)
def test_bad_pages_are_refused(server: ScriptedServer, path: str, param: str) -> None:
    refused = server.http.get(path)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/files/file-unknown", "file_not_found"),
        ("GET", "/v1/files/file-unknown/content", "file_not_found"),
        ("DELETE", "/v1/files/file-unknown", "file_not_found"),
        ("GET", "/v1/batches/batch_unknown", "batch_not_found"),
        ("POST", "/v1/batches/batch_unknown/cancel", "batch_not_found"),
    ],
)
def test_unknown_ids_are_not_found(server: ScriptedServer, method: str, path: str, code: str) -> None:
    refused = server.http.request(method, path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, code)


def test_a_batch_wants_a_file_for_batches(server: ScriptedServer) -> None:
    made = server.client.files.create(file=("a.wav", b"x"), purpose="user_data")
    with pytest.raises(BadRequestError) as refused:
        server.client.batches.create(input_file_id=made.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert (refused.value.param, refused.value.code) == ("input_file_id", "invalid_value")
    assert "user_data" in str(refused.value)


def test_limits_of_size(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server(limits=Limits(file_bytes=10_000, all_files_bytes=25_000))
    assert upload(server.http, b"x" * 10_000).status_code == 200
    too_large = upload(server.http, b"x" * 10_001)
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "payload_too_large")
    assert "VIVA_MAX_FILE_BYTES" in too_large.json()["error"]["message"]
    assert upload(server.http, b"x" * 10_000).status_code == 200
    full = upload(server.http, b"x" * 10_000)
    assert (full.status_code, full.json()["error"]["code"]) == (400, "storage_full")
    assert len(list((tmp_path / "files").iterdir())) == 2, "nothing remains of what was refused"


def test_one_owner_has_so_many_batches_under_way(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.server.batches.MOST_UNENDED", 2)
    server = make_server(limits=Limits(batch_lines=0))  # none is run
    for _ in range(2):
        assert started(server.client, [chat_line("a")]).status == "validating"
    with pytest.raises(BadRequestError) as refused:
        started(server.client, [chat_line("a")])
    assert refused.value.code == "too_many_batches"


def test_what_a_batch_reads_is_not_deleted_under_it(make_server: MakeServer) -> None:
    server = make_server(limits=Limits(batch_lines=0))
    batch = started(server.client, [chat_line("a")])
    with pytest.raises(BadRequestError) as refused:
        server.client.files.delete(batch.input_file_id)
    assert refused.value.code == "file_in_use"


@pytest.mark.proves("files: expires_after", "batches: output_expires_after")
def test_expiry_is_what_was_asked_for(server: ScriptedServer) -> None:
    made = server.client.files.create(
        file=("a", b"x"), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert made.expires_at is not None
    assert abs(made.expires_at - made.created_at - 3600) <= 1
    batch = run(server.client, [chat_line("a")], output_expires_after={"anchor": "created_at", "seconds": 7200})
    assert batch.output_file_id is not None
    output = server.client.files.retrieve(batch.output_file_id)
    assert (output.purpose, output.filename) == ("batch_output", f"{batch.id}_output.jsonl")
    assert output.expires_at is not None
    assert abs(output.expires_at - output.created_at - 7200) <= 1


def test_a_name_loses_its_folders_and_what_cannot_be_printed(server: ScriptedServer) -> None:
    sent = form(("file", '; filename="../../etc/pass\x1b[1mwd"', b"x"), PURPOSE)
    assert server.http.post("/v1/files", **sent).json()["filename"] == "pass[1mwd"
    sent = form(("file", "", b"x"), PURPOSE)
    assert server.http.post("/v1/files", **sent).json()["filename"] == "file"


def test_nothing_lies_on_the_disk_in_the_clear(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("a temporary file was opened")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, forbidden)
    answer = "Wombats and aardvarks. " * 4000
    server = make_server(thinker=ScriptedThinker(answer, context_tokens=1_000_000))
    lines = [chat_line("badger", metadata={"m": "marmoset"}), chat_line("stoat", temperature=9)]
    lines[0]["body"]["messages"][0]["content"] = "Of weasels? " * 120_000
    batch = run(server.client, lines, metadata={"of": "ferrets"})
    assert batch.output_file_id is not None
    assert b"aardvarks" in server.client.files.content(batch.output_file_id).content
    secrets = (
        b"ardvark", b"easels", b"badger", b"stoat", b"marmoset", b"ferret", b"lines.jsonl", batch.id.encode(),
        batch.input_file_id.encode(), batch.output_file_id.encode(), b"temperature",
    )  # fmt: skip
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert len(everything) > 1_000_000
    for secret in secrets:
        assert secret not in everything
    for file in (tmp_path / "files").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_who_hangs_up_leaves_nothing(make_server: MakeServer, tmp_path: Path) -> None:
    server = make_server()

    def cut() -> Any:
        yield form(FILE)["content"][:60] + b"x" * 2_000_000
        raise ConnectionError

    with pytest.raises(ConnectionError):
        server.http.post("/v1/files", content=cut(), headers={"content-type": "multipart/form-data; boundary=edge"})
    deadline_s = time.monotonic() + 5
    while list((tmp_path / "files").iterdir()):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    with httpx.Client(base_url=server.url) as other:
        assert upload(other).status_code == 200
