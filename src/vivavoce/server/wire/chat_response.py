"""Answers of `POST /v1/chat/completions`: the whole object, and the chunks of a stream in an order that every
official client rebuilds rightly (one id, no summed expiry, a finish_reason, usage last).

Knows no route and no engine.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pybase64

from vivavoce.listen.manner import Tone
from vivavoce.listen.note import unclear
from vivavoce.listen.speakers.assigning import main_speakers
from vivavoce.listen.tone import tone_by_speaker
from vivavoce.server.wire.events import event
from vivavoce.server.wire.tool_calls import Calls, CallStyle
from vivavoce.think.base import FinishReason, TokenLogprob
from vivavoce.turn import Called, PartHeard
from vivavoce.usage import Usage

OBFUSCATION_STEP_BYTES = 64


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """What every object of one reply carries. Times in Unix seconds.

    written: a spoken reply has its words in `content` too, because they are JSON, and what is spoken is not.
    may_call: a spoken reply may turn out to be calls alone, without any sound.
    """

    completion_id: str
    model: str
    created: int
    fingerprint: str
    audio_id: str | None = None
    written: bool = False
    may_call: bool = False
    calls: CallStyle = field(default_factory=CallStyle)


@dataclass(slots=True)
class Answer:
    """One choice, written. `logprobs` stay empty unless asked for, and where the thinker can't tell. `read`: the words
    that were spoken in place of JSON."""

    text: str = ""
    read: str = ""
    calls: Calls = field(default_factory=Calls)
    finish_reason: FinishReason = "stop"
    logprobs: list[TokenLogprob] = field(default_factory=list[TokenLogprob])


def heard_object(index: int, part: PartHeard) -> dict[str, Any]:
    """The `heard` extension for one audio part. `index` lets stream helpers gather several of them in a list."""
    heard = part.heard
    only = heard.speakers[0].speaker if heard.speakers else "A"
    speakers = main_speakers(heard) or [only] * len(heard.segments)
    return {
        "index": index,
        "message_index": part.message,
        "part_index": part.part,
        "transcript": heard.transcript,
        "language": heard.language,
        "language_probability": round(heard.language_probability, 4),
        "languages": [
            {
                "language": span.language,
                "start": round(span.start_s, 3),
                "end": round(span.end_s, 3),
                "text": span.text,
            }
            for span in heard.languages
        ],
        "no_speech_probability": round(heard.no_speech_probability, 4),
        "duration": round(heard.duration_s, 3),
        "speakers": [
            {"speaker": turn.speaker, "start": round(turn.start_s, 3), "end": round(turn.end_s, 3)}
            for turn in heard.speakers
        ],
        "words": [
            {
                "word": word.text,
                "start": round(word.start_s, 3),
                "end": round(word.end_s, 3),
                "probability": round(word.probability, 4),
            }
            for word in heard.words
        ],
        "unclear": unclear(heard),
        "note": part.note or None,
        "tone": tone_object(heard.tone),
        "tone_by_speaker": {
            name: tone_object(tone) for name, tone in tone_by_speaker(heard.tones, speakers[: len(heard.tones)]).items()
        },
        "utterances": [
            {
                "start": round(segment.start_s, 3),
                "end": round(segment.end_s, 3),
                "speaker": speaker,
                "tone": tone_object(tone),
            }
            for segment, speaker, tone in zip(heard.segments, speakers, heard.tones, strict=False)
        ],
    }


def tone_object(tone: Tone | None) -> dict[str, Any] | None:
    """Null where tone was not read."""
    if tone is None:
        return None
    prosody = tone.prosody
    return {
        "emotion": tone.emotion,
        "emotions": {name: round(probability, 4) for name, probability in tone.emotions},
        "arousal": round(tone.arousal, 3),
        "valence": round(tone.valence, 3),
        "urgency": round(tone.urgency, 4),
        "prosody": {
            "pitch_hz": _rounded(prosody.pitch_hz),
            "pitch_semitones": _rounded(prosody.pitch_semitones),
            "pitch_range_semitones": round(prosody.pitch_range_semitones, 1),
            "loudness_dbfs": round(prosody.loudness_dbfs, 1),
            "pace_syllables_per_s": round(prosody.pace_syllables_per_s, 1),
            "pauses": prosody.pauses,
            "pause_duration": round(prosody.pause_s, 2),
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


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
    null and the words are `audio.transcript`, as the original does; a JSON answer stays in `content`. Calls alone have
    neither words nor sound."""
    choices: list[dict[str, Any]] = []
    for index, answer in enumerate(answers):
        message: dict[str, Any] = {
            "role": "assistant",
            "content": _content(head, answer, spoken=audio is not None),
            "refusal": None,
            "annotations": [],
            **head.calls.members(answer.calls.whole),
        }
        if audio is not None:
            message["audio"] = {
                "id": head.audio_id,
                "data": pybase64.b64encode_as_string(audio),
                "expires_at": expires_at,
                "transcript": answer.read if head.written else answer.text,
            }
        if heard and not index:
            message["heard"] = [heard_object(number, part) for number, part in enumerate(heard)]
        told = logprobs_object(answer.logprobs)
        reason = head.calls.finish_reason(answer.finish_reason, called=bool(answer.calls.whole))
        choices.append({"index": index, "message": message, "logprobs": told, "finish_reason": reason})
    return _object(head, "chat.completion") | {"choices": choices, "usage": usage_object(usage)}


