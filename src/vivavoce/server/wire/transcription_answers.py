"""Transcriptions as the OpenAPI page describes them. Shapes only; the writers are in `transcription.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TokenDetails(_Answer):
    text_tokens: int
    audio_tokens: int


class HeardUsage(_Answer):
    """`duration`: `seconds`, rounded up; `tokens`: the counts."""

    type: Literal["tokens", "duration"]
    seconds: int | None = None
    input_tokens: int | None = None
    input_token_details: TokenDetails | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


class TimedWord(_Answer):
    word: str
    start: float
    end: float


class HeardSegment(_Answer):
    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    language: str | None


class HeardLogprob(_Answer):
    token: str
    logprob: float
    bytes: list[int]


class HeardLanguage(_Answer):
    code: str


class SaidSegment(_Answer):
    """Who says what, in a `diarized_json` answer."""

    type: Literal["transcript.text.segment"]
    id: str
    start: float
    end: float
    text: str
    speaker: str


class Span(_Answer):
    start: float
    end: float


class Translated(_Answer):
    """`text` alone for `json`; the rest is `verbose_json`."""

    text: str
    task: Literal["transcribe", "translate"] | None = None
    language: str | None = None
    duration: float | None = None
    segments: list[HeardSegment] | None = None
    usage: HeardUsage | None = None


class Transcript(Translated):
    segments: list[HeardSegment] | list[SaidSegment] | None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    overlaps: list[Span] | None = None
    words: list[TimedWord] | None = None
    languages: list[HeardLanguage] | None = None
    logprobs: list[HeardLogprob] | None = None
