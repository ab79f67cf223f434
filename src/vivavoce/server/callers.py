"""Who a request is from, for as long as it lasts: its owner, its key, and its place in the queue.

`server.door` fills it in; tasks that work for the request find it by `current`. Knows no route.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from vivavoce.ledger.keys import Key
from vivavoce.tickets import NO_QUOTA, Metered, Quota
from vivavoce.usage import Usage

SUBPROTOCOL = "openai-insecure-api-key."
"""Before the key, among the subprotocols of a WebSocket: browsers can send no `Authorization` with one."""


@dataclass(slots=True)
class Caller:
    """`owner`: the ledger's name for whoever sends this key. `key` None: no key is asked for.

    `expected`: what the request will take at most, as far as that is known before it starts. `admission`: where it
    was let in; None while nobody asked.
    """

    owner: bytes = b""
    key: Key | None = None
    expected: Usage = field(default_factory=Usage)
    admission: Metered | None = None

    @property
    def quota(self) -> Quota:
        if self.key is None:
            return NO_QUOTA
        return Quota(self.key.limits.requests_per_minute, self.key.limits.tokens_per_minute)


CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current() -> Caller:
    """The caller that this task works for; nobody in particular, outside a request."""
    return CALLER.get() or Caller()


def token_of(headers: Headers) -> str:
    """The key that somebody sends: as bearer, or among the subprotocols of a WebSocket; "" where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = (part.strip() for part in headers.get("sec-websocket-protocol", "").split(","))
    return next((part.removeprefix(SUBPROTOCOL) for part in offered if part.startswith(SUBPROTOCOL)), "")