def _content(head: ReplyHead, answer: Answer, *, spoken: bool) -> str | None:
    if spoken and not head.written:
        return None
    return answer.text or (None if answer.calls.whole else "")


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
        self._called = [False] * choices
        self._announced = head.audio_id is None or not head.may_call

    def _chunk(
        self,
        delta: dict[str, Any],
        choice: int = 0,
        *,
        logprobs: Sequence[TokenLogprob] = (),
        finish_reason: str | None = None,
    ) -> bytes:
        about = {"index": choice, "delta": delta, "logprobs": logprobs_object(logprobs), "finish_reason": finish_reason}
        body = _object(self._head, "chat.completion.chunk") | {"choices": [about]}
        if self._obfuscated:
            # Hides the length of words from whoever watches the line: random filler up to the next full step.
            missing = -len(json.dumps(delta, ensure_ascii=False).encode()) % OBFUSCATION_STEP_BYTES
            body["obfuscation"] = secrets.token_hex(missing)[:missing]
        return event(body | {"usage": None} if self._with_usage else body)

    def start(self) -> bytes:
        """Role, and the audio id: once per choice, because stream helpers join repeated strings. Where the answer may
        turn out to be calls, the id comes with the first words or sound instead."""
        content = None if self._head.audio_id is not None or self._head.may_call else ""
        delta: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if self._head.audio_id is not None and self._announced:
            delta |= {"audio": {"id": self._head.audio_id, "transcript": ""}}
        return b"".join(self._chunk(delta, choice) for choice in range(self._choices))

    def heard(self, part: PartHeard) -> bytes:
        self._heard += 1
        return self._chunk({"heard": [heard_object(self._heard - 1, part)]})

    def text(self, text: str, choice: int, logprobs: Sequence[TokenLogprob]) -> bytes:
        if self._head.audio_id is None or self._head.written:
            return self._chunk({"content": text}, choice, logprobs=logprobs)
        return self._audio({"transcript": text}, logprobs)

    def read(self, text: str) -> bytes:
        """Words spoken in place of a JSON answer, which is told by `text`."""
        return self._audio({"transcript": text})

    def called(self, called: Called) -> bytes:
        self._called[called.choice] = True
        return self._chunk(self._head.calls.delta(called), called.choice)

    def sound(self, data: bytes) -> bytes:
        return self._audio({"data": pybase64.b64encode_as_string(data)})

    def _audio(self, audio: dict[str, Any], logprobs: Sequence[TokenLogprob] = ()) -> bytes:
        if not self._announced:
            self._announced = True
            audio = {"id": self._head.audio_id, "transcript": "", **audio}
        return self._chunk({"audio": audio}, logprobs=logprobs)

    def end(self, finish_reasons: Sequence[FinishReason], usage: Usage, expires_at: int | None) -> bytes:
        """Expiry (of a spoken reply) once and before the finish reasons, then usage, then `[DONE]`."""
        last = b""
        if expires_at is not None:
            last += self._audio({"expires_at": expires_at})
        for choice, reason in enumerate(finish_reasons):
            told = self._head.calls.finish_reason(reason, called=self._called[choice])
            last += self._chunk({}, choice, finish_reason=told)
        if self._with_usage:
            body = _object(self._head, "chat.completion.chunk")
            last += event(body | {"choices": [], "usage": usage_object(usage)})
        return last + b"data: [DONE]\n\n"
