"""`GET /v1/audio/voices`: the voices that a request may name, here and now. Ours: the original has no such list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from vivavoce.server.openapi import answered_by
from vivavoce.server.service import Service
from vivavoce.server.wire.answers import VoiceList
from vivavoce.speak.base import Voice
from vivavoce.speak.voices import OPENAI_NAMES, resolve_voice

ROUTER = APIRouter()


@ROUTER.get("/v1/audio/voices", responses=answered_by(VoiceList))
async def list_voices(request: Request) -> dict[str, Any]:
    """OpenAI's names first, with the voice that answers to each; then all voices whose language can be read here."""
    service: Service = request.app.state.service
    voices = (await service.engines()).speaker.voices
    named = [_row(name, resolve_voice(name, voices), voices) for name in OPENAI_NAMES if voices]
    own = [_row(voice.id, voice.id, voices) for voice in voices.values() if voice.readable]
    return {"object": "list", "data": [*named, *own]}


def _row(name: str, id_: str, voices: Mapping[str, Voice]) -> dict[str, Any]:
    voice = voices[id_]
    return {
        "id": name,
        "object": "voice",
        "voice": voice.id,
        "language": voice.language,
        "gender": voice.gender,
        "description": voice.description,
    }
