"""Fixed times: `offset_s + k × every_s` in Unix seconds, the same before and after every restart. Pure numbers."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

LEAST_EVERY_S = 5
"""Closer together, probes of one target would measure each other."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Due times in whole Unix seconds (UTC). every_s: at least 1; offset_s: from 0 on, below every_s."""

    every_s: int
    offset_s: int = 0

    def at_or_after(self, at: float) -> int:
        """The first due time that is not before `at`."""
        second = math.ceil(at)
        return second + (self.offset_s - second) % self.every_s

    def at_or_before(self, at: float) -> int:
        """The last due time that is not after `at`."""
        second = math.floor(at)
        return second - (second - self.offset_s) % self.every_s

    def times(self, since: float, until: float) -> range:
        """The due times from `since` on that are before `until`."""
        return range(self.at_or_after(since), self.at_or_after(until), self.every_s)


def spread(name: str, every_s: int) -> int:
    """An offset of a target's own, always the same: targets of one file are not asked in the same moment, and not on
    the full minute, when half of the world's timers go off."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % every_s
