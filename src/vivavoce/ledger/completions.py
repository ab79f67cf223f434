"""Completions that somebody asked to be stored: found by id, listed and labelled by their owner, until they expire.

All of a completion is sealed for its owner; beside it lie only when it was made, when it expires, and an HMAC that is
the same for all of one owner's. Ids begin with the time they were made at, so that a page of a list goes on after an
id that has been deleted since. Knows no HTTP. Blocking: call it off the event loop.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, and_, delete, insert, or_, select, update

from vivavoce.errors import InvalidValue
from vivavoce.ledger import sqlite
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock
from vivavoce.ledger.tables import STORED

PREFIX = "chatcmpl-"
_ID = re.compile(f"{PREFIX}([0-9a-f]{{12}})[0-9a-f]{{20}}")
_READ_AT_ONCE = 200
"""Rows of a list that are looked through at a time."""


def new_id(now_s: float | None = None) -> str:
    """A completion's id: the milliseconds it was made at (`now_s` in Unix seconds; None: now), and 80 random bits."""
    made_ms = round((time.time() if now_s is None else now_s) * 1000)
    return f"{PREFIX}{made_ms:012x}{secrets.token_hex(10)}"


@dataclass(frozen=True, slots=True)
class About:
    """By what completions are told apart in a list."""

    id: str
    model: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored completion; `answer` is what was answered, as JSON."""

    about: About
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list. `more`: whether it goes on after them."""

    found: Sequence[Stored]
    more: bool


