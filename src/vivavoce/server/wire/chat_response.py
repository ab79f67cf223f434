"""Answers of `POST /v1/chat/completions`: the whole object, and the chunks of a stream in an order that every
official client rebuilds rightly (one id, no summed expiry, a finish_reason, usage last).

Knows no route and no engine.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.server.wire.events import event
from vivavoce.think.base import FinishReason, TokenLogprob
from vivavoce.turn import PartHeard
from vivavoce.usage import Usage

OBFUSCATION_STEP_BYTES = 64


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """What every object of one reply carries. Times in Unix seconds."""

    completion_id: str
    model: str
    created: int
    fingerprint: str
    audio_id: str | None = None


@dataclass(slots=True)
class Answer:
    """One choice, written. `logprobs` stay empty unless asked for, and where the thinker can't tell."""

    text: str = ""
    finish_reason: FinishReason = "stop"
    logprobs: list[TokenLogprob] = field(default_factory=list[TokenLogprob])


def heard_object(index: int, part: PartHeard) -> dict[str, Any]:
    """The `heard` extension for one audio part. `index` lets stream helpers gather several of them in a list."""
    heard = part.heard
    return {
        "index": index,
        "message_index": part.message,
        "part_index": part.part,
        "transcript": heard.transcript,
        "language": heard.language,
        "language_probability": round(heard.language_probability, 4),
        "no_speech_probability": round(heard.no_speech_probability, 4),
        "duration": round(heard.duration_s, 3),
        "words": [
            {
                "word": word.text,
                "start": round(word.start_s, 3),
                "end": round(word.end_s, 3),
                "probability": round(word.probability, 4),
            }
            for word in heard.words
        ],
    }


def usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.input_cached_tokens,
            "audio_tokens": usage.input_audio_tokens,
            "text_tokens": usage.input_text_tokens,
            "image_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": usage.output_audio_tokens,
            "text_tokens": usage.output_text_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprobs_object(logprobs: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    if not logprobs:
        return None
    content = [_token(told) | {"top_logprobs": [_token(top) for top in told.top]} for told in logprobs]
    return {"content": content, "refusal": None}


def _token(told: TokenLogprob) -> dict[str, Any]:
    return {"token": told.token, "logprob": told.logprob, "bytes": list(told.raw)}


def completion(
    head: ReplyHead,
    answers: Sequence[Answer],
    audio: bytes | None,
    expires_at: int | None,
    heard: Sequence[PartHeard],
    usage: Usage,
) -> dict[str, Any]:
    """The whole reply. What was heard is told with the first choice. With sound there is one only; its `content` is
    null and the words are `audio.transcript`, as the original does."""
    choices: list[dict[str, Any]] = []
    for index, answer in enumerate(answers):
        message: dict[str, Any] = {
            "role": "assistant",
            "content": answer.text if audio is None else None,
            "refusal": None,
            "annotations": [],
        }
        if audio is not None:
            message["audio"] = {
                "id": head.audio_id,
                "data": base64.b64encode(audio).decode("ascii"),
                "expires_at": expires_at,
                "transcript": answer.text,
            }
        if heard and not index:
            message["heard"] = [heard_object(number, part) for number, part in enumerate(heard)]
        told = logprobs_object(answer.logprobs)
        choices.append({"index": index, "message": message, "logprobs": told, "finish_reason": answer.finish_reason})
    return _object(head, "chat.completion") | {"choices": choices, "usage": usage_object(usage)}


def _object(head: ReplyHead, kind: str) -> dict[str, Any]:
    return {
        "id": head.completion_id,
        "object": kind,
        "created": head.created,
        "model": head.model,
        "service_tier": "default",
        "system_fingerprint": head.fingerprint,
    }


class ChunkWriter:
    """Server-sent events of one streamed reply, each method returning the bytes of one event."""

    def __init__(self, head: ReplyHead, *, choices: int = 1, with_usage: bool, obfuscated: bool = False) -> None:
        self._head = head
        self._choices = choices
        self._with_usage = with_usage
        self._obfuscated = obfuscated
        self._heard = 0

    def _chunk(
        self,
        delta: dict[str, Any],
        choice: int = 0,
        *,
        logprobs: Sequence[TokenLogprob] = (),
        finish_reason: FinishReason | None = None,
    ) -> bytes:
        about = {"index": choice, "delta": delta, "logprobs": logprobs_object(logprobs), "finish_reason": finish_reason}
        body = _object(self._head, "chat.completion.chunk") | {"choices": [about]}
        if self._obfuscated:
            # Hides the length of words from whoever watches the line: random filler up to the next full step.
            missing = -len(json.dumps(delta, ensure_ascii=False).encode()) % OBFUSCATION_STEP_BYTES
            body["obfuscation"] = secrets.token_hex(missing)[:missing]
        return event(body | {"usage": None} if self._with_usage else body)

    def start(self) -> bytes:
        """Role, and the audio id: once per choice, because stream helpers join repeated strings."""
        delta: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
        if self._head.audio_id is not None:
            delta |= {"content": None, "audio": {"id": self._head.audio_id, "transcript": ""}}
        return b"".join(self._chunk(delta, choice) for choice in range(self._choices))

    def heard(self, part: PartHeard) -> bytes:
        self._heard += 1
        return self._chunk({"heard": [heard_object(self._heard - 1, part)]})

    def text(self, text: str, choice: int, logprobs: Sequence[TokenLogprob]) -> bytes:
        delta = {"content": text} if self._head.audio_id is None else {"audio": {"transcript": text}}
        return self._chunk(delta, choice, logprobs=logprobs)

    def sound(self, data: bytes) -> bytes:
        return self._chunk({"audio": {"data": base64.b64encode(data).decode("ascii")}})

    def end(self, finish_reasons: Sequence[FinishReason], usage: Usage, expires_at: int | None) -> bytes:
        """Expiry (of a spoken reply) once and before the finish reasons, then usage, then `[DONE]`."""
        last = b""
        if expires_at is not None:
            last += self._chunk({"audio": {"expires_at": expires_at}})
        for choice, reason in enumerate(finish_reasons):
            last += self._chunk({}, choice, finish_reason=reason)
        if self._with_usage:
            body = _object(self._head, "chat.completion.chunk")
            last += event(body | {"choices": [], "usage": usage_object(usage)})
        return last + b"data: [DONE]\n\n"
