"""Requests and tokens per minute of each owner: two buckets that refill steadily, as the original's do.

A full bucket holds a minute's worth. What a request will take is held back when it starts and put right when it has
ended, so that a bucket may be in debt for a while, and no answer is cut short. For use from one event loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.errors import RequestTooLarge, TooManyRequests, TooManyTokens, VivaError
from vivavoce.tickets import Quota, Rate

MINUTE_S = 60.0
ROUNDING = 1e-6
"""Of a request or a token: who waits exactly as long as told is let in."""


@dataclass(slots=True)
class Bucket:
    """`level` is what is left at `at_s`."""

    limit: int
    level: float
    at_s: float

    def refill(self, now_s: float) -> None:
        self.level = min(self.limit, self.level + (now_s - self.at_s) * self.limit / MINUTE_S)
        self.at_s = now_s

    def wait_s(self, count: float) -> float:
        """Until there are `count`; 0 where there are."""
        missing = count - self.level
        return missing * MINUTE_S / self.limit if missing > ROUNDING else 0.0

    def rate(self) -> Rate:
        return Rate(self.limit, max(0, math.floor(self.level + ROUNDING)), self.wait_s(self.limit))


class Rates:
    """The buckets of all owners that have a limit; only those are remembered."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests: dict[bytes, Bucket] = {}
        self._tokens: dict[bytes, Bucket] = {}

    def refusal(self, owner: bytes, quota: Quota, tokens: int) -> VivaError | None:
        """Why a request that is expected to take `tokens` may not start now; None where it may."""
        requests = self._bucket(self._requests, owner, quota.requests_per_minute)
        if requests is not None and requests.wait_s(1) > 0:
            told = _told("requests per min (RPM)", requests, 1)
            return TooManyRequests(told, retry_after_s=requests.wait_s(1))
        budget = self._bucket(self._tokens, owner, quota.tokens_per_minute)
        if budget is not None and tokens > budget.limit:
            return RequestTooLarge(
                f"Request too large on tokens per min (TPM): Limit {budget.limit}, Requested {tokens}. The input or "
                "output tokens must be reduced in order to run successfully."
            )
        if budget is not None and (wait_s := budget.wait_s(max(1, tokens))) > 0:
            return TooManyTokens(_told("tokens per min (TPM)", budget, max(1, tokens)), retry_after_s=wait_s)
        return None

    def start(self, owner: bytes, quota: Quota, tokens: int) -> None:
        """A request begins: it counts, and its `tokens` are held back."""
        if (requests := self._bucket(self._requests, owner, quota.requests_per_minute)) is not None:
            requests.level -= 1
        self.take(owner, quota, tokens)

    def undo(self, owner: bytes, quota: Quota, tokens: int) -> None:
        """A request that was begun is not served after all, for a reason of ours."""
        if (requests := self._bucket(self._requests, owner, quota.requests_per_minute)) is not None:
            requests.level += 1
        self.take(owner, quota, -tokens)

    def take(self, owner: bytes, quota: Quota, tokens: int) -> None:
        """Take so many tokens, or put them back where `tokens` is negative."""
        if (budget := self._bucket(self._tokens, owner, quota.tokens_per_minute)) is not None:
            budget.level -= tokens

    def left(self, owner: bytes, quota: Quota) -> tuple[Rate | None, Rate | None]:
        """What the quota leaves of requests and of tokens; None where it sets no limit."""
        requests = self._bucket(self._requests, owner, quota.requests_per_minute)
        budget = self._bucket(self._tokens, owner, quota.tokens_per_minute)
        return requests and requests.rate(), budget and budget.rate()

    def _bucket(self, buckets: dict[bytes, Bucket], owner: bytes, limit: int | None) -> Bucket | None:
        if limit is None:
            buckets.pop(owner, None)
            return None
        bucket = buckets.get(owner)
        if bucket is None or bucket.limit != limit:
            bucket = buckets[owner] = Bucket(limit, limit, self._clock())
        bucket.refill(self._clock())
        return bucket


def _told(of: str, bucket: Bucket, asked: int) -> str:
    used = bucket.limit - max(0, math.floor(bucket.level))
    seconds = math.ceil(bucket.wait_s(asked) * 1000) / 1000
    return (
        f"Rate limit reached for this key on {of}: Limit {bucket.limit}, Used {used}, Requested {asked}. "
        f"Please try again in {seconds:g}s."
    )
