"""Who may start a turn, who waits and who is told to come back: one queue for all workers, in the engine process.

At most `turns` interactive turns are under way, and of these at most as many speak as the machine can keep fed. The
rest wait, a bounded number for a bounded time; owners take turns, whoever of them asks for most. A newcomer for whom
there is no room, or whose time would run out, is refused at once with an honest `TooBusy.retry_after_s`. Who has spoken
well ahead of its listener lets others speak first. Background turns start only while no interactive one is about, and
are told to pause when one comes. Long turns (an hour's recording) have half of the places between them, so that they
never keep a short one waiting for minutes.

An owner's quota (`engines.rates`) is looked at first, and not for background turns: those have all day.

Knows no engine, no HTTP and no socket. `counts` and `state` are for whoever watches.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from vivavoce.engines.rates import Rates
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import TooBusy, VivaError
from vivavoce.tickets import COMFORT_S, NO_QUOTA, Quota, Room

NEWEST_SHARE = 0.2
"""Weight of the newest turn in the mean time that a turn takes."""

LOOK_S = 0.1
"""How often a turn with sound in plenty looks whether others have it too."""

LONGEST_RETRY_S = 60.0
"""Official clients disregard a `retry-after` that is longer, and come back at once."""


Refusal = TypeVar("Refusal", bound=VivaError)


@dataclass(eq=False, slots=True)
class Place:
    """One turn in the house, waiting or under way. Is a `tickets.Ticket`.

    `expected_tokens` are held back from its owner's quota. `share_s`: its share of the machine's time so far.
    `fed_until_s`: until when its listener has sound, as far as it told.
    """

    house: Admission
    owner: bytes
    spoken: bool
    background: bool
    long: bool
    asked_s: float
    quota: Quota = NO_QUOTA
    expected_tokens: int = 0
    called: asyncio.Future[TooBusy | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)
    must_rest: asyncio.Event = field(default_factory=asyncio.Event)
    counted: bool = False
    started_s: float = 0.0
    share_s: float = 0.0
    fed_until_s: float = -math.inf
    room: Room | None = None

    async def clear(self, ahead_s: float = 0.0) -> None:
        await self.may_go_on.wait()
        await self.house.let_hungry_first(self, ahead_s)

    async def called_off(self) -> None:
        await self.must_rest.wait()

    def go_on(self) -> None:
        self.must_rest.clear()
        self.may_go_on.set()

    def rest(self) -> None:
        self.may_go_on.clear()
        self.must_rest.set()


class Admission:
    """The queue of one machine. For use from one event loop.

    `streams`: how many streams of speech the machine can keep fed just now. Counted in `counts`: `admitted`,
    `refused_full` (no place), `refused_wait` (would wait too long), `refused_displaced` (made room for an owner who has
    fewer waiting), `refused_quota` (more than its key may), `expired` (waited too long after all), `left` (hung up
    while waiting).
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
        self._rates = Rates(clock)
        self._part_s = 0.0  # grows by a second in as many seconds as turns are under way
        self._part_at_s = clock()

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

    def for_owner(self, owner: bytes, quota: Quota = NO_QUOTA) -> OwnerAdmission:
        return OwnerAdmission(self, owner, quota)

    # Coming and going

    @asynccontextmanager
    async def ticket(
        self,
        owner: bytes,
        *,
        spoken: bool,
        background: bool = False,
        long: bool = False,
        quota: Quota = NO_QUOTA,
        expected_tokens: int = 0,
    ) -> AsyncGenerator[Place, None]:
        """See `tickets.Admission.ticket`."""
        place = Place(self, owner, spoken, background, long, self._clock(), quota, expected_tokens)
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

    async def let_hungry_first(self, place: Place, ahead_s: float) -> None:
        """Wait while the listener of `place` has sound in plenty, and that of another turn has not."""
        place.fed_until_s = self._clock() + ahead_s
        while (  # noqa: ASYNC110 - time alone makes hungry
            place.fed_until_s - self._clock() > COMFORT_S and any(map(self._hungry, self._under_way - {place}))
        ):
            await asyncio.sleep(LOOK_S)

    def _hungry(self, place: Place) -> bool:
        return place.spoken and place.fed_until_s - self._clock() <= COMFORT_S

    def settle(self, place: Place, tokens: int) -> float:
        """A turn that has left took so many tokens. Returns its share of the machine's time in seconds."""
        if not place.background:
            self._rates.take(place.owner, place.quota, tokens - place.expected_tokens)
        return place.share_s

    def _take_place(self, place: Place) -> None:
        if (refusal := self._rates.refusal(place.owner, place.quota, place.expected_tokens)) is not None:
            raise self._counted("refused_quota", refusal, place)
        wait_s = self._expected_wait_s(place)
        if wait_s > self.limits.wait_s:
            raise self._refusal("refused_wait", wait_s, place)
        full = self.waiting >= self.limits.waiting and wait_s > 0
        own = len(self._lines.get(place.owner, ()))
        if full and not self._displace_for(own):
            raise self._refusal("refused_full", wait_s, place)
        self._rates.start(place.owner, place.quota, place.expected_tokens)
        place.counted = True
        self._lines.setdefault(place.owner, deque()).append(place)
        for paused in self._background_under_way:
            paused.rest()

    def _displace_for(self, own: int) -> bool:
        """Make the owner with most waiting give up the newest, if that is still fairer; whether it was done."""
        longest = max(self._lines.values(), key=len, default=deque[Place]())
        if len(longest) < own + 2:
            return False
        last = longest.pop()
        if not last.called.done():
            last.called.set_result(self._refusal("refused_displaced", self._expected_wait_s(last), last))
        return True

    async def _called(self, place: Place) -> None:
        """Wait to be called; raises `TooBusy`."""
        try:
            async with asyncio.timeout(None if place.background else self.limits.wait_s):
                refusal = await place.called
        except TimeoutError:
            raise self._refusal("expired", self._expected_wait_s(place), place) from None
        except asyncio.CancelledError:
            self.counts["left"] += 1
            raise
        if refusal is not None:
            raise refusal
        place.room = self._room(place)

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
                paused.go_on()

    def _next(self) -> Place | None:
        waiting = (place for line in self._lines.values() for place in line if not place.called.done())
        return next((place for place in waiting if self._fits(place, self._under_way)), None)

    def _fits(self, place: Place, among: set[Place]) -> bool:
        free = len(among) < self.limits.turns and (not place.long or _long(among) < self.long_limit)
        return free and (not place.spoken or _speaking(among) < self.speaking_limit)

    def _quiet(self) -> bool:
        return not self._under_way and not self._lines

    def _start(self, place: Place, among: set[Place]) -> None:
        self._share_out()
        among.add(place)
        place.started_s = self._clock()
        place.share_s = -self._part_s
        place.go_on()
        place.called.set_result(None)
        self.counts["admitted"] += 1
        self.waited_s += place.started_s - place.asked_s

    def _share_out(self) -> None:
        """Before a turn comes or goes: the time since the last did is shared among those under way."""
        now_s = self._clock()
        if (turns := len(self._under_way) + len(self._background_under_way)) > 0:
            self._part_s += (now_s - self._part_at_s) / turns
        self._part_at_s = now_s

    def _leave(self, place: Place) -> None:
        if place in self._under_way or place in self._background_under_way:
            self._share_out()
            place.share_s += self._part_s
        elif place.counted:
            self._rates.undo(place.owner, place.quota, place.expected_tokens)
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

    def _room(self, place: Place) -> Room:
        limit = self.limits.turns + self.limits.waiting
        free = len(self._under_way) < self.limits.turns
        reset_s = 0.0 if free else self._mean_s.get("any", 0.0) / self.limits.turns
        left = max(0, limit - len(self._under_way) - self.waiting)
        return Room(limit, left, reset_s, *self._rates.left(place.owner, place.quota))

    def _refusal(self, why: str, wait_s: float, place: Place) -> TooBusy:
        retry_after_s = min(LONGEST_RETRY_S, max(1.0, wait_s))
        message = f"The server is at its limit. Please try again in {math.ceil(retry_after_s)} s."
        return self._counted(why, TooBusy(message, retry_after_s=retry_after_s), place)

    def _counted(self, why: str, refusal: Refusal, place: Place) -> Refusal:
        self.counts[why] += 1
        if isinstance(refusal, TooBusy):
            limit = self.limits.turns + self.limits.waiting
            left = self._rates.left(place.owner, place.quota)
            refusal.room = Room(limit, 0, refusal.retry_after_s, *left)
        return refusal


