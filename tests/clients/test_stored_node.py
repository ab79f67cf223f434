"""The official JavaScript client keeps, lists and deletes completions, over two workers on scripted engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from node_clients import run_script
from real_servers import serving

SCRIPTED = {"VIVA_LISTEN": "scripted:what is two", "VIVA_THINK": "scripted:Four.", "VIVA_SPEAK": "scripted:hum"}


@pytest.fixture(scope="module")
def seen() -> Iterator[dict[str, Any]]:
    with serving(VIVA_WORKERS="2", **SCRIPTED) as server:
        yield run_script("stored.mjs", base_url=f"{server.url}/v1")


@pytest.mark.proves("openai (JavaScript)", "store", "GET /v1/chat/completions")
def test_lists_are_iterated(seen: dict[str, Any]) -> None:
    assert len(set(seen["ids"])) == 4
    assert seen["listed"] == seen["ids"]
    assert seen["backwards"] == seen["ids"][::-1]
    assert seen["narrowed"] == [seen["ids"][1]]


@pytest.mark.proves("GET, POST, DELETE /v1/chat/completions/{id}", "GET /v1/chat/completions/{id}/messages")
def test_one_is_fetched_labelled_and_deleted(seen: dict[str, Any]) -> None:
    assert seen["updated"]["metadata"] == {"number": "ten"}
    assert seen["retrieved"] == seen["updated"]
    assert seen["retrieved"]["choices"][0]["message"]["content"] == "Four."
    (message,) = seen["messages"]
    assert (message["id"], message["role"], message["content"]) == (f"{seen['ids'][3]}-0", "user", "Two plus two?")
    assert [each["id"] for each in seen["deleted"]] == seen["ids"]
    assert all(each["deleted"] for each in seen["deleted"])
    assert seen["left"] == []
    assert seen["missing"] == {"name": "NotFoundError", "status": 404, "code": "not_found", "param": "completion_id"}
