"""What every route needs, in one object: the engines, the ledger, and the limits.

Plain arguments, so that tests build one around scripted engines. Knows no route.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from vivavoce.conversation import SPEAKING_NOTE
from vivavoce.engines.deadlines import with_deadlines
from vivavoce.ledger.ledger import Ledger
from vivavoce.listen.cached import HeardOnce
from vivavoce.listen.speakers.once import TracedOnce
from vivavoce.prices.book import PriceBook, load_book
from vivavoce.server.accounts import Accounts
from vivavoce.server.callers import current
from vivavoce.server.keyring import KeyRing
from vivavoce.server.watching import watched_engines
from vivavoce.telemetry.telemetry import Telemetry
from vivavoce.tickets import Metered, Quota
from vivavoce.turn import Engines
from vivavoce.usage import Usage


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a request body, seconds of all its recordings together, seconds that a reply's id resolves, most
    choices (`n`) of one request, seconds that a stage of a turn or the reader of an answer may stand still, characters
    of a text to be spoken; bytes of an uploaded file and of all files of one owner, seconds that files are kept unless
    told otherwise, lines of batches that are under way at once (0: batches wait); seconds that a stored completion is
    kept."""

    body_bytes: int = 26_214_400
    audio_s: float = 1800.0
    reply_ttl_s: int = 86_400
    choices: int = 128
    stage_s: float = 90.0
    speech_characters: int = 4096
    file_bytes: int = 209_715_200
    all_files_bytes: int = 10_737_418_240
    file_ttl_s: int = 2_592_000
    batch_lines: int = 2
    stored_ttl_s: int = 30 * 86_400


class Queues(Protocol):
    """Gives the queue of an owner, for one request."""

    def __call__(self, owner: bytes, *, quota: Quota) -> Metered: ...


@dataclass(slots=True)
class Service:
    """`engines` waits for the engines and raises `EngineLost` or why they can't run; `ready` tells at once.

    `admission` gives the queue of an owner with its quota; None: everybody is let in. `heard_once` None: recordings are
    listened to, and traced, anew each time. `strict`: refuse what the original refused. `cost_per_hour`: as `Accounts`
    has it. `engine_names`: stage -> `kind:model`, to show to people. `engine_status`: see `EngineClient.status`.
    `batch_made`: set when there is a batch to be run.
    """

    engines: Callable[[], Awaitable[Engines]]
    ledger: Ledger
    admission: Queues | None = None
    heard_once: HeardOnce | None = None
    traced_once: TracedOnce = field(default_factory=TracedOnce)
    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    engine_names: Mapping[str, str] = field(default_factory=dict[str, str])
    fingerprint: str = "fp_scripted"
    speaking_note: str | None = SPEAKING_NOTE
    hearing_note: bool = True
    ask_back: bool = True
    ready: Callable[[], tuple[bool, str]] = lambda: (True, "ready")
    engine_status: Callable[[], Awaitable[dict[str, Any]]] | None = None
    telemetry: Telemetry = field(default_factory=Telemetry)
    shows_metrics: bool = True
    started_at: int = field(default_factory=lambda: int(time.time()))
    book: PriceBook = field(default_factory=load_book)
    cost_per_hour: Decimal | None = None
    batch_made: asyncio.Event = field(default_factory=asyncio.Event)
    keyring: KeyRing = field(init=False)
    accounts: Accounts = field(init=False)

    def __post_init__(self) -> None:
        self.keyring = KeyRing(self.ledger)
        self.accounts = Accounts(self.ledger, self.book, self.keyring, self.cost_per_hour)

    def expect(self, model: str, expected: Usage) -> None:
        """Before a turn of this request starts: under which name, and what it will take at most, as far as can be told.

        Raises `QuotaExceeded` and `InvalidRequest`, see `Accounts.check`. Call it after `engines_for`.
        """
        caller = current()
        self.accounts.check(caller, model)
        caller.expected = expected
        if caller.admission is not None:
            caller.admission.expected_tokens = expected.total_tokens

    async def engines_for(self, owner: bytes) -> Engines:
        """The engines for one owner, who is never made to wait for a recording that was listened to before.

        Its turns start when they are admitted, and no stage of them hangs.
        """
        engines = watched_engines(await self.engines(), self.telemetry)
        if self.heard_once is not None:
            engines = replace(engines, listener=self.heard_once.listener(engines.listener, owner))
        if engines.diarizer is not None and self.heard_once is not None:
            engines = replace(engines, diarizer=self.traced_once.diarizer(engines.diarizer, owner))
        if self.admission is not None:
            caller = current()
            caller.admission = self.admission(owner, quota=caller.quota)
            engines = replace(engines, admission=caller.admission)
        return with_deadlines(engines, self.limits.stage_s)
