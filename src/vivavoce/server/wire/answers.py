"""Answers as the OpenAPI page describes them. The writers make plain dicts; fuzzing compares those with these shapes.

Shapes only; knows no route.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Error(_Answer):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(_Answer):
    """Every error of every route."""

    error: Error


class Health(_Answer):
    """`worker` is the id of the process that answered."""

    status: str
    worker: int


class ModelRow(_Answer):
    """`engines`: stage -> `kind:model` of the stages that answer to the name; figures of other stages are null.
    `original_shutdown_date`: when the original of that name was, or will be, switched off (ISO 8601)."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    engines: dict[str, str]
    context_tokens: int | None
    default_max_text_tokens: int | None
    max_audio_s: float | None
    original_shutdown_date: str | None


class ModelList(_Answer):
    object: Literal["list"]
    data: list[ModelRow]


class VoiceRow(_Answer):
    """`id`: what a request may name. `voice`: the voice that answers to it. `language`: BCP 47."""

    id: str
    object: Literal["voice"]
    voice: str
    language: str
    gender: str
    description: str


class VoiceList(_Answer):
    object: Literal["list"]
    data: list[VoiceRow]


class DeletedReply(_Answer):
    id: str
    object: Literal["audio.reply.deleted"]
    deleted: Literal[True]


class HeardWord(_Answer):
    """Times in seconds from the start of the recording."""

    word: str
    start: float
    end: float
    probability: float


class HeardSpan(_Answer):
    """What is said in one language before the next; times in seconds from the start of the recording."""

    language: str
    start: float
    end: float
    text: str


class HeardProsody(_Answer):
    """Semitones are above 100 Hz; pauses are of 0.2 s and more, all of them `pause_duration` seconds together."""

    pitch_hz: float | None
    pitch_semitones: float | None
    pitch_range_semitones: float
    loudness_dbfs: float
    pace_syllables_per_s: float
    pauses: int
    pause_duration: float


class HeardTone(_Answer):
    """`emotions`: probabilities. Arousal and valence in [-1, 1]; `urgency`: the probability of anger or fear."""

    emotion: str
    emotions: dict[str, float]
    arousal: float
    valence: float
    urgency: float
    prosody: HeardProsody


class HeardUtterance(_Answer):
    """Times in seconds from the start of the recording."""

    start: float
    end: float
    speaker: str
    tone: HeardTone


class HeardTurn(_Answer):
    """When one speaker speaks, in seconds from the start; turns of several may overlap."""

    speaker: str
    start: float
    end: float


class HeardPart(_Answer):
    index: int
    message_index: int
    part_index: int
    transcript: str
    language: str | None
    language_probability: float
    languages: list[HeardSpan]
    no_speech_probability: float
    duration: float
    speakers: list[HeardTurn]
    words: list[HeardWord]
    unclear: list[str]
    note: str | None
    tone: HeardTone | None
    tone_by_speaker: dict[str, HeardTone]
    utterances: list[HeardUtterance]


class SpokenAudio(_Answer):
    """`data` in base64; `expires_at` in Unix seconds."""

    id: str
    data: str
    expires_at: int
    transcript: str


class CalledFunction(_Answer):
    name: str
    arguments: str


class ToolCall(_Answer):
    """`arguments`: JSON as text; whole, unless the `finish_reason` is `length`."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class AnswerMessage(BaseModel):
    role: Literal["assistant"]
    content: str | None
    refusal: None
    annotations: list[Any]
    audio: SpokenAudio | None = None
    heard: list[HeardPart] | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: CalledFunction | None = None


class Choice(BaseModel):
    index: int
    message: AnswerMessage
    logprobs: Any
    finish_reason: Literal["stop", "length", "tool_calls", "function_call"]


class PromptDetails(_Answer):
    cached_tokens: int
    audio_tokens: int
    text_tokens: int
    image_tokens: int


class CompletionDetails(_Answer):
    reasoning_tokens: int
    audio_tokens: int
    text_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class UsageCounts(_Answer):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class Completion(_Answer):
    """With `stream`, the answer is `text/event-stream` instead; docs/api/chat.md has its order. `metadata`: if it was
    to be stored."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    service_tier: str
    system_fingerprint: str
    choices: list[Choice]
    usage: UsageCounts
    metadata: dict[str, str] | None = None
