"""`/v1/models`: the names that clients ask for. All of them are answered by the engines this server runs.

The retired and retiring names of the original are aliases; nothing pretends to be the original's weights:
`system_fingerprint` names what really runs.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from vivavoce.errors import ModelNotFound

OWN_NAME = "viva-voce"

ALIASES = (
    "gpt-4o-mini-audio-preview",
    "gpt-4o-mini-audio-preview-2024-12-17",
    "gpt-4o-audio-preview",
    "gpt-4o-audio-preview-2024-10-01",
    "gpt-4o-audio-preview-2024-12-17",
    "gpt-4o-audio-preview-2025-06-03",
    "gpt-audio",
    "gpt-audio-2025-08-28",
    "gpt-audio-1.5",
    "gpt-audio-mini",
    "gpt-audio-mini-2025-10-06",
    "gpt-audio-mini-2025-12-15",
)

ROUTER = APIRouter()


def check_model(name: str) -> None:
    """Raises `ModelNotFound` (404, as the original) for a name that is not served."""
    if name != OWN_NAME and name not in ALIASES:
        raise ModelNotFound(
            f"The model '{name}' does not exist or you do not have access to it. GET /v1/models lists what is "
            f"served; '{ALIASES[0]}' always is.",
            param="model",
        )


def _row(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "vivavoce"}


@ROUTER.get("/v1/models")
async def list_models(request: Request) -> dict[str, Any]:
    created: int = request.app.state.service.started_at
    return {"object": "list", "data": [_row(name, created) for name in (OWN_NAME, *ALIASES)]}


@ROUTER.get("/v1/models/{name}")
async def get_model(name: str, request: Request) -> dict[str, Any]:
    check_model(name)
    return _row(name, request.app.state.service.started_at)