class Completions:
    """Every method raises `StorageFailed`. What is unknown, expired, damaged or somebody else's is not told apart."""

    def __init__(self, engine: Engine, seal: Seal, clock: Clock) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock

    def keep(self, owner: bytes, stored: Stored, messages: Sequence[Mapping[str, Any]], *, expires_at: int) -> None:
        """Keep a completion whose id is of `new_id`, and the conversation it answered, until `expires_at` (Unix
        seconds)."""
        key = self._key(owner, stored.about.id)
        row = {
            "key": key,
            "owner": self._owner_row(owner),
            "created_ms": _made_ms(stored.about.id),
            "expires_at": expires_at,
            "about": self._close(owner, key, "about", asdict(stored.about)),
            "answer": self._close(owner, key, "answer", stored.answer),
            "messages": self._close(owner, key, "messages", messages),
        }
        with may_fail("written"), self._engine.begin() as connection:
            connection.execute(insert(STORED).values(row))

    def find(self, owner: bytes, completion_id: str) -> Stored | None:
        key = self._key(owner, completion_id)
        query = select(STORED.c.about, STORED.c.answer).where(STORED.c.key == key, self._living())
        with may_fail("read"), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return None if row is None else self._open_stored(owner, key, row.about, row.answer)

    def messages(self, owner: bytes, completion_id: str) -> Sequence[Mapping[str, Any]] | None:
        """The conversation that a completion answered."""
        key = self._key(owner, completion_id)
        query = select(STORED.c.messages).where(STORED.c.key == key, self._living())
        with may_fail("read"), self._engine.connect() as connection:
            sealed = connection.scalar(query)
        return None if sealed is None else self._open(owner, key, "messages", sealed)

    def list(
        self,
        owner: bytes,
        *,
        after: str | None = None,
        limit: int = 20,
        descending: bool = False,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Page:
        """At most `limit` completions by the time they were made, those after the id `after`, of this `model` and
        with all of these `metadata`. Raises `InvalidValue` where `after` is no id."""
        keys: list[bytes] = []
        for key, about in self._abouts(owner, after, descending):
            if (model is None or about.model == model) and (metadata or {}).items() <= about.metadata.items():
                keys.append(key)
                if len(keys) > limit:
                    break
        wanted = keys[:limit]
        query = select(STORED.c.key, STORED.c.about, STORED.c.answer).where(STORED.c.key.in_(wanted))
        with may_fail("read"), self._engine.connect() as connection:
            rows = {row.key: row for row in connection.execute(query)}
        opened = (self._open_stored(owner, key, rows[key].about, rows[key].answer) for key in wanted if key in rows)
        return Page([stored for stored in opened if stored is not None], len(keys) > limit)

    def label(self, owner: bytes, completion_id: str, metadata: Mapping[str, str]) -> Stored | None:
        """Put `metadata` in place of what there was; the completion as it is then."""
        found = self.find(owner, completion_id)
        if found is None:
            return None
        key, about = self._key(owner, completion_id), About(found.about.id, found.about.model, metadata)
        change = update(STORED).where(STORED.c.key == key, self._living())
        with may_fail("written"), self._engine.begin() as connection:
            sealed = self._close(owner, key, "about", asdict(about))
            changed = connection.execute(change.values(about=sealed)).rowcount
        return Stored(about, found.answer) if changed else None

    def forget(self, owner: bytes, completion_id: str) -> bool:
        """Delete at once, without a trace; whether there was anything to delete."""
        mine = delete(STORED).where(STORED.c.key == self._key(owner, completion_id), self._living())
        with may_fail("written"):
            with self._engine.begin() as connection:
                found = connection.execute(mine).rowcount > 0
            if found:
                sqlite.cut_log(self._engine)
        return found

    def forget_expired(self) -> int:
        """Delete what has expired; the log of the database is the caller's to cut. Returns how many rows went."""
        with may_fail("written"), self._engine.begin() as connection:
            return connection.execute(delete(STORED).where(STORED.c.expires_at <= self._clock())).rowcount

    def _abouts(self, owner: bytes, after: str | None, descending: bool) -> Iterator[tuple[bytes, About]]:
        """Row keys of one owner's completions in the order of a list, from `after` on, and what they are."""
        place = (STORED.c.created_ms, STORED.c.key)
        query = select(*place, STORED.c.about).where(STORED.c.owner == self._owner_row(owner), self._living())
        query = query.order_by(*(column.desc() for column in place) if descending else place).limit(_READ_AT_ONCE)
        here = None if after is None else (_made_ms(after), self._key(owner, after))
        while True:
            page = query if here is None else query.where(_beyond(here, descending))
            with may_fail("read"), self._engine.connect() as connection:
                rows = connection.execute(page).all()
            for row in rows:
                about = self._open(owner, row.key, "about", row.about)
                if about is not None:
                    yield row.key, About(**about)
            if len(rows) < _READ_AT_ONCE:
                return
            here = (rows[-1].created_ms, rows[-1].key)

    def _living(self) -> Any:
        return STORED.c.expires_at > self._clock()

    def _key(self, owner: bytes, completion_id: str) -> bytes:
        return self._seal.row_key("stored", owner, completion_id.encode())

    def _owner_row(self, owner: bytes) -> bytes:
        """Not `owner` itself, which opens what is sealed for it."""
        return self._seal.row_key("stored by", owner)

    def _close(self, owner: bytes, key: bytes, part: str, content: object) -> bytes:
        return self._seal.close(owner, json.dumps(content).encode(), key + part.encode())

    def _open(self, owner: bytes, key: bytes, part: str, sealed: bytes) -> Any:
        plain = self._seal.open(owner, sealed, key + part.encode())
        return None if plain is None else json.loads(plain)

    def _open_stored(self, owner: bytes, key: bytes, about: bytes, answer: bytes) -> Stored | None:
        told, answered = self._open(owner, key, "about", about), self._open(owner, key, "answer", answer)
        return None if told is None or answered is None else Stored(About(**told), answered)


def _made_ms(completion_id: str) -> int:
    """When an id was made. Raises `InvalidValue` for what is no id of `new_id`."""
    if (found := _ID.fullmatch(completion_id)) is None:
        raise InvalidValue(f"Invalid 'after': '{completion_id[:60]}' is not the id of a completion.", param="after")
    return int(found[1], 16)


def _beyond(place: tuple[int, bytes], descending: bool) -> Any:
    """The condition on rows that come after `place`, a time and a key."""
    made_ms, key = place
    if descending:
        later, further = STORED.c.created_ms < made_ms, STORED.c.key < key
    else:
        later, further = STORED.c.created_ms > made_ms, STORED.c.key > key
    return or_(later, and_(STORED.c.created_ms == made_ms, further))
