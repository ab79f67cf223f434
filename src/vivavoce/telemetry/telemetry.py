"""What requests, turns and stages tell of themselves, as metrics and spans.

    request ─┬─ turn      first text, first sound, tokens, sound, underruns, cancellation
             └─ stage …   listen, think, speak: how long, and how long a sound

Told in figures alone: no argument here holds what was said or written. Knows neither HTTP nor the flow; whoever watches
them tells it (`server.watching`, `server.middleware`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from vivavoce.errors import VivaError, all_errors
from vivavoce.telemetry.meter import Meter
from vivavoce.telemetry.tracing import NO_SPAN, Span, Tracing, Value
from vivavoce.usage import Usage

Stage = Literal["listen", "think", "speak", "speakers"]

NONE, CANCELLED, OTHER = "none", "cancelled", "other"

MORE_CODES = (
    "invalid_type",
    "invalid_json",
    "invalid_multipart",
    "invalid_content_type",
    "unsupported_value",
    "unsupported_parameter",
    "method_not_allowed",
    "host_not_allowed",
    "model_without_price",
    "string_above_max_length",
    "file_not_found",
    "file_in_use",
    "batch_not_found",
    "batch_has_ended",
    "too_many_batches",
    "storage_full",
    "object_above_max_properties",
)
"""Codes that errors of the tree are given where they are raised."""

UNHEARD_S = 0.02
"""What playback may wait without anybody noticing: less than one frame of a codec."""

METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")


def _known_codes() -> frozenset[str]:
    classes = all_errors().values()
    return frozenset((*(cls.default_code or cls.type for cls in classes), *(cls.type for cls in classes), *MORE_CODES))


_CODES = _known_codes()


def code_of(error: BaseException) -> str:
    """A code of our tree, whatever was raised."""
    if not isinstance(error, VivaError):
        return VivaError.type
    code = error.code or error.type
    return code if code in _CODES else OTHER


@dataclass(slots=True)
class RequestFacts:
    """One request, for as long as it lasts. What is None did not happen.

    `usage` is that of a turn that ended well; `pieces` of text and seconds of sound are counted as they come.
    """

    started_s: float = field(default_factory=time.perf_counter)
    span: Span = NO_SPAN
    received_s: float | None = None
    code: str = NONE
    method: str = "_OTHER"
    first_text_s: float | None = None
    first_sound_s: float | None = None
    queue_s: float | None = None
    model: str | None = None
    usage: Usage | None = None
    characters: int = 0
    pieces: int = 0
    heard_s: float = 0.0
    spoken_s: float = 0.0

    @property
    def tokens_in(self) -> int | None:
        return self.usage and self.usage.input_tokens

    @property
    def tokens_out(self) -> int | None:
        return self.usage and self.usage.output_tokens

    def elapsed_s(self) -> float:
        """Since it arrived; its body, which may be long under way, is there `received_s` later."""
        return time.perf_counter() - self.started_s


_CURRENT: ContextVar[RequestFacts | None] = ContextVar("request", default=None)
"""The request that this task works for."""


def received_current() -> None:
    """The body of the request that this task works for is there."""
    if (facts := _CURRENT.get()) is not None:
        facts.received_s = facts.elapsed_s()


def fail_current(error: BaseException) -> None:
    """The request that this task works for fails with `error`."""
    if (facts := _CURRENT.get()) is not None:
        facts.code = code_of(error)


class Telemetry:
    """Of one process. `tracing` None: metrics only."""

    def __init__(self, meter: Meter | None = None, tracing: Tracing | None = None) -> None:
        self.meter = meter or Meter()
        self._tracing = tracing

    def request(self, method: str, headers: Mapping[str, str]) -> RequestFacts:
        """A request has come; what its task and those that it starts do is told of it, until `answered`."""
        method = method if method in METHODS else "_OTHER"
        span = self._tracing.request(method, headers) if self._tracing is not None else NO_SPAN
        facts = RequestFacts(span=span, method=method)
        _CURRENT.set(facts)
        return facts

    def answered(self, facts: RequestFacts, route: str, status: int) -> None:
        """route: its template, or `other`; status 0 where none was sent."""
        self.meter.add("viva_requests_total", 1, route, str(status), facts.code)
        self.meter.observe("viva_request_seconds", facts.elapsed_s(), route)
        facts.span.rename(f"{facts.method} {route}")
        facts.span.tell({"http.route": route, "http.response.status_code": status})
        if facts.code != NONE:
            facts.span.fail(facts.code)
        facts.span.end()
        _CURRENT.set(None)

    def turn(self, model: str, *, spoken: bool, streamed: bool, background: bool = False) -> TurnWatch:
        """model: a name that is served, or `other`. background: nobody waits for it, so its waits are not measured."""
        return TurnWatch(self.meter, _CURRENT.get() or RequestFacts(), model, spoken, streamed, background)

    def stage(self, stage: Stage) -> StageWatch:
        return StageWatch(self.meter, _CURRENT.get(), stage)

    def close(self) -> None:
        """Blocking: hands over the spans that are waiting."""
        if self._tracing is not None:
            self._tracing.close()


def _usage(tokens_in: int, tokens_out: int) -> dict[str, Value]:
    return {"gen_ai.usage.input_tokens": tokens_in, "gen_ai.usage.output_tokens": tokens_out}


class StageWatch:
    """One piece of work of a stage: a context that times it. `sound_s`: the length of its recording or speech."""

    def __init__(self, meter: Meter, facts: RequestFacts | None, stage: Stage) -> None:
        self._meter = meter
        self._stage = stage
        self._span = facts.span.child(stage) if facts is not None else NO_SPAN
        self._started_s = time.perf_counter()
        self._sound_s: float | None = None
        self._ended = False

    def sound(self, seconds: float) -> None:
        self._sound_s = seconds
        self._span.tell({"viva.audio_seconds": seconds})

    def first(self) -> None:
        """Its first result is there."""
        self._span.event("first")

    def tokens(self, given: int, made: int) -> None:
        self._span.tell(_usage(given, made))

    def __enter__(self) -> StageWatch:
        return self

    def done(self) -> None:
        """The work was done to its end: only such work is measured."""
        took_s = time.perf_counter() - self._started_s
        self._meter.observe("viva_stage_seconds", took_s, self._stage)
        if self._sound_s:
            self._meter.observe("viva_realtime_factor", took_s / self._sound_s, self._stage)
        self._ended = True

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not self._ended:
            self._span.fail(code_of(error) if isinstance(error, Exception) else CANCELLED)
        self._span.end()


class TurnWatch:
    """One turn: a context that tells how it went. Neither finished nor failed at its end, it was given up."""

    def __init__(
        self, meter: Meter, facts: RequestFacts, model: str, spoken: bool, streamed: bool, background: bool
    ) -> None:
        self._meter = meter
        self._facts = facts
        self._streamed = streamed
        self._background = background
        self._asked_s = 0.0
        self._finished = False
        self._plays_from_s: float | None = None
        self._labels = (model, "yes" if spoken else "no", "yes" if streamed else "no")
        facts.span.tell({"gen_ai.request.model": model, "viva.spoken": spoken, "viva.streamed": streamed})

    def __enter__(self) -> TurnWatch:
        self._asked_s = self._facts.elapsed_s()
        self._facts.model = self._labels[0]
        self._meter.add("viva_turns_total", 1, *self._labels)
        self._meter.add("viva_turns_in_progress", 1)
        return self

    def admitted(self) -> None:
        """It was let in by a queue that counts; until now it has waited."""
        self._facts.queue_s = self._facts.elapsed_s() - self._asked_s
        self._waited("viva_queue_wait_seconds", self._facts.queue_s)
        self._facts.span.event("admitted")

    def given(self, characters: int) -> None:
        """It was given a text of so many characters to say."""
        self._facts.characters += characters

    def heard(self, seconds: float) -> None:
        self._facts.heard_s += seconds
        self._meter.add("viva_audio_seconds_total", seconds, "in")

    def text(self) -> None:
        self._facts.pieces += 1
        if self._facts.first_text_s is None:
            self._facts.first_text_s = self._facts.elapsed_s()
            self._waited("viva_first_text_seconds", self._facts.first_text_s)
            self._facts.span.event("first_text")

    def sound(self, start_s: float, seconds: float) -> None:
        """A clause that starts `start_s` after the begin of the answer is there."""
        now_s = self._facts.elapsed_s()
        self._facts.spoken_s += seconds
        if self._facts.first_sound_s is None:
            self._facts.first_sound_s = now_s
            self._waited("viva_first_sound_seconds", now_s)
            self._facts.span.event("first_sound")
        self._meter.add("viva_audio_seconds_total", seconds, "out")
        if self._streamed:
            self._play(now_s, start_s)

    def _waited(self, metric: str, seconds: float) -> None:
        if not self._background:
            self._meter.observe(metric, seconds)

    def _play(self, now_s: float, start_s: float) -> None:
        """Playback begins with the first sound, and waits where the next is late."""
        if self._plays_from_s is None:
            self._plays_from_s = now_s - start_s
        late_s = now_s - (self._plays_from_s + start_s)
        if late_s > UNHEARD_S:
            self._plays_from_s += late_s
            self._meter.add("viva_underruns_total", 1)
            self._meter.add("viva_underrun_seconds_total", late_s)

    def finished(self, usage: Usage) -> None:
        self._finished = True
        counts = {
            ("in", "text"): usage.input_text_tokens,
            ("in", "audio"): usage.input_audio_tokens,
            ("out", "text"): usage.output_text_tokens,
            ("out", "audio"): usage.output_audio_tokens,
        }
        for (direction, kind), count in counts.items():
            self._meter.add("viva_tokens_total", count, direction, kind)
        self._meter.add("viva_cached_tokens_total", usage.input_cached_tokens)
        self._facts.usage = usage
        self._facts.span.tell(_usage(usage.input_tokens, usage.output_tokens))

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._meter.add("viva_turns_in_progress", -1)
        if isinstance(error, Exception):
            self._facts.code = code_of(error)
        elif not self._finished:
            self._facts.code = CANCELLED
            self._meter.add("viva_cancelled_total", 1)
