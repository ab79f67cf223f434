"""Lists in pages, in the order in which things were made. Ids begin with that time, so that a page goes on after an id
that has been deleted since. Knows no table.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, or_, select

from vivavoce.errors import InvalidValue

Item = TypeVar("Item")

_STAMP = re.compile("([0-9a-f]{12})[0-9a-f]{20}")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list. `more`: whether it goes on after them."""

    found: Sequence[Item]
    more: bool


def new_id(prefix: str, now_s: float) -> str:
    """`prefix`, the milliseconds of `now_s` (Unix seconds) and 80 random bits, in hexadecimal."""
    return f"{prefix}{round(now_s * 1000):012x}{secrets.token_hex(10)}"


def made_ms(prefix: str, made_id: str) -> int:
    """When an id of `new_id` was made. Raises `InvalidValue` where it is no such id."""
    found = _STAMP.fullmatch(made_id.removeprefix(prefix)) if made_id.startswith(prefix) else None
    if found is None:
        raise InvalidValue(f"Invalid 'after': this is no id as lists have them ({prefix}…).", param="after")
    return int(found[1], 16)


def page_of(
    connection: Connection,
    table: Table,
    where: ColumnElement[bool],
    after: tuple[int, bytes] | None,
    limit: int,
    told: Callable[[RowMapping], Item | None],
    *,
    oldest_first: bool = False,
) -> Page[Item]:
    """Up to `limit` rows of `table`, which has `created_ms` and `key`, that come after the row of that time and key.

    What `told` makes None of (it is damaged) is left out.
    """
    at, key = table.c.created_ms, table.c.key
    query = select(table).where(where)
    if after is not None:
        time_ms, last = after
        beyond: Any = (at > time_ms, key > last) if oldest_first else (at < time_ms, key < last)
        query = query.where(or_(beyond[0], and_(at == time_ms, beyond[1])))
    order = (at, key) if oldest_first else (at.desc(), key.desc())
    rows = connection.execute(query.order_by(*order).limit(limit + 1)).mappings().all()
    return Page([item for row in rows[:limit] if (item := told(row)) is not None], len(rows) > limit)
