"""The OpenAPI page is valid, complete, and needs no other host."""

from __future__ import annotations

import pytest
from scripted_app import ScriptedServer


@pytest.mark.proves("GET /openapi.json")
def test_the_page_describes_bodies_answers_and_errors(server: ScriptedServer) -> None:
    page = server.http.get("/openapi.json").json()
    chat = page["paths"]["/v1/chat/completions"]["post"]
    assert chat["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ChatRequest"}
    assert set(chat["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert set(chat["responses"]) == {"200", "4XX", "5XX"}
    content = page["components"]["schemas"]["UserMessage"]["properties"]["content"]["anyOf"]
    assert [kind["type"] for kind in content] == ["string", "array"]


def test_every_reference_leads_somewhere(server: ScriptedServer) -> None:
    page = server.http.get("/openapi.json").json()

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for key, inner in value.items() for text in ([inner] if key == "$ref" else references(inner))]
        return [text for inner in value for text in references(inner)] if isinstance(value, list) else []

    known = {f"#/components/schemas/{name}" for name in page["components"]["schemas"]}
    assert set(references(page)) <= known
    assert len(set(references(page))) > 20
