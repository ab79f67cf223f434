"""What a scenario costs on a machine of one's own: its share of the machine's time, at what an hour of it costs. Pure.

The share is that of decision 24. It is told from measured turns, by a line through them: so many machine seconds for
each turn, each second heard and each second spoken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from statistics import median

import numpy as np
import numpy.typing as npt

from vivavoce.prices.costs import GRAIN
from vivavoce.prices.scenarios import Scenario

LEAST_TURNS = 20
"""Under this nothing is stated."""

HOUR_S = Decimal(3600)
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """One that was measured: seconds heard, seconds spoken, and its share of the machine's time."""

    heard_s: float
    spoken_s: float
    machine_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Machine seconds for a turn, a second heard and a second spoken, from `n` turns; None where none of them did it.

    error: half of the turns are off by less than this part of their time. longest_heard_s: what is said of longer
    recordings goes beyond what was measured.
    """

    turn_s: float
    heard_s: float | None
    spoken_s: float | None
    n: int
    error: float
    longest_heard_s: float

    def machine_s(self, scenario: Scenario) -> float | None:
        """None where the scenario takes what was not measured."""
        total = self.turn_s * scenario.turns
        for seconds, pace in ((scenario.heard_s, self.heard_s), (scenario.spoken_s, self.spoken_s)):
            if seconds:
                if pace is None:
                    return None
                total += float(seconds) * pace
        return total


def pace_of(turns: Sequence[Turn]) -> Pace | None:
    """Least squares over `turns` whose share is not 0, no coefficient under 0; None for fewer than `LEAST_TURNS`."""
    turns = [turn for turn in turns if turn.machine_s > 0]
    if len(turns) < LEAST_TURNS:
        return None
    rows = np.array([(1.0, turn.heard_s, turn.spoken_s) for turn in turns])
    took = np.array([turn.machine_s for turn in turns])
    weights = _not_negative(rows, took)
    heard, spoken = (float(weights[i]) if rows[:, i].any() else None for i in (1, 2))
    error = median(float(off) for off in np.abs(rows @ weights - took) / took)
    return Pace(float(weights[0]), heard, spoken, len(turns), error, float(rows[:, 1].max()))


def _not_negative(rows: _Floats, took: _Floats) -> _Floats:
    """The best of the fits by some of the columns that have nothing under 0: of three columns, seven are tried."""
    best, least = np.zeros(rows.shape[1]), float(took @ took)
    for count in range(1, rows.shape[1] + 1):
        for chosen in combinations(range(rows.shape[1]), count):
            fitted = np.linalg.lstsq(rows[:, chosen], took, rcond=None)[0]
            off = took - rows[:, chosen] @ fitted
            if fitted.min() >= 0 and float(off @ off) < least:
                best, least = np.zeros(rows.shape[1]), float(off @ off)
                best[list(chosen)] = fitted
    return best


def own_cost(pace: Pace | None, usd_per_hour: Decimal | None, scenario: Scenario) -> Decimal | None:
    """US dollars; None where nothing was measured that tells it, or nobody says what an hour costs."""
    machine_s = None if pace is None else pace.machine_s(scenario)
    if machine_s is None or usd_per_hour is None:
        return None
    return (usd_per_hour * Decimal(round(machine_s * 1000)) / 1000 / HOUR_S).quantize(GRAIN).normalize()
