"""`POST /tokenize`: the token ids of a text, for `logit_bias`, and their number; as llama-server and vLLM have it.

So a Viva Voce can also think for another one and be asked for counts. Knows no tokenizer.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from vivavoce.errors import InvalidRequest, MissingParameter
from vivavoce.server.bodies import read_model
from vivavoce.server.openapi import answered_by, body_of
from vivavoce.server.service import Service

ROUTER = APIRouter()


class TokenizeRequest(BaseModel):
    """`content` as llama-server names it, or `prompt` as vLLM does; what else they take is left alone."""

    content: str | None = None
    prompt: str | None = None


class Tokens(BaseModel):
    tokens: list[int]
    count: int


@ROUTER.post("/tokenize", responses=answered_by(Tokens), openapi_extra=body_of(TokenizeRequest))
async def tokenize(request: Request) -> dict[str, Any]:
    """`{"tokens": [ids], "count": n}` of the text alone: no template, no special tokens."""
    service: Service = request.app.state.service
    body = await read_model(request, TokenizeRequest, service.limits.body_bytes)
    text = body.content if body.content is not None else body.prompt
    if text is None:
        raise MissingParameter("Missing required parameter: 'content'.", param="content")
    tokens = await (await service.engines()).thinker.tokenize(text)
    if tokens is None:
        raise InvalidRequest("The server that thinks for this one does not tell its tokens.", code="unsupported_value")
    return {"tokens": tokens, "count": len(tokens)}
