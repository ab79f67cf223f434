"""What pages are made of. Read once at the edge, handed down; a page reads nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from vivavoce.board.money import OwnMachine
from vivavoce.board.observatory import utc_now
from vivavoce.errors import StorageFailed
from vivavoce.exam.sounds import cache_dir
from vivavoce.ledger.ledger import Ledger
from vivavoce.ledger.usage import OutcomeCount
from vivavoce.prices.book import PriceBook, load_book
from vivavoce.prices.own import Turn, pace_of


@dataclass(frozen=True, slots=True)
class Sources:
    """book: prices of models. runs: the folder of run files; only: of these files alone. sounds, probes: folders of the
    sounds of spoken items, and of the probes' diary; none need be there. For the rest see `board.observatory`."""

    book: PriceBook = field(default_factory=load_book)
    runs: Path | None = None
    only: Sequence[Path] | None = None
    sounds: Path | None = None
    probes: Path | None = None
    own: Callable[[], OwnMachine] = OwnMachine
    outcomes: Callable[[int, int], Sequence[OutcomeCount] | None] | None = None
    recordings: Path | None = None
    now: Callable[[], datetime] = utc_now

    @classmethod
    def of_runs(cls, runs: Sequence[Path], *, sound: bool, manifest: Path | None = None) -> Sources:
        """These runs and the book of prices, and nothing else of this machine. sound: questions and answers are played;
        manifest: of recordings that are shown too."""
        recordings = manifest.resolve().parent if manifest is not None else None
        return cls(only=runs, sounds=cache_dir() if sound else None, recordings=recordings)

    @classmethod
    def of(
        cls,
        *,
        data_dir: Path,
        runs: Path,
        prices_dir: Path | None,
        cost_per_hour: Decimal | None,
        traffic: bool,
        only: Sequence[Path] | None = None,
        recordings: Path | None = None,
    ) -> Sources:
        """All there is on this machine. traffic: sums of live traffic too, where no keys keep it to admins."""
        books = _Books(data_dir, cost_per_hour)
        return cls(
            book=load_book(prices_dir),
            runs=runs,
            only=only,
            sounds=cache_dir(),
            probes=data_dir / "probe",
            own=books.own,
            outcomes=books.outcomes if traffic else None,
            recordings=recordings,
        )


class _Books:
    """The ledger of a data folder, opened when a page first asks for it. A folder without one is left without one."""

    def __init__(self, folder: Path, cost_per_hour: Decimal | None) -> None:
        self._folder = folder
        self._cost_per_hour = cost_per_hour
        self._ledger: Ledger | None = None
        self._lock = threading.Lock()

    def own(self) -> OwnMachine:
        """Turns are measured only where they are asked to be told in dollars: that takes the ledger."""
        try:
            ledger = self._open() if self._cost_per_hour is not None else None
            turns = [Turn(*turn) for turn in ledger.usage.measured_turns()] if ledger is not None else []
        except StorageFailed:
            turns = []
        return OwnMachine(self._cost_per_hour, pace_of(turns))

    def outcomes(self, since: int, until: int) -> Sequence[OutcomeCount] | None:
        """None where keys are asked for: then what everybody used is for admins alone, and pages know nobody."""
        ledger = self._open()
        if ledger is None:
            return []
        return None if ledger.keys.any() else ledger.usage.outcomes(since, until)

    def _open(self) -> Ledger | None:
        with self._lock:
            if self._ledger is None and (self._folder / "ledger.sqlite").is_file():
                self._ledger = Ledger(self._folder)
            return self._ledger
