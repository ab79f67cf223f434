"""Garbage collection of the ledger, for as long as the server runs. Several processes may do it at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from vivavoce import tasks
from vivavoce.errors import StorageFailed
from vivavoce.ledger.ledger import Ledger

log = logging.getLogger(__name__)

LONGEST_PERIOD_S = 60.0


@asynccontextmanager
async def housekeeping(ledger: Ledger, ttl_s: float) -> AsyncGenerator[None, None]:
    """Collect now, and again as often as things expire: what is over is gone from the disk within a minute."""
    keeping = asyncio.create_task(_collect_for_ever(ledger, min(LONGEST_PERIOD_S, ttl_s)))
    try:
        yield
    finally:
        await tasks.end(keeping)


async def _collect_for_ever(ledger: Ledger, period_s: float) -> None:
    while True:
        try:
            if gone := await asyncio.to_thread(ledger.collect_garbage):
                log.info("%d expired entries of the ledger deleted", gone)
        except StorageFailed as error:
            log.error("garbage collection failed: %s", error.message)
        await asyncio.sleep(period_s)
