"""The rows of the diary: what is watched from when on, each probe, and due times without one. Never what was said.

One JSON object a line, each with the format's version `v`:

    {"v": 1, "kind": "watch", …}     from `at` on, a target is asked at these times
    {"v": 1, "kind": "probe", …}     one question put: when it was due, how late it began, what came and when
    {"v": 1, "kind": "gap", …}       due times at which nothing was measured, and why
    {"v": 1, "kind": "end", …}       from `at` on nothing is due any more: it was to be asked for so long only

Moments are Unix seconds in memory and `2026-11-25T20:35:17Z` in the file. Knows no file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from vivavoce.probe.grid import Grid

VERSION = 1

Outcome = Literal["ok", "wrong", "refused", "error", "timeout", "no_connection"]
"""`wrong`: an answer came, but not the one asked for (`code` says what was amiss). `refused`: 4xx. `error`: 5xx, or an
error within the answer."""

Missed = Literal["down", "asleep", "clock", "held_up", "offline", "stopped"]
"""Why nothing could be measured: no probe was running; the machine slept; its clock was set; the process did not get to
run in time; this machine had no network; the probe was stopped while it waited for the answer."""

Skipped = Literal["overlap", "budget"]
"""Why nothing was to be measured: earlier probes of the target were still waiting; the budget was used up."""

MISSED: tuple[Missed, ...] = get_args(Missed)
SKIPPED: tuple[Skipped, ...] = get_args(Skipped)

Key = tuple[str, str]
"""Target and model: what is counted together."""

LAST_S = 253_402_300_799
"""The end of the year 9999: what `datetime` can tell."""


def _seconds(told: object) -> object:
    return int(datetime.fromisoformat(told).timestamp()) if isinstance(told, str) else told


Moment = Annotated[int, Field(ge=0, le=LAST_S), BeforeValidator(_seconds)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Usd = Annotated[str, Field(pattern=r"^\d{1,9}(\.\d{1,18})?$")]
Apart = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Watch:
    """From `at` on, `target` is asked at the times of `every_s` and `offset_s`. every_s None: it is asked now and then.

    question_s: the length of the question's sound. vivavoce: the version that asks. No key.
    """

    at: Moment
    target: str
    model: str
    base_url: str
    timeout_s: Seconds
    voice: str
    question_s: Seconds
    vivavoce: str
    every_s: Apart | None = None
    offset_s: Annotated[int, Field(ge=0)] = 0
    v: Literal[1] = 1
    kind: Literal["watch"] = "watch"

    @property
    def key(self) -> Key:
        return self.target, self.model

    @property
    def grid(self) -> Grid | None:
        return None if self.every_s is None else Grid(self.every_s, self.offset_s)


@dataclass(frozen=True, slots=True)
class Probe:
    """One question put. late_s: begun so long after `due`. first_text_s, first_sound_s, end_s: seconds from when it was
    begun, connection and all; None where it never came. sound_s: the length of the answer's sound.

    code: the endpoint's error code, or ours for what was amiss. usd: by the price book; where nothing tells what an
    answer used, usd is None and usd_about is what it is taken for.
    """

    target: str
    model: str
    due: Moment
    late_s: Seconds
    outcome: Outcome
    end_s: Seconds
    status: int | None = None
    code: str | None = None
    first_text_s: Seconds | None = None
    first_sound_s: Seconds | None = None
    sound_s: Seconds | None = None
    request_id: str | None = None
    usd: Usd | None = None
    usd_about: Usd | None = None
    v: Literal[1] = 1
    kind: Literal["probe"] = "probe"

    @property
    def key(self) -> Key:
        return self.target, self.model

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"

    @property
    def what(self) -> str:
        """Outcome, status and code in one: `refused 429 rate_limit_exceeded`."""
        status = self.status if self.status is not None and self.status >= 400 else None
        return " ".join(str(part) for part in (self.outcome, status, self.code) if part is not None)


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing was measured at the due times from `first` to `last`, both included, `every_s` apart."""

    target: str
    model: str
    first: Moment
    last: Moment
    every_s: Apart
    why: Missed | Skipped
    v: Literal[1] = 1
    kind: Literal["gap"] = "gap"

    @property
    def key(self) -> Key:
        return self.target, self.model

    def times(self, since: float, until: float) -> range:
        """Its due times from `since` on that are before `until`."""
        grid = Grid(self.every_s, self.first % self.every_s)
        return grid.times(max(self.first, since), min(self.last + 1, until))


@dataclass(frozen=True, slots=True)
class End:
    """From `at` on nothing is due."""

    at: Moment
    target: str
    model: str
    v: Literal[1] = 1
    kind: Literal["end"] = "end"

    @property
    def key(self) -> Key:
        return self.target, self.model


Row = Watch | Probe | Gap | End

_ROW: TypeAdapter[Row] = TypeAdapter(Annotated[Row, Field(discriminator="kind")])
_MOMENTS = frozenset({"at", "due", "first", "last"})


class NewerRow(ValueError):
    """The line is of a format that a later version writes."""


def to_line(row: Row) -> str:
    """One line of JSON with its end."""
    told: dict[str, Any] = {"v": row.v, "kind": row.kind}
    for name in type(row).__dataclass_fields__:
        value = getattr(row, name)
        if value is not None:
            told[name] = utc(value) if name in _MOMENTS else value
    return json.dumps(told, ensure_ascii=False) + "\n"


def from_line(line: bytes) -> Row:
    """Raises `NewerRow`, or `ValueError` where it is no line of the diary."""
    try:
        return _ROW.validate_json(line)
    except ValidationError as error:
        if _version(line) > VERSION:
            raise NewerRow("a later format") from error
        raise ValueError("no line of the diary") from error


def _version(line: bytes) -> int:
    """What a line says of its format; 0 where it says nothing."""
    try:
        told: Any = json.loads(line)
        return int(told["v"])
    except (ValueError, TypeError, LookupError):
        return 0


def utc(at: float) -> str:
    """As `2026-11-25T20:35:17Z`, to the second."""
    return f"{datetime.fromtimestamp(int(at), UTC):%Y-%m-%dT%H:%M:%SZ}"
