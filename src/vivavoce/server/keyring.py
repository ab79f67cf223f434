"""Keys as a worker knows them: looked up in the ledger, remembered for a moment, their months counted.

What another process does (a key made or revoked, a budget used up) is known here `FRESH_S` later at the latest. What
this worker itself has counted is known at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from vivavoce.errors import AuthenticationFailed, KeyMissing, QuotaExceeded
from vivavoce.ledger.keys import Key
from vivavoce.ledger.ledger import Ledger

FRESH_S = 1.0

MADE_BY = "Keys are made on the server's machine, by `viva keys create`."

NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    f"(i.e. Authorization: Bearer YOUR_KEY). {MADE_BY}"
)
SPENT = (
    "You exceeded your current quota, please check your plan and billing details. This key has used up its {of} for "
    "this month; `viva usage` shows what it used, and the next month begins on {until}."
)


MONTH_SHARE = 0.02
"""The sums of a busy key's month take a while: they are made anew so seldom that they take no more of the time."""


@dataclass(slots=True)
class Spent:
    """What a key used since its month began, as summed at `at_s` and good for `fresh_s`."""

    month: str
    at_s: float
    fresh_s: float
    tokens: int
    usd: Decimal


@dataclass(slots=True)
class Known:
    """A key, as it was in the ledger `at_s`; `spent` None: it has no budget."""

    key: Key
    at_s: float
    spent: Spent | None


class KeyRing:
    """For use from one event loop. Methods raise `StorageFailed`."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._clock = clock
        self._known: dict[bytes, Known] = {}
        self._asked_for = False
        self._asked_at_s = float("-inf")
        self._unwritten: dict[str, tuple[int, Decimal]] = {}

    async def admit(self, owner: bytes, token: str) -> Key | None:
        """The key of whoever sends `token`; None where no key is asked for. Raises `AuthenticationFailed`."""
        if not await self._asks():
            return None
        if not token:
            raise KeyMissing(NO_KEY)
        known = self._known.get(owner)
        if known is None or self._stale(known.at_s):
            known = await asyncio.to_thread(self._look_up, lambda: self._ledger.keys.find(token), known and known.spent)
            if known is None:
                self._known.pop(owner, None)
                raise AuthenticationFailed(f"Incorrect API key provided: {masked(token)}. {MADE_BY}")
            self._known[owner] = known
        return known.key

    async def still(self, owner: bytes, key_id: str) -> Key:
        """The key in whose name work goes on after its request. Raises `AuthenticationFailed` once it is revoked."""
        known = self._known.get(owner)
        if known is None or self._stale(known.at_s):
            known = await asyncio.to_thread(
                self._look_up, lambda: self._ledger.keys.in_force(key_id), known and known.spent
            )
            if known is None:
                self._known.pop(owner, None)
                raise AuthenticationFailed("The key of this work was revoked.")
            self._known[owner] = known
        return known.key

    def check_budget(self, owner: bytes) -> None:
        """Raises `QuotaExceeded` where the key of `owner`, who was admitted, has used up its month."""
        known = self._known.get(owner)
        if known is None or known.spent is None:
            return
        tokens, usd = self._unwritten.get(known.key.id, (0, Decimal(0)))
        limits = known.key.limits
        if limits.monthly_tokens is not None and known.spent.tokens + tokens >= limits.monthly_tokens:
            raise self._used_up(f"{limits.monthly_tokens} tokens")
        if limits.monthly_usd is not None and known.spent.usd + usd >= limits.monthly_usd:
            raise self._used_up(f"${limits.monthly_usd:f}")

    def used(self, key_id: str, tokens: int, usd: Decimal) -> None:
        """A key used so much, which the ledger does not know yet."""
        before = self._unwritten.get(key_id, (0, Decimal(0)))
        self._unwritten[key_id] = (before[0] + tokens, before[1] + usd)

    def written(self, key_id: str, tokens: int, usd: Decimal) -> None:
        """The ledger has it now."""
        self.used(key_id, -tokens, -usd)
        for known in self._known.values():
            if known.key.id == key_id and known.spent is not None:
                known.spent.tokens += tokens
                known.spent.usd += usd

    def _look_up(self, find: Callable[[], Key | None], before: Spent | None) -> Known | None:
        """Blocking. `before`: what was summed last."""
        if (key := find()) is None:
            return None
        has_budget = key.limits.monthly_tokens is not None or key.limits.monthly_usd is not None
        return Known(key, self._clock(), self._sum(key, before) if has_budget else None)

    def _sum(self, key: Key, before: Spent | None) -> Spent:
        now_s = self._clock()
        today = datetime.fromtimestamp(now_s, UTC).date()
        month = f"{today:%Y-%m}"
        if before is not None and before.month == month and 0 <= now_s - before.at_s < before.fresh_s:
            return before
        started_s = time.perf_counter()
        tokens, usd = self._ledger.usage.spent(key.id, today)
        took_s = time.perf_counter() - started_s
        return Spent(month, now_s, max(FRESH_S, took_s / MONTH_SHARE), tokens, usd)

    async def _asks(self) -> bool:
        if not self._asked_for and self._stale(self._asked_at_s):
            self._asked_for = await asyncio.to_thread(self._ledger.keys.any)
            self._asked_at_s = self._clock()
        return self._asked_for

    def _stale(self, at_s: float) -> bool:
        return not 0 <= self._clock() - at_s < FRESH_S

    def _used_up(self, of: str) -> QuotaExceeded:
        now = datetime.fromtimestamp(self._clock(), UTC)
        until = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        wait_s = (until - now).total_seconds()
        return QuotaExceeded(SPENT.format(of=of, until=until.date()), retry_after_s=wait_s)


def masked(token: str) -> str:
    """Enough of a key for its sender to know which it was, as the original shows it."""
    return f"{token[:3]}{'*' * 8}{token[-4:]}" if len(token) > 16 else "*" * 8
