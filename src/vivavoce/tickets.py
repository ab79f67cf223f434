"""The ticket of a turn: the leave to start that an `Admission` gives, or refuses, and the contract between the two.

`engines.admission` keeps the queue; here is only what a turn sees of it. Knows no engine, no queue and no wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Quota:
    """What one owner may have started and used in any 60 s; None: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of a limit per minute is left; `reset_s`: how long until all of it is there again."""

    limit: int
    remaining: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class Room:
    """How full the house is. `limit`: turns that may be under way or waiting; `remaining`: how many more would be let
    in now; `reset_s`: about how long until a turn under way ends and makes room, 0 where there is room at once.

    `requests`, `tokens`: what the owner's quota leaves; None where it sets no limit.
    """

    limit: int
    remaining: int
    reset_s: float
    requests: Rate | None = None
    tokens: Rate | None = None


COMFORT_S = 3.0
"""Seconds of sound with which a listener is safe: about what the next clause takes on a machine that is busy."""


class Ticket(Protocol):
    """Held from the start of a turn to its end. `room` None: nobody counts."""

    @property
    def room(self) -> Room | None: ...

    async def clear(self, ahead_s: float = 0.0) -> None:
        """Return once the turn may go on. Ask between stages, and before each clause.

        Background work waits until no interactive turn is under way or in the queue. A turn whose listener has sound
        for `ahead_s` more seconds, if that is more than `COMFORT_S`, lets those go first whose listeners have less.
        """
        ...

    async def called_off(self) -> None:
        """Return once the turn should drop what it has under way and wait to be `clear`: for background work, when an
        interactive turn comes; for interactive turns never."""
        ...


class Admission(Protocol):
    """Lets the turns of one owner start."""

    def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AbstractAsyncContextManager[Ticket]:
        """Entering waits until the turn may start, or raises `TooBusy`; leaving makes room for the next, however the
        turn has ended. `spoken`: it makes sound; `background`: nobody waits for it; `long`: it may take minutes, so
        others are not made to wait for it."""
        ...


class Metered(Admission, Protocol):
    """The admission of one request of one owner, which also tells what the request took.

    `expected_tokens`: told before the ticket is asked for, and held back from the owner's quota until `settle`.
    """

    expected_tokens: int

    async def settle(self, tokens: int) -> float | None:
        """The request has ended and took so many tokens. Returns its share of the machine's time in seconds: of each
        moment, one part for every turn that was under way. None where no turn of it was let in."""
        ...


class OpenDoor:
    """An admission that lets everybody in at once, for engines that serve one caller; and the ticket it gives."""

    room: Room | None = None

    @asynccontextmanager
    async def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AsyncGenerator[OpenDoor, None]:
        yield self

    async def clear(self, ahead_s: float = 0.0) -> None:
        return None

    async def called_off(self) -> None:
        await asyncio.Event().wait()
