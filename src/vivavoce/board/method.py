"""How the exams are made and judged, from the definitions of the exams themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.metrics import Metric
from vivavoce.exam.papers import ESPEAK_VOICES, SPEECH_VOICES
from vivavoce.exam.tasks import Card, Sources, Task


@dataclass(frozen=True, slots=True)
class Method:
    """One exam. pool: how many items there are without recordings; kinds: of them by group; languages: their codes.

    headline: what ranks the board; facets: what figures are also stated by.
    """

    task: Task
    card: Card
    pool: int
    kinds: Mapping[str, int]
    languages: Sequence[str]
    headline: Metric
    metrics: Sequence[Metric]
    facets: Sequence[str]


@cache
def methods() -> tuple[Method, ...]:
    """Every exam, in the order of the catalogue."""
    return tuple(_method(task) for task in TASKS.values())


def voices() -> tuple[Sequence[str], Sequence[str]]:
    """Those of espeak-ng, and those asked of a speech endpoint where one is named."""
    return ESPEAK_VOICES, SPEECH_VOICES


def _method(task: Task) -> Method:
    pool = task.pool(Sources(voices=ESPEAK_VOICES))
    return Method(
        task=task,
        card=task.card,
        pool=len(pool),
        kinds=Counter(item.group for item in pool),
        languages=sorted({item.language for item in pool}),
        headline=task.headline,
        metrics=task.metrics,
        facets=[facet.replace("_", " ") for facet in task.by],
    )
