"""The ticket of a turn: the leave to start that an `Admission` gives, or refuses, and the contract between the two.

`engines.admission` keeps the queue; here is only what a turn sees of it. Knows no engine, no queue and no wire.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Room:
    """How full the house is. `limit`: turns that may be under way or waiting; `remaining`: how many more would be let
    in now; `reset_s`: about how long until a turn under way ends and makes room, 0 where there is room at once."""

    limit: int
    remaining: int
    reset_s: float


class Ticket(Protocol):
    """Held from the start of a turn to its end. `room` None: nobody counts."""

    @property
    def room(self) -> Room | None: ...

    async def clear(self) -> None:
        """Return at once; for background work, once no interactive turn is under way or waits. Ask between stages."""
        ...


class Admission(Protocol):
    """Lets the turns of one owner start."""

    def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AbstractAsyncContextManager[Ticket]:
        """Entering waits until the turn may start, or raises `TooBusy`; leaving makes room for the next, however the
        turn has ended. `spoken`: it makes sound; `background`: nobody waits for it; `long`: it may take minutes, so
        others are not made to wait for it."""
        ...


class OpenDoor:
    """An admission that lets everybody in at once, for engines that serve one caller; and the ticket it gives."""

    room: Room | None = None

    @asynccontextmanager
    async def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AsyncGenerator[OpenDoor, None]:
        yield self

    async def clear(self) -> None:
        return None
