"""The answer of `GET /v1/usage`, as the OpenAPI page describes it. Shapes only."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UsageKey(_Answer):
    id: str
    name: str | None


class UsageSums(_Answer):
    """One day, key and model; null where it was not told apart, `key` also where none was asked for.

    `price_usd`: what the original would have asked, by the price book; `cost_usd`: what it cost here. Both are decimal
    numbers as text, and null where nothing of it is known; so many requests are not in them.
    """

    day: str | None
    key: UsageKey | None
    model: str | None
    requests: int
    input_tokens: int
    output_tokens: int
    input_text_tokens: int
    input_audio_tokens: int
    input_cached_tokens: int
    output_text_tokens: int
    output_audio_tokens: int
    input_characters: int
    heard_s: float
    spoken_s: float
    machine_s: float
    price_usd: str | None
    unpriced_requests: int
    cost_usd: str | None
    uncosted_requests: int


class UsageList(_Answer):
    object: Literal["list"]
    since: str
    until: str
    data: list[UsageSums]
