"""API keys: made, found, listed and revoked. Of a key itself only an HMAC is stored; it is shown once, when it is made.

A revoked key stays in the list, so that what it used keeps its name, and so that a server whose last key was revoked
does not open its door to everybody. Knows no HTTP. Blocking: call it off the event loop.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from sqlalchemy import Engine, RowMapping, exists, insert, select, update

from vivavoce.errors import InvalidValue, NotFound
from vivavoce.ledger.database import may_fail
from vivavoce.ledger.seal import Seal
from vivavoce.ledger.store import Clock
from vivavoce.ledger.tables import KEYS

PREFIX = "sk-viva-"
"""By this people, and programs that look for lost secrets, know a key of ours."""

SECRET_BYTES = 32
HINT_LENGTH = 4
NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may use; None: no limit. Minutes are any 60 s, months are those of the calendar in UTC.

    `monthly_usd` is counted by the price book.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    monthly_tokens: int | None = None
    monthly_usd: Decimal | None = None


NO_LIMITS = KeyLimits()


@dataclass(frozen=True, slots=True)
class Key:
    """`id` names it everywhere; `hint` is the end of the key itself; times are Unix seconds. `admin`: it may see what
    every key used."""

    id: str
    name: str
    hint: str
    created_at: int
    revoked_at: int | None = None
    admin: bool = False
    limits: KeyLimits = field(default_factory=KeyLimits)


class Keys:
    """Every method raises `StorageFailed`."""

    def __init__(self, engine: Engine, seal: Seal, clock: Clock) -> None:
        self._engine = engine
        self._seal = seal
        self._clock = clock

    def create(self, name: str, limits: KeyLimits = NO_LIMITS, *, admin: bool = False) -> tuple[Key, str]:
        """A new key, and what its owner sends: nobody can read that again. Raises `InvalidValue` for a name in use."""
        name = name.strip()
        if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
            raise InvalidValue(f"A key needs a name of 1 to {NAME_LENGTH} printable characters.", param="name")
        token = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        key = Key(f"key_{secrets.token_hex(6)}", name, token[-HINT_LENGTH:], int(self._clock()), None, admin, limits)
        row = asdict(key)
        row |= row.pop("limits") | {"hash": self._hash(token)}
        taken = select(exists().where(KEYS.c.name == name, KEYS.c.revoked_at.is_(None)))
        with may_fail("written"), self._engine.begin() as connection:
            if connection.scalar(taken):
                raise InvalidValue(f"There is a key named '{name}'. Choose another name, or revoke it.", param="name")
            connection.execute(insert(KEYS).values(row))
        return key, token

    def find(self, token: str) -> Key | None:
        """The key that somebody sends; None where there is none such, or it was revoked."""
        query = select(KEYS).where(KEYS.c.hash == self._hash(token), KEYS.c.revoked_at.is_(None))
        with may_fail("read"), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _key(row)

    def in_force(self, key_id: str) -> Key | None:
        """The key of this id, unless it was revoked: for work that goes on after its request."""
        query = select(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked_at.is_(None))
        with may_fail("read"), self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _key(row)

    def any(self) -> bool:
        """Whether a key was ever made: from then on one is asked for."""
        with may_fail("read"), self._engine.connect() as connection:
            return bool(connection.scalar(select(exists().select_from(KEYS))))

    def list(self) -> Sequence[Key]:
        """All keys, revoked ones too, the oldest first."""
        with may_fail("read"), self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(select(KEYS).order_by(KEYS.c.created_at)).mappings()]

    def revoke(self, which: str) -> Key:
        """Revoke the key of this id, or the one in force of this name. Raises `NotFound`."""
        found = [key for key in self.list() if key.revoked_at is None and which in (key.id, key.name)]
        if not found:
            raise NotFound(f"No key in force is '{which}'. `viva keys list` shows their names and ids.", param="key")
        with may_fail("written"), self._engine.begin() as connection:
            connection.execute(update(KEYS).where(KEYS.c.id == found[0].id).values(revoked_at=int(self._clock())))
        return found[0]

    def _hash(self, token: str) -> bytes:
        return self._seal.row_key("key", token.encode())


def _key(row: RowMapping) -> Key:
    limits = KeyLimits(**{name: row[name] for name in KeyLimits.__dataclass_fields__})
    kept = {name: row[name] for name in Key.__dataclass_fields__ if name != "limits"}
    return Key(**kept, limits=limits)
