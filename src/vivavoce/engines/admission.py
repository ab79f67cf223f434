"""Who may start a turn, who waits and who is told to come back: one queue for all workers, in the engine process.

At most `turns` interactive turns are under way, and of these at most as many speak as the machine can keep fed. The
rest wait, a bounded number for a bounded time; owners take turns, whoever of them asks for most. A newcomer for whom
there is no room, or whose time would run out, is refused at once with an honest `TooBusy.retry_after_s`. Background
turns start only while no interactive one is about, and are told to pause when one comes. Long turns (an hour's
recording) have half of the places between them, so that they never keep a short one waiting for minutes.

Knows no engine, no HTTP and no socket. `counts` and `state` are for whoever watches.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import TooBusy
from vivavoce.tickets import Room

NEWEST_SHARE = 0.2
"""Weight of the newest turn in the mean time that a turn takes."""

LONGEST_RETRY_S = 60.0
"""Official clients disregard a `retry-after` that is longer, and come back at once."""


@dataclass(eq=False, slots=True)
class Place:
    """One turn in the house, waiting or under way. Is a `tickets.Ticket`."""

    owner: bytes
    spoken: bool
    background: bool
    long: bool
    asked_s: float
    called: asyncio.Future[TooBusy | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    started_s: float = 0.0
    room: Room | None = None

    async def clear(self) -> None:
        await self.may_go_on.wait()


class Admission:
    """The queue of one machine. For use from one event loop.

    `streams`: how many streams of speech the machine can keep fed just now. Counted in `counts`: `admitted`,
    `refused_full` (no place), `refused_wait` (would wait too long), `refused_displaced` (made room for an owner who has
    fewer waiting), `expired` (waited too long after all), `left` (hung up while waiting).
    """

    def __init__(
        self,
        limits: AdmissionLimits,
        streams: Callable[[], int] = lambda: 1_000_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.counts: Counter[str] = Counter()
        self.waited_s = 0.0
        self._streams = streams
        self._clock = clock
        self._under_way: set[Place] = set()
        self._lines: dict[bytes, deque[Place]] = {}
        self._background: deque[Place] = deque()
        self._background_under_way: set[Place] = set()
        self._mean_s: dict[str, float] = {}

    # What may be

    @property
    def speaking_limit(self) -> int:
        """Never none: a machine that cannot keep one stream fed still speaks, one answer at a time."""
        limit = self._streams() if self.limits.speaking is None else self.limits.speaking
        return max(1, min(limit, self.limits.turns))

    @property
    def long_limit(self) -> int:
        return max(1, self.limits.turns // 2)

    @property
    def waiting(self) -> int:
        """Interactive turns in the queue."""
        return sum(map(len, self._lines.values()))

    def state(self) -> dict[str, float]:
        """Everything there is to watch, by name; the totals only ever grow."""
        return {
            "turns": len(self._under_way),
            "speaking": _speaking(self._under_way),
            "waiting": self.waiting,
            "background": len(self._background_under_way),
            "background_waiting": len(self._background),
            "turns_limit": self.limits.turns,
            "speaking_limit": self.speaking_limit,
            "waiting_limit": self.limits.waiting,
            "waited_s_total": self.waited_s,
            **{f"{name}_total": count for name, count in self.counts.items()},
        }

    def for_owner(self, owner: bytes) -> OwnerAdmission:
        return OwnerAdmission(self, owner)

    # Coming and going

    @asynccontextmanager
    async def ticket(
        self, owner: bytes, *, spoken: bool, background: bool = False, long: bool = False
    ) -> AsyncGenerator[Place, None]:
        """See `tickets.Admission.ticket`."""
        place = Place(owner, spoken, background, long, self._clock())
        try:
            if background:
                self._background.append(place)
            else:
                self._take_place(place)
            self._call_next()
            await self._called(place)
            yield place
        finally:
            self._leave(place)

    def _take_place(self, place: Place) -> None:
        wait_s = self._expected_wait_s(place)
        if wait_s > self.limits.wait_s:
            raise self._refusal("refused_wait", wait_s)
        full = self.waiting >= self.limits.waiting and wait_s > 0
        own = len(self._lines.get(place.owner, ()))
        if full and not self._displace_for(own):
            raise self._refusal("refused_full", wait_s)
        self._lines.setdefault(place.owner, deque()).append(place)
        for paused in self._background_under_way:
            paused.may_go_on.clear()

    def _displace_for(self, own: int) -> bool:
        """Make the owner with most waiting give up the newest, if that is still fairer; whether it was done."""
        longest = max(self._lines.values(), key=len, default=deque[Place]())
        if len(longest) < own + 2:
            return False
        last = longest.pop()
        if not last.called.done():
            last.called.set_result(self._refusal("refused_displaced", self._expected_wait_s(last)))
        return True

    async def _called(self, place: Place) -> None:
        """Wait to be called; raises `TooBusy`."""
        try:
            async with asyncio.timeout(None if place.background else self.limits.wait_s):
                refusal = await place.called
        except TimeoutError:
            raise self._refusal("expired", self._expected_wait_s(place)) from None
        except asyncio.CancelledError:
            self.counts["left"] += 1
            raise
        if refusal is not None:
            raise refusal
        place.room = self._room()

    def _call_next(self) -> None:
        """Start whoever can start now: owners in turn, each with the first of its line that finds what it needs."""
        while (place := self._next()) is not None:
            line = self._lines.pop(place.owner)
            line.remove(place)
            if line:
                self._lines[place.owner] = line  # at the end: everybody else comes first
            self._start(place, self._under_way)
        while self._background and self._quiet() and self._fits(self._background[0], self._background_under_way):
            self._start(self._background.popleft(), self._background_under_way)
        if self._quiet():
            for paused in self._background_under_way:
                paused.may_go_on.set()

    def _next(self) -> Place | None:
        waiting = (place for line in self._lines.values() for place in line if not place.called.done())
        return next((place for place in waiting if self._fits(place, self._under_way)), None)

    def _fits(self, place: Place, among: set[Place]) -> bool:
        free = len(among) < self.limits.turns and (not place.long or _long(among) < self.long_limit)
        return free and (not place.spoken or _speaking(among) < self.speaking_limit)

    def _quiet(self) -> bool:
        return not self._under_way and not self._lines

    def _start(self, place: Place, among: set[Place]) -> None:
        among.add(place)
        place.started_s = self._clock()
        place.may_go_on.set()
        place.called.set_result(None)
        self.counts["admitted"] += 1
        self.waited_s += place.started_s - place.asked_s

    def _leave(self, place: Place) -> None:
        if place in self._under_way:
            self._under_way.discard(place)
            self._note_time(place, self._clock() - place.started_s)
        self._background_under_way.discard(place)
        if place in self._background:
            self._background.remove(place)
        if place in (line := self._lines.get(place.owner, deque[Place]())):
            line.remove(place)
        if not line:
            self._lines.pop(place.owner, None)
        self._call_next()

    # What is to be expected

    def _note_time(self, place: Place, took_s: float) -> None:
        for kind in {_kind(place), "long" if place.long else "any"}:
            mean_s = self._mean_s.get(kind, took_s)
            self._mean_s[kind] = mean_s + NEWEST_SHARE * (took_s - mean_s)

    def _expected_wait_s(self, place: Place) -> float:
        """How long a newcomer would wait, from who is before it and from the mean time of a turn; 0 while unknown.

        Who speaks waits for those who speak, long turns for long ones, and who writes for all but these; of each other
        owner come no more before it than it has itself waiting, and one.
        """
        if self._fits(place, self._under_way):
            return 0.0  # whoever waits could not have started either
        kind = _kind(place)
        own = self._count(place.owner, kind)
        ahead = own + sum(min(self._count(other, kind), own + 1) for other in self._lines if other != place.owner)
        others = max(1, self.limits.turns - _long(self._under_way))
        servers = {"spoken": self.speaking_limit, "long": self.long_limit}.get(kind, others)
        return max(1e-3, (ahead + 1) * self._mean_s.get(kind, 0.0) / servers)

    def _count(self, owner: bytes, kind: str) -> int:
        line = self._lines.get(owner, ())
        return sum(_kind(place) == kind or (kind == "any" and not place.long) for place in line)

    def _room(self) -> Room:
        limit = self.limits.turns + self.limits.waiting
        free = len(self._under_way) < self.limits.turns
        reset_s = 0.0 if free else self._mean_s.get("any", 0.0) / self.limits.turns
        return Room(limit, max(0, limit - len(self._under_way) - self.waiting), reset_s)

    def _refusal(self, why: str, wait_s: float) -> TooBusy:
        self.counts[why] += 1
        retry_after_s = min(LONGEST_RETRY_S, max(1.0, wait_s))
        return TooBusy(
            f"The server is at its limit. Please try again in {math.ceil(retry_after_s)} s.",
            retry_after_s=retry_after_s,
            limit=self.limits.turns + self.limits.waiting,
        )


def _kind(place: Place) -> Literal["spoken", "long", "any"]:
    """What its wait is reckoned by."""
    return "long" if place.long else "spoken" if place.spoken else "any"


def _long(places: set[Place]) -> int:
    return sum(place.long for place in places)


def _speaking(places: set[Place]) -> int:
    return sum(place.spoken for place in places)


class OwnerAdmission:
    """The queue as the turns of one owner see it. Is a `tickets.Admission`."""

    def __init__(self, admission: Admission, owner: bytes) -> None:
        self._admission = admission
        self._owner = owner

    def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AbstractAsyncContextManager[Place]:
        return self._admission.ticket(self._owner, spoken=spoken, background=background, long=long)
