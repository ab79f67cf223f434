"""What pages are made of. Read once at the edge, handed down; a page reads nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.prices.book import PriceBook, load_book


@dataclass(frozen=True, slots=True)
class Sources:
    """book: prices of models."""

    book: PriceBook = field(default_factory=load_book)
