"""The official JavaScript client: files and a batch through real weights."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from node_clients import run_script
from real_servers import RealServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def seen(real_server: RealServer, question: Path) -> dict[str, Any]:
    recording = base64.b64encode(question.read_bytes()).decode()
    return run_script("batches.mjs", base_url=f"{real_server.url}/v1", recording=recording)


@pytest.mark.proves("openai (JavaScript)", "POST /v1/batches", "GET /v1/files/{id}/content")
def test_a_batch_is_run_and_read(seen: dict[str, Any]) -> None:
    batch = seen["batch"]
    assert batch["status"] == "completed"
    assert batch["request_counts"] == {"total": 3, "completed": 2, "failed": 1}
    assert [line["custom_id"] for line in seen["output"]] == ["inline", "named"]
    for line in seen["output"]:
        assert "capital of France" in line["response"]["body"]["text"]
    (bad,) = seen["errors"]
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("bad", 400)


@pytest.mark.proves("POST /v1/files", "GET /v1/files", "GET /v1/batches", "DELETE /v1/files/{id}")
def test_files_and_batches_are_listed_and_refused(seen: dict[str, Any]) -> None:
    assert seen["named"]["expires_at"] - seen["named"]["created_at"] in (3600, 3601)
    assert set(seen["listed"]) >= {seen["named"]["id"], seen["input"]["id"], seen["batch"]["output_file_id"]}
    assert len(set(seen["listed"])) == len(seen["listed"]), "pages do not overlap"
    assert seen["batches"][0] == seen["batch"]["id"]
    assert seen["deleted"] == {"id": seen["named"]["id"], "object": "file", "deleted": True}
    assert seen["refused"] == {"name": "BadRequestError", "status": 400, "code": "batch_has_ended"}
