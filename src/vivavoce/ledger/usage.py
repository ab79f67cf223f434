"""What each request used, in figures: one row per request, and their sums. Never what was said.

Knows no HTTP and makes no price: rows come with theirs. Blocking: call it off the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Engine, Label, case, delete, func, insert, literal, select

from vivavoce.ledger.database import may_fail
from vivavoce.ledger.tables import USAGE
from vivavoce.usage import Usage

By = Literal["day", "key", "model"]
BY: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One request that made the engines work. Times in milliseconds from its arrival, None where there was nothing.

    at: when it ended, in Unix seconds. key_id None: no key was asked for. `input_characters` of a text to be spoken;
    `heard_ms` of the recordings listened to, `spoken_ms` of the sound made; `machine_ms`: its share of the machine's
    time; `price_usd` by the price book and `cost_usd` of that share: None where not known.
    """

    request_id: str
    at: int
    key_id: str | None
    route: str
    model: str
    status: int
    code: str | None
    usage: Usage
    total_ms: int
    input_characters: int = 0
    heard_ms: int = 0
    spoken_ms: int = 0
    queue_ms: int | None = None
    first_text_ms: int | None = None
    first_sound_ms: int | None = None
    machine_ms: int | None = None
    price_usd: Decimal | None = None
    cost_usd: Decimal | None = None

    @property
    def day(self) -> date:
        """In UTC."""
        return datetime.fromtimestamp(self.at, UTC).date()


@dataclass(frozen=True, slots=True)
class UsageSum:
    """Rows of one day, key and model together; None where that was not told apart (a key also where there was none).

    `price_usd` and `cost_usd` add up what is known; `unpriced` and `uncosted` requests are in neither.
    """

    day: str | None
    key_id: str | None
    model: str | None
    requests: int
    usage: Usage
    input_characters: int
    heard_s: float
    spoken_s: float
    machine_s: float
    price_usd: Decimal | None
    unpriced: int
    cost_usd: Decimal | None
    uncosted: int

    def told(self, key_names: Mapping[str, str]) -> dict[str, Any]:
        """As JSON, money as text so that it stays exact. key_names: id -> name."""
        key = None if self.key_id is None else {"id": self.key_id, "name": key_names.get(self.key_id)}
        return {
            "day": self.day,
            "key": key,
            "model": self.model,
            "requests": self.requests,
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            **asdict(self.usage),
            "input_characters": self.input_characters,
            "heard_s": self.heard_s,
            "spoken_s": self.spoken_s,
            "machine_s": self.machine_s,
            "price_usd": _exact(self.price_usd),
            "unpriced_requests": self.unpriced,
            "cost_usd": _exact(self.cost_usd),
            "uncosted_requests": self.uncosted,
        }


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """So many requests that ended alike. status 0: the client was gone before an answer began; code: what went wrong,
    also within an answer of status 200; first_sound_ms None: there was no sound."""

    model: str
    status: int
    code: str | None
    first_sound_ms: int | None
    requests: int


def _exact(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd.normalize():f}"


