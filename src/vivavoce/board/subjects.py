"""Whom the pages are about: models that were examined, that have a price, or that we can describe.

An endpoint on this machine answers to names that are not its own, so its runs go by their label and never by the model
they asked for: what our weights did under the name of the original is no result of the original.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vivavoce.board.facts import Facts, all_facts, facts_of
from vivavoce.board.judged import Judged
from vivavoce.prices.book import PriceBook

SLUG_LENGTH = 48


@dataclass(frozen=True, slots=True)
class Subject:
    """`name`: as people see it; `model`: what it is called in the price book, empty where it runs on one's own machine.

    vendor: who asks the price of it, where the book says so. runs: the oldest first.
    """

    name: str
    slug: str
    near: bool
    model: str
    facts: Facts | None
    vendor: str = ""
    runs: Sequence[Judged] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        return self.facts.title if self.facts is not None and not self.facts.profile else self.name

    @property
    def maker(self) -> str:
        """In a few words; empty where nobody says."""
        return self.facts.maker.split(";")[0] if self.facts is not None else self.vendor.capitalize()

    @property
    def preview(self) -> bool:
        """By the latest run, or where none is, by what is known."""
        if self.runs:
            return self.runs[-1].run.preview
        return self.facts is not None and self.facts.preview

    def latest(self, task: str) -> Judged | None:
        """The last run that asked something of a task."""
        return next((run for run in reversed(self.runs) if task in run.tasks), None)


def subjects(runs: Iterable[Judged], book: PriceBook) -> list[Subject]:
    """Those with runs first, by name; then those of the facts, in their order; then the rest of the price book."""
    by_name: dict[tuple[str, bool], list[Judged]] = {}
    for run in runs:
        by_name.setdefault((_name(run), run.near), []).append(run)
    found = [_examined(name, near, held) for (name, near), held in sorted(by_name.items())]
    covered = {each.name for each in found} | {alias for each in found for alias in _aliases(each.facts)}
    for name, facts in all_facts().items():
        if name not in covered:
            found.append(Subject(name, slug(name), facts.profile, "" if facts.profile else name, facts))
    covered |= {name for facts in all_facts().values() for name in (facts.name, *facts.aliases)}
    for name in dict.fromkeys(row.model for row in book.rows):
        if name not in covered:
            found.append(Subject(name, slug(name), False, name, None, book.history(name)[-1].vendor))
    return found


def _name(run: Judged) -> str:
    label = run.run.label or run.run.model or "without a name"
    known = facts_of(label)
    borrowed = run.near and (known is not None and not known.profile)
    return f"{label} (self-hosted)" if borrowed else label


def _examined(name: str, near: bool, runs: Sequence[Judged]) -> Subject:
    facts = facts_of(name)
    if near:
        own = facts if facts is not None and facts.profile else None
        return Subject(name, slug(name), True, "", own, runs=tuple(runs))
    model = runs[-1].run.model
    known = facts if facts is not None and not facts.profile else facts_of(model)
    return Subject(name, slug(name), False, model, known, runs=tuple(runs))


def _aliases(facts: Facts | None) -> tuple[str, ...]:
    return facts.aliases if facts is not None else ()


def slug(name: str) -> str:
    """A name as part of an address and of a file: letters, digits, `.`, `_` and `-`, and no two names the same."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:SLUG_LENGTH]
    if plain and plain == name:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{plain or 'model'}-{digest[:8]}"
