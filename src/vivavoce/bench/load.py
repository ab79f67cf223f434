"""What a server does under load: spoken questions that come when they come, whether or not earlier ones are answered.

First its capacity is found: a few callers who each ask again once they have their answer. Then questions arrive at
random moments (a Poisson process) at multiples of it, from several keys, the first of which sends as many as all others
together. Knows no engine: it is a client.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vivavoce.audio import Audio
from vivavoce.bench.exchange import Exchange
from vivavoce.bench.questions import Progress, new_wav
from vivavoce.errors import InvalidValue, TooBusy, VivaError

Outcome = Literal["good", "late", "dry", "refused", "failed"]
"""good: first sound within the bound and no gap after it; late, dry: answered, but not so; refused: 429."""

MOST_DRY_S = 0.1
"""Gaps of a good answer, in all."""

SETTLING_SHARE = 0.2
"""Share of a level's time that is not counted: its queue fills first."""

MOST_AT_ONCE = 512
"""Questions under way on our side; more could not be sent when their moment comes."""

KeyAsk = Callable[[bytes, int], Exchange]
"""Puts a question (a WAV file) with the key of that number. Raises `TooBusy` when refused, other `VivaError`s."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. Seconds: at_s and end_s from the start of its level, first_sound_s from when it was sent."""

    key: int
    at_s: float
    end_s: float
    outcome: Outcome
    first_sound_s: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """Questions that came at `times` the capacity, `rate_per_s` in the mean, for `duration_s`."""

    times: float
    rate_per_s: float
    duration_s: float
    asked: tuple[Asked, ...]

    def count(self, outcome: Outcome) -> int:
        return sum(each.outcome == outcome for each in self.asked)

    @property
    def goodput_per_s(self) -> float:
        """Good answers that ended after the settling and before the arrivals did, per second."""
        return len(self._good_when_settled()) / (self.duration_s * (1 - SETTLING_SHARE))

    @property
    def first_sounds_s(self) -> list[float]:
        """Of all that were answered, also late or with gaps."""
        return [each.first_sound_s for each in self.asked if each.first_sound_s is not None]

    def fairness(self, keys: int) -> float | None:
        """Jain's index over the good answers of each key: 1 where all got the same, 1 / keys where one got all.

        None where there was enough for everybody: then they rightly get what they ask for.
        """
        least_share = 0.5 / (keys - 1) if keys > 1 else 0.0  # of what is asked, by each key but the first
        if self.times * least_share < 1 / keys:
            return None
        got = Counter(each.key for each in self._good_when_settled())
        shares = [got[key] for key in range(keys)]
        return sum(shares) ** 2 / (keys * sum(share**2 for share in shares)) if any(shares) else None

    def _good_when_settled(self) -> list[Asked]:
        window = (SETTLING_SHARE * self.duration_s, self.duration_s)
        return [each for each in self.asked if each.outcome == "good" and window[0] <= each.end_s <= window[1]]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """capacity_per_s: answers per second where callers wait for theirs; bound_s: latest first sound of a good one."""

    date: str
    machine: str
    cores: int
    model: str
    engines: dict[str, str]
    seed: int
    keys: int
    callers: int
    bound_s: float
    capacity_per_s: float
    levels: tuple[Level, ...]

    @property
    def kept_at_most(self) -> float | None:
        """Goodput of the heaviest level over the best of any; None where nothing was good."""
        best = max((level.goodput_per_s for level in self.levels), default=0.0)
        return max(self.levels, key=lambda level: level.times).goodput_per_s / best if best else None


class Loading:
    """Puts load on a server. `ask` is called from many threads; recordings are made new for each question."""

    def __init__(
        self, ask: KeyAsk, recordings: Sequence[Audio], *, keys: int, bound_s: float, seed: int, progress: Progress
    ) -> None:
        if not recordings:
            raise InvalidValue("There are no questions to ask.", param="questions")
        self._ask = ask
        self._recordings = recordings
        self._keys = keys
        self._bound_s = bound_s
        self._progress = progress
        self._random = np.random.default_rng(seed)
        # Recordings must be new to the server, also to one that has seen an earlier run with this seed.
        self._next_recording = time.time_ns()
        self._drawing = threading.Lock()

    def capacity(self, callers: int, questions: int) -> float:
        """Answers per second, with `callers` who wait for their answer and `questions` answered in all."""
        answered = 0
        started_s = time.perf_counter()

        def call(_: int) -> None:
            nonlocal answered
            while answered < questions:
                try:
                    self._ask(self._question(), 0)
                except TooBusy as busy:
                    time.sleep(min(1.0, busy.retry_after_s))
                    continue
                with self._drawing:
                    answered += 1
                    self._progress(answered, questions, "capacity")

        with ThreadPoolExecutor(callers) as pool:
            list(pool.map(call, range(callers)))
        return answered / (time.perf_counter() - started_s)

    def level(self, times: float, capacity_per_s: float, duration_s: float) -> Level:
        """Let questions come for `duration_s`, and wait for all answers."""
        rate_per_s = times * capacity_per_s
        arrivals = self._arrivals(rate_per_s, duration_s)
        started_s = time.perf_counter()
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            asking: list[Future[Asked]] = []
            for number, at_s in enumerate(arrivals):
                question, key = self._question(), self._key()
                time.sleep(max(0.0, started_s + at_s - time.perf_counter()))
                asking.append(pool.submit(self._one, question, key, started_s))
                self._progress(number + 1, len(arrivals), f"{times:g} times capacity")
            asked = tuple(each.result() for each in asking)
        return Level(times, rate_per_s, duration_s, asked)

    def _one(self, question: bytes, key: int, started_s: float) -> Asked:
        at_s = time.perf_counter() - started_s
        outcome: Outcome = "failed"
        first_sound_s, error = None, None
        try:
            playback = self._ask(question, key).playback
        except TooBusy:
            outcome = "refused"
        except VivaError as failure:
            error = failure.message
        else:
            first_sound_s = playback.first_sound_s
            if first_sound_s is None:
                error = "the answer has no sound"
            elif first_sound_s > self._bound_s:
                outcome = "late"
            else:
                outcome = "dry" if playback.dry_s > MOST_DRY_S else "good"
        return Asked(key, at_s, time.perf_counter() - started_s, outcome, first_sound_s, error)

    def _arrivals(self, rate_per_s: float, duration_s: float) -> list[float]:
        """Moments of a Poisson process."""
        moments: list[float] = []
        at_s = float(self._random.exponential(1 / rate_per_s))
        while at_s < duration_s:
            moments.append(at_s)
            at_s += float(self._random.exponential(1 / rate_per_s))
        return moments

    def _key(self) -> int:
        """Key 0 half of the time, each other as often as the next."""
        if self._keys == 1 or self._random.random() < 0.5:
            return 0
        return int(self._random.integers(1, self._keys))

    def _question(self) -> bytes:
        with self._drawing:
            self._next_recording += 1
            number = self._next_recording
        return new_wav(self._recordings[number % len(self._recordings)], number)
