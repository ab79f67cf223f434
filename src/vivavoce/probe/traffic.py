"""What our own server's live traffic says of a window, beside what the probes do: from the ledger's figures alone.

The ledger has a row for every request that made the engines work. Those that were turned away at the door (no key, a
limit, a full queue, a field that is wrong) have none, and are in no share here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vivavoce.ledger.usage import OutcomeCount
from vivavoce.probe.summary import Delay, Share

HUNG_UP = "cancelled"
"""The ledger's code of a request whose client left before its answer was whole."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests for one model. ours: failed by a fault of the server (5xx, or an error within the answer); theirs: by
    the client (4xx, or it hung up). failures: status and code of either, and how often.

    first_sound: of answers that had sound and no error, from the arrival of the request.
    """

    model: str
    ours: Share
    theirs: Share
    first_sound: Delay
    failures: dict[str, int]

    @property
    def n(self) -> int:
        return self.ours.n


def summarise_traffic(counts: Iterable[OutcomeCount]) -> list[Traffic]:
    """By model, in the order of names. counts: of `UsageLog.outcomes` over a window."""
    by_model: dict[str, list[OutcomeCount]] = {}
    for each in counts:
        by_model.setdefault(each.model, []).append(each)
    return [_traffic(model, rows) for model, rows in sorted(by_model.items())]


def _traffic(model: str, rows: Sequence[OutcomeCount]) -> Traffic:
    total = sum(row.requests for row in rows)
    failures = Counter[str]()
    for row in rows:
        if _theirs(row) or _ours(row):
            failures[f"{row.status or 'no answer'} {row.code or ''}".rstrip()] += row.requests
    return Traffic(
        model,
        ours=Share.of(sum(row.requests for row in rows if _ours(row)), total),
        theirs=Share.of(sum(row.requests for row in rows if _theirs(row)), total),
        first_sound=_delay([row for row in rows if not _ours(row) and not _theirs(row)]),
        failures=dict(failures.most_common()),
    )


def _theirs(row: OutcomeCount) -> bool:
    return row.code == HUNG_UP or row.status == 0 or 400 <= row.status < 500


def _ours(row: OutcomeCount) -> bool:
    return not _theirs(row) and (row.status >= 500 or row.code is not None)


def _delay(rows: Sequence[OutcomeCount]) -> Delay:
    heard = [row for row in rows if row.first_sound_ms is not None]
    values = np.repeat([(row.first_sound_ms or 0) / 1000 for row in heard], [row.requests for row in heard])
    return Delay.of(values.tolist())
