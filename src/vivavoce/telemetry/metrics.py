"""Every metric, defined once: the objects that count, `docs/operations/metrics.md` and the dashboard are made from it.

Values of labels are bounded: stages, routes by their template, served model names, codes of our error tree. Knows no
server, and not how anything is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Source = Literal["events", "engines"]

SPEECH_SECONDS = (
    *(0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0),
    *(4.0, 5.0, 8.0, 15.0, 30.0, 60.0),
)
"""Waits of a person who has spoken: dense where one notices, from 0.3 s (at once) to 3 s (too late)."""

STAGE_SECONDS = (0.02, 0.05, *SPEECH_SECONDS)
"""The same, and the short work on one clause."""

FACTORS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)
"""Seconds of work per second of sound: above 1, playback runs dry."""

WAIT_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `name` as Prometheus writes it; `by`: the labels that its panel tells apart.

    `source`: counted from the events of requests, or asked of the engine process at each scrape.
    """

    name: str
    kind: Kind
    help: str
    unit: str
    row: str
    title: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    by: tuple[str, ...] = ()
    source: Source = "events"


METRICS: tuple[Metric, ...] = (
    Metric(
        "viva_first_sound_seconds",
        "histogram",
        "From the arrival of a request to the first sound of its answer.",
        "s",
        "Speech",
        "First sound",
        buckets=SPEECH_SECONDS,
    ),
    Metric(
        "viva_first_text_seconds",
        "histogram",
        "From the arrival of a request to the first text of its answer.",
        "s",
        "Speech",
        "First text",
        buckets=SPEECH_SECONDS,
    ),
    Metric(
        "viva_stage_seconds",
        "histogram",
        "Work of a stage: listen on one recording (those heard before are not listened to again), think on one answer, "
        "speak on one clause.",
        "s",
        "Stages",
        "Time per stage",
        labels=("stage",),
        buckets=STAGE_SECONDS,
        by=("stage",),
    ),
    Metric(
        "viva_realtime_factor",
        "histogram",
        "Seconds of work per second of sound, of listen and speak; above 1 a stage is slower than speech.",
        "none",
        "Stages",
        "Real-time factor",
        labels=("stage",),
        buckets=FACTORS,
        by=("stage",),
    ),
    Metric(
        "viva_underruns_total",
        "counter",
        "Clauses of streamed answers that came later than playback, begun with the first sound, needed them.",
        "ops",
        "Speech",
        "Playback ran dry",
    ),
    Metric(
        "viva_underrun_seconds_total",
        "counter",
        "Seconds that such playback had to wait.",
        "s",
        "Speech",
        "Waiting in playback",
    ),
    Metric(
        "viva_requests_total",
        "counter",
        "Requests answered, by route (its template), HTTP status, and code: none, cancelled, or that of the error, "
        "also of one that came after the status was sent.",
        "reqps",
        "Requests",
        "Requests",
        labels=("route", "status", "code"),
        by=("route", "status", "code"),
    ),
    Metric(
        "viva_request_seconds",
        "histogram",
        "From the arrival of a request to the last byte of its answer.",
        "s",
        "Requests",
        "Whole requests",
        labels=("route",),
        buckets=STAGE_SECONDS,
        by=("route",),
    ),
    Metric(
        "viva_turns_total",
        "counter",
        "Turns begun, by the model name asked for (other: none that is served), spoken and streamed: yes or no.",
        "ops",
        "Requests",
        "Turns",
        labels=("model", "spoken", "streamed"),
        by=("spoken", "streamed"),
    ),
    Metric("viva_turns_in_progress", "gauge", "Turns under way now.", "short", "Requests", "Turns now"),
    Metric(
        "viva_cancelled_total",
        "counter",
        "Turns given up before their end, most often because the client hung up.",
        "ops",
        "Requests",
        "Cancelled",
    ),
    Metric(
        "viva_tokens_total",
        "counter",
        "Tokens of finished turns: direction in or out, kind text or audio.",
        "ops",
        "Amounts",
        "Tokens",
        labels=("direction", "kind"),
        by=("direction", "kind"),
    ),
    Metric(
        "viva_cached_tokens_total",
        "counter",
        "Of the text tokens in, those that the thinker had read before.",
        "ops",
        "Amounts",
        "Cached tokens",
    ),
    Metric(
        "viva_audio_seconds_total",
        "counter",
        "Seconds of sound: direction in (recordings) or out (spoken).",
        "s",
        "Amounts",
        "Sound",
        labels=("direction",),
        by=("direction",),
    ),
    Metric(
        "viva_queue_wait_seconds",
        "histogram",
        "Wait of a turn until it was let in; one that was refused is not here.",
        "s",
        "Queue",
        "Wait in the queue",
        buckets=WAIT_SECONDS,
    ),
    Metric(
        "viva_queue_depth",
        "gauge",
        "Turns that wait to be let in: kind interactive or background.",
        "short",
        "Queue",
        "Waiting now",
        labels=("kind",),
        by=("kind",),
        source="engines",
    ),
    Metric(
        "viva_queue_refused_total",
        "counter",
        "Turns refused with 429: no place (full), the wait would be too long (wait), made room for an owner with fewer "
        "waiting (displaced), more than its key may in a minute (quota), waited too long after all (expired).",
        "ops",
        "Queue",
        "Refused",
        labels=("reason",),
        by=("reason",),
        source="engines",
    ),
    Metric(
        "viva_engine_up",
        "gauge",
        "1 while the engines answer at once, 0 while they load, restart or cannot run.",
        "short",
        "Engines",
        "Engines up",
        source="engines",
    ),
    Metric(
        "viva_engine_calls",
        "gauge",
        "Calls under way in the engine process.",
        "short",
        "Engines",
        "Engine calls",
        source="engines",
    ),
    Metric(
        "viva_engine_slots_busy",
        "gauge",
        "Slots of the thinker that are at work.",
        "short",
        "Engines",
        "Thinker's slots at work",
        source="engines",
    ),
    Metric(
        "viva_start_time_seconds",
        "gauge",
        "When the server started, in Unix seconds.",
        "dateTimeFromNow",
        "Engines",
        "Started",
    ),
)

ROWS = tuple(dict.fromkeys(metric.row for metric in METRICS))
"""Of the dashboard, in order."""
