"""Answers of `/v1/audio/transcriptions` and `/v1/audio/translations`: JSON, and the events of a stream. Shapes only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vivavoce.languages import name_of
from vivavoce.listen.base import Heard, Segment, TokenHeard, space_before
from vivavoce.listen.captions import captions
from vivavoce.listen.speakers.assigning import utterances
from vivavoce.listen.speakers.base import overlaps
from vivavoce.server.wire.events import event
from vivavoce.usage import Usage

FRAMES_PER_S = 100
"""`seek` counts in these, as Whisper's own does."""

UNKNOWN = "unknown"
"""The language of a recording in which nobody spoke: clients want a string."""

BY_THE_MINUTE = ("whisper-1",)
"""Models of the original that were paid for by duration, so that is what they tell."""

SENDS_LANGUAGES = ("gpt-transcribe",)


def token_usage(usage: Usage) -> dict[str, Any]:
    return {
        "type": "tokens",
        "input_tokens": usage.input_tokens,
        "input_token_details": {"text_tokens": usage.input_text_tokens, "audio_tokens": usage.input_audio_tokens},
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def duration_usage(heard: Heard) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(heard.duration_s)}


def plain(model: str, heard: Heard, usage: Usage, *, logprobs: bool) -> dict[str, Any]:
    """`response_format: json` of a transcription."""
    body: dict[str, Any] = {"text": heard.transcript}
    if model in SENDS_LANGUAGES:
        body["languages"] = languages_of(heard.segments)
    if logprobs:
        body["logprobs"] = logprobs_of(heard.segments)
    return body | {"usage": duration_usage(heard) if model in BY_THE_MINUTE else token_usage(usage)}


def verbose(heard: Heard, granularities: set[str], *, task: str, logprobs: bool = False) -> dict[str, Any]:
    """`response_format: verbose_json`."""
    translated = task == "translate"
    body: dict[str, Any] = {
        "task": task,
        "language": "english" if translated else language_name(heard.language),
        "duration": round(heard.duration_s, 3),
        "text": heard.transcript,
    }
    if "word" in granularities:
        body["words"] = [
            {"word": word.text, "start": round(word.start_s, 3), "end": round(word.end_s, 3)} for word in heard.words
        ]
    if "segment" in granularities:
        parts = [(whole, part) for whole in heard.segments for part in captions(whole)]
        body["segments"] = [_segment(number, whole, part) for number, (whole, part) in enumerate(parts)]
    if logprobs:
        body["logprobs"] = logprobs_of(heard.segments)
    return body | {"usage": duration_usage(heard)}


def diarized(model: str, heard: Heard, usage: Usage) -> dict[str, Any]:
    """`response_format: diarized_json`. `overlaps`, where several speak at once, is ours."""
    return {
        "task": "transcribe",
        "duration": round(heard.duration_s, 3),
        "text": heard.transcript,
        "segments": said_segments(heard),
        "overlaps": overlap_rows(heard),
        "usage": duration_usage(heard) if model in BY_THE_MINUTE else token_usage(usage),
    }


def said_segments(heard: Heard) -> list[dict[str, Any]]:
    """Who says what, short enough for captions."""
    parts = [(each.speaker, part) for each in utterances(heard) for part in captions(each.segment)]
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03}",
            "start": round(part.start_s, 3),
            "end": round(part.end_s, 3),
            "text": part.text.strip(),
            "speaker": speaker,
        }
        for number, (speaker, part) in enumerate(parts, start=1)
    ]


def overlap_rows(heard: Heard) -> list[dict[str, float]]:
    return [{"start": round(start_s, 3), "end": round(end_s, 3)} for start_s, end_s in overlaps(heard.speakers)]


def _segment(number: int, whole: Segment, part: Segment) -> dict[str, Any]:
    return {
        "id": number,
        "seek": round(whole.start_s * FRAMES_PER_S),
        "start": round(part.start_s, 3),
        "end": round(part.end_s, 3),
        "text": space_before(part) + part.text.strip(),
        "tokens": list(part.tokens),
        "temperature": part.temperature,
        "avg_logprob": part.mean_log_probability,
        "compression_ratio": part.compression_ratio,
        "no_speech_prob": part.no_speech_probability,
        "language": whole.language,
    }


def language_name(code: str | None) -> str:
    """As Whisper names it: "chinese" for "Chinese, Mandarin"."""
    return UNKNOWN if code is None else name_of(code).split(",")[0].lower()


def languages_of(segments: Sequence[Segment]) -> list[dict[str, str]]:
    """Every language that was heard, in order."""
    return [{"code": code} for code in dict.fromkeys(each.language for each in segments) if code is not None]


def logprobs_of(segments: Sequence[Segment], *, continued: bool = False) -> list[dict[str, Any]]:
    """One row per token. Their bytes joined are the text of the segments, as it stands in the transcript.

    continued: other segments come before these.
    """
    rows: list[dict[str, Any]] = []
    for number, segment in enumerate(segments):
        lead = space_before(segment) if number or continued else ""
        rows += [_logprob(token, lead if first == 0 else None) for first, token in enumerate(segment.token_logprobs)]
    return rows


def _logprob(token: TokenHeard, lead: str | None) -> dict[str, Any]:
    """lead: what stands before the segment that this token begins."""
    utf8 = bytes(token.utf8)
    if lead is not None:
        utf8 = lead.encode() + utf8.lstrip(b" ")
    return {"token": utf8.decode("utf-8", "replace"), "logprob": token.logprob, "bytes": list(utf8)}


class EventWriter:
    """Writes a transcription as server-sent events: the deltas joined are the text.

    With `diarized`, who says what follows once all is heard: only the whole tells how many speak, and who is who.
    """

    def __init__(self, model: str, *, logprobs: bool, diarized: bool = False) -> None:
        self._model = model
        self._diarized = diarized
        self._logprobs = logprobs
        self._began = False

    def delta(self, segment: Segment) -> bytes:
        text = (space_before(segment) if self._began else "") + segment.text.strip()
        body: dict[str, Any] = {"type": "transcript.text.delta", "delta": text}
        if self._logprobs:
            body["logprobs"] = logprobs_of([segment], continued=self._began)
        self._began = True
        return event(body)

    def done(self, heard: Heard, usage: Usage) -> bytes:
        body: dict[str, Any] = {"type": "transcript.text.done", "text": heard.transcript}
        if self._model in SENDS_LANGUAGES:
            body["languages"] = languages_of(heard.segments)
        if self._logprobs:
            body["logprobs"] = logprobs_of(heard.segments)
        said = said_segments(heard) if self._diarized else []
        return b"".join(map(event, said)) + event(body | {"usage": token_usage(usage)})