class UsageLog:
    """Every method raises `StorageFailed`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, rows: Sequence[UsageRow]) -> None:
        """Keep `rows`, all or none."""
        if not rows:
            return
        with may_fail("written"), self._engine.begin() as connection:
            connection.execute(insert(USAGE), [flat(row) for row in rows])

    def sums(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        by: Sequence[By] = BY,
        key_id: str | None = None,
    ) -> list[UsageSum]:
        """Sums over the days from `since` to `until`, both included, told apart `by`, the oldest day first.

        key_id None: those of all keys.
        """
        columns = {"day": USAGE.c.day, "key": USAGE.c.key_id, "model": USAGE.c.model}
        group = [columns[name] for name in BY if name in by]
        named = [columns[name] if name in by else literal(None).label(columns[name].name) for name in BY]
        query = select(*named, func.count().label("requests"), *_SUMS)
        if since is not None:
            query = query.where(USAGE.c.day >= since.isoformat())
        if until is not None:
            query = query.where(USAGE.c.day <= until.isoformat())
        if key_id is not None:
            query = query.where(USAGE.c.key_id == key_id)
        query = query.group_by(*group).order_by(*group).having(func.count() > 0)
        with may_fail("read"), self._engine.connect() as connection:
            return [_sum(row) for row in connection.execute(query).mappings()]

    def outcomes(self, since: int, until: int) -> list[OutcomeCount]:
        """How the requests ended that did so from `since` on, before `until` (Unix seconds), those alike together."""
        alike = (USAGE.c.model, USAGE.c.status, USAGE.c.code, USAGE.c.first_sound_ms)
        days = datetime.fromtimestamp(since, UTC).date(), datetime.fromtimestamp(until, UTC).date()
        query = (
            select(*alike, func.count().label("requests"))
            .where(USAGE.c.day >= days[0].isoformat(), USAGE.c.day <= days[1].isoformat())  # these have an index
            .where(USAGE.c.at >= since, USAGE.c.at < until)
            .group_by(*alike)
        )
        with may_fail("read"), self._engine.connect() as connection:
            return [OutcomeCount(**row) for row in connection.execute(query).mappings()]

    def spent(self, key_id: str, month: date) -> tuple[int, Decimal]:
        """Tokens, and US dollars by the price book, that a key used in the month of `month`."""
        first = month.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        tokens = sum((USAGE.c[name] for name in _COUNTED), start=literal(0))
        query = select(func.sum(tokens), func.sum(USAGE.c.price_usd)).where(
            USAGE.c.key_id == key_id, USAGE.c.day >= first.isoformat(), USAGE.c.day <= last.isoformat()
        )
        with may_fail("read"), self._engine.connect() as connection:
            count, usd = connection.execute(query).one()
        return int(count or 0), usd or Decimal(0)

    def measured_turns(self, most: int = 2000) -> list[tuple[float, float, float]]:
        """(seconds heard, seconds spoken, machine seconds) of the newest requests that succeeded and had sound."""
        columns = (USAGE.c.heard_ms, USAGE.c.spoken_ms, USAGE.c.machine_ms)
        query = (
            select(*columns)
            .where(USAGE.c.status == 200, USAGE.c.machine_ms > 0, USAGE.c.heard_ms + USAGE.c.spoken_ms > 0)
            .order_by(USAGE.c.at.desc())
            .limit(most)
        )
        with may_fail("read"), self._engine.connect() as connection:
            return [(heard / 1000, spoken / 1000, took / 1000) for heard, spoken, took in connection.execute(query)]

    def forget_before(self, day: date) -> int:
        """Delete the rows of the days before `day`. Returns how many."""
        with may_fail("written"), self._engine.begin() as connection:
            return connection.execute(delete(USAGE).where(USAGE.c.day < day.isoformat())).rowcount


_TOKENS = tuple(Usage.__dataclass_fields__)
_COUNTED = tuple(name for name in _TOKENS if name != "input_cached_tokens")  # those are among the text
_ADDED = (*_TOKENS, "input_characters", "heard_ms", "spoken_ms", "machine_ms", "price_usd", "cost_usd")


def _missing(column: ColumnElement[Any]) -> ColumnElement[int]:
    return func.sum(case((column.is_(None), 1), else_=0))


_SUMS: list[Label[Any]] = [
    *(func.sum(USAGE.c[name]).label(name) for name in _ADDED),
    _missing(USAGE.c.price_usd).label("unpriced"),
    _missing(USAGE.c.cost_usd).label("uncosted"),
]


def flat(row: UsageRow) -> dict[str, Any]:
    """The values of its columns."""
    values = asdict(row)
    return values | values.pop("usage") | {"day": row.day.isoformat()}


def _sum(row: Any) -> UsageSum:
    return UsageSum(
        day=row["day"],
        key_id=row["key_id"],
        model=row["model"],
        requests=row["requests"],
        usage=Usage(**{name: int(row[name]) for name in _TOKENS}),
        input_characters=int(row["input_characters"]),
        heard_s=int(row["heard_ms"]) / 1000,
        spoken_s=int(row["spoken_ms"]) / 1000,
        machine_s=int(row["machine_ms"] or 0) / 1000,
        price_usd=row["price_usd"],
        unpriced=int(row["unpriced"]),
        cost_usd=row["cost_usd"],
        uncosted=int(row["uncosted"]),
    )
