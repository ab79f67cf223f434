"""`/v1/models`: the names that clients ask for. All of them are answered by the engines this server runs.

The retired and retiring names of the original are aliases; nothing pretends to be the original's weights: each row says
what really runs, and `system_fingerprint` changes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from vivavoce.errors import ModelNotFound
from vivavoce.server.openapi import answered_by
from vivavoce.server.service import Service
from vivavoce.server.wire.answers import ModelList, ModelRow

OWN_NAME = "viva-voce"

ALIASES: dict[str, str | None] = {
    "gpt-4o-mini-audio-preview": "2026-05-07",
    "gpt-4o-mini-audio-preview-2024-12-17": "2026-05-07",
    "gpt-4o-audio-preview": "2026-05-07",
    "gpt-4o-audio-preview-2024-10-01": "2025-10-10",
    "gpt-4o-audio-preview-2024-12-17": "2026-05-07",
    "gpt-4o-audio-preview-2025-06-03": "2026-05-07",
    "gpt-audio": None,
    "gpt-audio-2025-08-28": None,
    "gpt-audio-1.5": None,
    "gpt-audio-mini": "2027-01-20",
    "gpt-audio-mini-2025-10-06": None,
    "gpt-audio-mini-2025-12-15": "2027-01-20",
}
"""The original's chat models that speak -> the day it shut (or shuts) them down, None where no day was announced.

Source: the deprecation notes in the official Python client 3.54.0. The names go on working here.
"""

SPEECH_NAMES: dict[str, str | None] = {
    "gpt-4o-mini-tts": "2027-01-06",
    "gpt-4o-mini-tts-2025-12-15": "2027-01-06",
    "tts-1": "2027-01-06",
    "tts-1-hd": "2027-01-06",
}
"""The original's models of `/v1/audio/speech`, likewise."""

HEARING_NAMES: dict[str, str | None] = {
    "whisper-1": "2027-02-26",
    "gpt-transcribe": None,
    "gpt-4o-transcribe": "2027-02-26",
    "gpt-4o-mini-transcribe": "2027-02-26",
    "gpt-4o-mini-transcribe-2025-12-15": "2027-02-26",
    "gpt-4o-transcribe-diarize": "2027-02-26",
}
"""The original's models of `/v1/audio/transcriptions` and `/v1/audio/translations`, likewise."""

ONE_STAGE = dict.fromkeys(SPEECH_NAMES, "speak") | dict.fromkeys(HEARING_NAMES, "listen")
"""Names behind which a single stage works."""

ROUTER = APIRouter()


def check_model(name: str, served: Mapping[str, str | None] = ALIASES) -> None:
    """Raises `ModelNotFound` (404, as the original) for a name that is not among those `served` by a route."""
    if name != OWN_NAME and name not in served:
        raise ModelNotFound(
            f"The model '{name}' does not exist here or is not for this route. GET /v1/models lists what is "
            f"served; '{next(iter(served))}' is, for this route.",
            param="model",
        )


async def _rows(service: Service, *names: str) -> list[dict[str, Any]]:
    """What is served under `names`. The window is null while the engines load, and for a remote thinker."""
    thinker = (await service.engines()).thinker if service.ready()[0] else None
    behind: dict[str, Any] = {
        "engines": dict(service.engine_names),
        "context_tokens": thinker.context_tokens if thinker else None,
        "default_max_text_tokens": thinker.answer_tokens if thinker else None,
        "max_audio_s": service.limits.audio_s,
    }
    names_of = service.engine_names
    alone: dict[str, dict[str, Any]] = {
        stage: dict.fromkeys(behind) | {"engines": {stage: names_of[stage]} if stage in names_of else {}}
        for stage in ("listen", "speak")
    }
    alone["listen"]["max_audio_s"] = service.limits.audio_s
    head = {"object": "model", "created": service.started_at, "owned_by": "vivavoce"}
    shut = SPEECH_NAMES | HEARING_NAMES | ALIASES
    return [
        {"id": name}
        | head
        | (alone[ONE_STAGE[name]] if name in ONE_STAGE else behind)
        | {"original_shutdown_date": shut.get(name)}
        for name in names
    ]


@ROUTER.get("/v1/models", responses=answered_by(ModelList))
async def list_models(request: Request) -> dict[str, Any]:
    return {"object": "list", "data": await _rows(request.app.state.service, OWN_NAME, *ALIASES, *ONE_STAGE)}


@ROUTER.get("/v1/models/{name}", responses=answered_by(ModelRow))
async def get_model(name: str, request: Request) -> dict[str, Any]:
    check_model(name, {**ALIASES, **SPEECH_NAMES, **HEARING_NAMES})
    return (await _rows(request.app.state.service, name))[0]
