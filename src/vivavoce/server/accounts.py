"""What each request used, on its way into the ledger: noted when the request has ended, written a moment later.

Nothing waits for it. Rows are gathered for `GATHER_S` and written together in a thread; a clean stop writes what is
left. A worker that is killed loses what it noted in about that last moment, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from vivavoce import tasks
from vivavoce.errors import InvalidRequest, StorageFailed, VivaError
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import UsageRow
from vivavoce.prices.book import PriceBook
from vivavoce.server.callers import Caller
from vivavoce.server.keyring import KeyRing
from vivavoce.telemetry.telemetry import CANCELLED, NONE, RequestFacts
from vivavoce.usage import INPUT_TOKENS_PER_S, OUTPUT_TOKENS_PER_S, Usage

log = logging.getLogger(__name__)

GATHER_S = 0.2
RETRY_S = 5.0
"""Until rows that could not be written are tried again."""

MOST_ROWS = 100_000
"""That are kept in memory while the ledger cannot be written; then the oldest are given up, which the log says."""

SETTLE_S = 5.0
"""How long the engine process may take to say what a turn's share of the machine was."""

LAST_WORDS_S = 0.05
HOUR_S = 3600


class Accounts:
    """For use from one event loop.

    `cost_per_hour`: what an hour of this machine costs, in US dollars; None: not known.
    """

    def __init__(
        self,
        ledger: Ledger,
        book: PriceBook,
        keyring: KeyRing,
        cost_per_hour: Decimal | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._book = book
        self._keyring = keyring
        self._cost_per_hour = cost_per_hour
        self._clock = clock
        self._rows: list[UsageRow] = []
        self._settling: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    def check(self, caller: Caller, model: str) -> None:
        """Before a turn starts. Raises `QuotaExceeded`, and `InvalidRequest` where a budget in money meets a model
        without a price: it would never be used up."""
        self._keyring.check_budget(caller.owner)
        if caller.key is None or caller.key.limits.monthly_usd is None:
            return
        if not self._book.rates(model, self._today()):
            raise InvalidRequest(
                f"This key has a budget in money, and '{model}' has no price. Ask under a name that has one "
                "(`viva prices`), or have one put into VIVA_PRICES_DIR on the server.",
                param="model",
                code="model_without_price",
            )

    def note(self, request_id: str, caller: Caller, facts: RequestFacts, route: str, status: int) -> None:
        """A request has ended. Those that made no engine work are not written down."""
        if (row := self._begun(request_id, caller, facts, route, status)) is None:
            return
        task = asyncio.create_task(self._settle(row, caller))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    @asynccontextmanager
    async def row_of(
        self, request_id: str, caller: Caller, facts: RequestFacts, route: str, status: int
    ) -> AsyncGenerator[UsageRow | None, None]:
        """The same for who writes the row together with other things, within this context; None: there is nothing to
        write. Left by an error, the row was not written."""
        row = self._begun(request_id, caller, facts, route, status)
        if row is None:
            yield None
            return
        try:
            yield await self._with_share(row, caller)
        except BaseException:
            if row.key_id is not None:
                self._keyring.used(row.key_id, -row.usage.total_tokens, -(row.price_usd or Decimal(0)))
            raise
        self._written(row)

    async def flush(self) -> None:
        """Write what was noted until now. Raises `StorageFailed`; the rows are kept for the next time."""
        if self._settling:
            await asyncio.wait(set(self._settling), timeout=SETTLE_S)
        async with self._writing:
            rows, self._rows = self._rows, []
            try:
                await asyncio.to_thread(self._ledger.usage.add, rows)
            except BaseException:
                self._rows = [*rows, *self._rows]
                raise
            for row in rows:
                self._written(row)

    async def close(self) -> None:
        """Write what is left, and what requests that the stop cut off still have to tell."""
        await asyncio.sleep(LAST_WORDS_S)
        if self._writer is not None:
            await tasks.end(self._writer)
        try:
            await self.flush()
        except StorageFailed as error:
            log.error("the usage of %d requests is lost: %s", len(self._rows), error.message)

    def _begun(self, request_id: str, caller: Caller, facts: RequestFacts, route: str, status: int) -> UsageRow | None:
        """The row of a request, counted in its key's budget; None where it made no engine work."""
        if facts.model is None or (facts.queue_s is None and facts.usage is None and not _anything(facts)):
            return None
        row = self._row(request_id, caller, facts, route, status)
        if row.key_id is not None:
            self._keyring.used(row.key_id, row.usage.total_tokens, row.price_usd or Decimal(0))
        return row

    def _written(self, row: UsageRow) -> None:
        if row.key_id is not None:
            self._keyring.written(row.key_id, row.usage.total_tokens, row.price_usd or Decimal(0))

    def _row(self, request_id: str, caller: Caller, facts: RequestFacts, route: str, status: int) -> UsageRow:
        usage, model = _usage(facts, caller.expected), facts.model or ""
        heard_s = Decimal(round(facts.heard_s * 1000)) / 1000
        price = self._book.price(usage, model, self._today(), characters=facts.characters, seconds=heard_s)
        return UsageRow(
            request_id=request_id,
            at=int(self._clock()),
            key_id=caller.key.id if caller.key is not None else None,
            route=route,
            model=model,
            status=status,
            code=None if facts.code == NONE else facts.code,
            usage=usage,
            input_characters=facts.characters,
            heard_ms=round(facts.heard_s * 1000),
            spoken_ms=round(facts.spoken_s * 1000),
            queue_ms=_ms(facts.queue_s),
            first_text_ms=_ms(facts.first_text_s),
            first_sound_ms=_ms(facts.first_sound_s),
            total_ms=round(facts.elapsed_s() * 1000),
            price_usd=price,
        )

    async def _settle(self, row: UsageRow, caller: Caller) -> None:
        """Hand the row of a request to the writer."""
        self._rows.append(await self._with_share(row, caller))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _with_share(self, row: UsageRow, caller: Caller) -> UsageRow:
        """Tell the queue what the request took, and learn its share of the machine."""
        share_s: float | None = None
        try:
            if caller.admission is not None:
                async with asyncio.timeout(SETTLE_S):
                    share_s = await caller.admission.settle(row.usage.total_tokens)
        except (VivaError, TimeoutError) as error:
            log.info("a turn's share of the machine is not known: %s", type(error).__name__)
        if share_s is not None:
            cost = self._cost_per_hour and self._cost_per_hour * Decimal(round(share_s * 1e6)) / 1_000_000 / HOUR_S
            row = replace(row, machine_ms=round(share_s * 1000), cost_usd=cost)
        return row

    async def _write(self) -> None:
        pause_s = GATHER_S
        while self._rows:
            await asyncio.sleep(pause_s)
            try:
                await self.flush()
                pause_s = GATHER_S
            except StorageFailed as error:
                pause_s = RETRY_S
                log.error("usage is not written yet: %s", error.message)
                if len(self._rows) > MOST_ROWS:
                    log.error("the usage of %d requests is lost", len(self._rows) - MOST_ROWS)
                    del self._rows[:-MOST_ROWS]

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()


def _anything(facts: RequestFacts) -> bool:
    return bool(facts.pieces or facts.heard_s or facts.spoken_s)


def _usage(facts: RequestFacts, expected: Usage) -> Usage:
    """What a request is counted as: all of a turn that ended well, of one whose client hung up what was done until
    then, a token for each piece of text; and nothing of one in which we failed."""
    if facts.usage is not None:
        return facts.usage
    if facts.code != CANCELLED:
        return Usage()
    return Usage(
        input_text_tokens=expected.input_text_tokens,
        input_audio_tokens=expected.input_audio_tokens or int(facts.heard_s * INPUT_TOKENS_PER_S),
        output_text_tokens=facts.pieces,
        output_audio_tokens=int(facts.spoken_s * OUTPUT_TOKENS_PER_S),
    )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
