"""`GET /v1/audio/voices`: every name on the list can be asked for."""

from __future__ import annotations

import pytest
from scripted_app import ScriptedServer

from vivavoce.speak.voices import OPENAI_NAMES


@pytest.mark.proves("GET /v1/audio/voices")
def test_openai_names_come_first_with_the_voice_behind_them(server: ScriptedServer) -> None:
    rows = server.http.get("/v1/audio/voices").json()["data"]
    assert [row["id"] for row in rows] == [*OPENAI_NAMES, "af_heart", "am_adam"]
    assert rows[-1] == {"id": "am_adam", "object": "voice", "voice": "am_adam", "language": "en-US"} | {
        "gender": "female",
        "description": "a hum",
    }


@pytest.mark.proves("GET /v1/audio/voices")
def test_every_voice_on_the_list_speaks(server: ScriptedServer) -> None:
    for row in server.http.get("/v1/audio/voices").json()["data"]:
        body = {"model": "tts-1", "input": "Hello.", "voice": row["id"], "response_format": "pcm"}
        assert server.http.post("/v1/audio/speech", json=body).status_code == 200
