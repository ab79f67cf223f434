"""This machine's clocks, how long it has slept, and whether it has a way to the network at all."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from typing import Protocol

ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that are nobody's (RFC 5737, RFC 3849). Nothing is sent there: the system is only asked for a way."""


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds, as the machine's clock has it at the moment."""
        ...

    def steady(self) -> float:
        """Seconds that only ever go forward, by themselves; the machine's sleep may not be in them."""
        ...

    def slept(self) -> float:
        """Seconds that the machine has slept so far, as far as the system tells; 0 where it does not."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.monotonic()

    def slept(self) -> float:
        if not hasattr(time, "CLOCK_BOOTTIME"):
            return 0.0
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def has_route() -> bool:
    """There is a way from here to other networks, by the machine's own tables. Sends nothing."""
    for family, address in ELSEWHERE:
        try:
            with closing(socket.socket(family, socket.SOCK_DGRAM)) as asked:
                asked.connect((address, 9))
                return True
        except OSError:
            continue
    return False