def _kind(place: Place) -> Literal["spoken", "long", "any"]:
    """What its wait is reckoned by."""
    return "long" if place.long else "spoken" if place.spoken else "any"


def _long(places: set[Place]) -> int:
    return sum(place.long for place in places)


def _speaking(places: set[Place]) -> int:
    return sum(place.spoken for place in places)


class OwnerAdmission:
    """The queue as the turns of one owner see it. Is a `tickets.Metered`."""

    def __init__(self, admission: Admission, owner: bytes, quota: Quota = NO_QUOTA) -> None:
        self.expected_tokens = 0
        self._admission = admission
        self._owner = owner
        self._quota = quota
        self._places: list[Place] = []

    @asynccontextmanager
    async def ticket(self, *, spoken: bool, background: bool, long: bool = False) -> AsyncGenerator[Place, None]:
        """See `tickets.Admission.ticket`."""
        ticket = self._admission.ticket(
            self._owner,
            spoken=spoken,
            background=background,
            long=long,
            quota=self._quota,
            expected_tokens=self.expected_tokens,
        )
        async with ticket as place:
            self._places.append(place)
            yield place

    async def settle(self, tokens: int) -> float | None:
        """See `tickets.Metered.settle`."""
        places, self._places = self._places, []
        shares = [self._admission.settle(place, tokens if place is places[-1] else 0) for place in places]
        return sum(shares) if shares else None
