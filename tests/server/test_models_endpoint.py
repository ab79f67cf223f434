"""What `/v1/models` tells: every name that old code may ask for, and what answers to it here."""

from __future__ import annotations

import openai
import pytest
from scripted_app import MakeServer, ScriptedServer

RETIRED_OR_RETIRING = (
    "gpt-4o-mini-audio-preview",
    "gpt-4o-mini-audio-preview-2024-12-17",
    "gpt-4o-audio-preview",
    "gpt-4o-audio-preview-2024-10-01",
    "gpt-4o-audio-preview-2024-12-17",
    "gpt-4o-audio-preview-2025-06-03",
    "gpt-audio",
    "gpt-audio-1.5",
    "gpt-audio-mini",
    "gpt-audio-mini-2025-10-06",
    "gpt-audio-mini-2025-12-15",
)


@pytest.mark.proves("model", "GET /v1/models, /v1/models/{id}")
def test_every_name_is_listed_and_answers(server: ScriptedServer) -> None:
    listed = {model.id for model in server.client.models.list()}
    for name in (*RETIRED_OR_RETIRING, "viva-voce"):
        assert name in listed
        assert server.client.models.retrieve(name).id == name
        done = server.client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hello"}])
        assert done.model == name


@pytest.mark.proves("GET /v1/models, /v1/models/{id}")
def test_a_row_says_what_runs_behind_the_name(make_server: MakeServer) -> None:
    server = make_server()
    server.service.engine_names = {"listen": "whisper:whisper-base", "think": "llamacpp:some", "speak": "kokoro:some"}
    row = server.http.get("/v1/models/gpt-4o-mini-audio-preview").json()
    assert row == {
        "id": "gpt-4o-mini-audio-preview",
        "object": "model",
        "created": server.service.started_at,
        "owned_by": "vivavoce",
        "engines": server.service.engine_names,
        "context_tokens": 4096,
        "default_max_text_tokens": None,
        "max_audio_s": 1800.0,
        "original_shutdown_date": "2026-05-07",
    }


def test_models_are_listed_while_the_engines_load(make_server: MakeServer) -> None:
    server = make_server()
    server.service.ready = lambda: (False, "loading")
    rows = server.http.get("/v1/models").json()["data"]
    assert {row["context_tokens"] for row in rows} == {None}


def test_a_name_that_is_not_served_is_404(server: ScriptedServer) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        server.client.models.retrieve("gpt-5")
    assert caught.value.code == "model_not_found"
