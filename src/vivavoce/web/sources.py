"""What pages are made of. Read once at the edge, handed down; a page reads nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from vivavoce.board.money import OwnMachine
from vivavoce.board.observatory import utc_now
from vivavoce.ledger.usage import OutcomeCount
from vivavoce.prices.book import PriceBook, load_book


@dataclass(frozen=True, slots=True)
class Sources:
    """book: prices of models. runs, sounds, probes: folders of run files, of the sounds of spoken items, and of the
    probes' diary; none of them need be there. For the rest see `board.observatory.Observatory`."""

    book: PriceBook = field(default_factory=load_book)
    runs: Path | None = None
    sounds: Path | None = None
    probes: Path | None = None
    own: Callable[[], OwnMachine] = OwnMachine
    outcomes: Callable[[int, int], Sequence[OutcomeCount]] | None = None
    recordings: bool = False
    now: Callable[[], datetime] = utc_now
