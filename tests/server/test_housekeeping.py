"""Garbage collection while the server runs: at once, again and again, whatever fails on the way."""

from __future__ import annotations

import asyncio

import pytest

from vivavoce.errors import StorageFailed
from vivavoce.server.housekeeping import housekeeping


class CountingLedger:
    def __init__(self, *, broken: bool = False) -> None:
        self.collections = 0
        self.broken = broken
        self.thrice = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def collect_garbage(self) -> int:
        self.collections += 1
        if self.collections == 3:
            self._loop.call_soon_threadsafe(self.thrice.set)
        if self.broken:
            raise StorageFailed("The disk is gone.")
        return 5


@pytest.mark.parametrize("broken", [False, True])
async def test_it_collects_at_once_and_again_until_the_end(broken: bool, caplog: pytest.LogCaptureFixture) -> None:
    ledger = CountingLedger(broken=broken)
    with caplog.at_level("INFO", logger="vivavoce"):
        async with housekeeping(ledger, 0.01):
            await asyncio.wait_for(ledger.thrice.wait(), 10)
    assert ("The disk is gone" if broken else "5 expired entries") in caplog.text
    ended_at = ledger.collections
    await asyncio.sleep(0.05)
    assert ledger.collections <= ended_at + 1  # one may have been under way


async def test_it_does_not_wait_longer_than_a_minute() -> None:
    ledger = CountingLedger()
    async with housekeeping(ledger, 86_400):
        await asyncio.sleep(0.05)
    assert ledger.collections == 1
