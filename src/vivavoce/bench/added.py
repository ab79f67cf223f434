"""What the server itself adds to the first sound: everything but the engines.

The server runs engines that take a known time and no processor: hearing and speaking none, thinking a fixed wait before
each word. What is measured beyond that is HTTP, decoding, talk between processes, encoding, and the client's own work.
Waits are a little longer than they should be (a timer's step); that counts against the server. Knows no server: what
asks is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.bench.questions import Progress, new_wav
from vivavoce.bench.speed import Added, Ask, system_prompt
from vivavoce.bench.stats import percentile, stated_p95
from vivavoce.engines.registry import SCRIPTED_DELAY_S
from vivavoce.errors import UpstreamFailed
from vivavoce.speak.clauses import ClauseSplitter

ANSWER = "It is four. Two and two has been four for a long time, at least in our world."

SETTINGS: Mapping[str, str] = {
    "VIVA_LISTEN": "scripted:what is two plus two",
    "VIVA_THINK": f"scripted:{ANSWER}",
    "VIVA_SPEAK": "scripted:hum",
}
"""Variables of a server that this measures."""

WARM_UPS = 5


def engine_time_s() -> float:
    """How long the scripted engines take until the first clause can be spoken: one wait for every word it needs."""
    splitter = ClauseSplitter()
    words = ANSWER.split()
    for count, word in enumerate(words, start=1):
        if splitter.feed(word if count == 1 else f" {word}"):
            return count * SCRIPTED_DELAY_S
    return len(words) * SCRIPTED_DELAY_S


def measure_added(
    ask: Ask, voice: str, lengths_s: tuple[int, ...], each: int, progress: Progress | None = None
) -> tuple[Added, ...]:
    """Ask `each` questions of every length, lengths taking turns. Raises `UpstreamFailed`."""
    random = Random()
    hums = {length_s: _hum(length_s) for length_s in lengths_s}
    times_ms: dict[int, list[float]] = {length_s: [] for length_s in lengths_s}
    total = (each + WARM_UPS) * len(lengths_s)
    for number in range(total):
        length_s = lengths_s[number % len(lengths_s)]
        wav = new_wav(hums[length_s], random.getrandbits(63))
        first_s = ask(wav, system_prompt("Anna"), voice).playback.first_sound_s
        if first_s is None:
            raise UpstreamFailed("the answer held no sound")
        if number >= WARM_UPS * len(lengths_s):
            times_ms[length_s].append(round((first_s - engine_time_s()) * 1000, 2))
        if progress is not None:
            progress(number + 1, total, f"{length_s} s")
    return tuple(
        Added(length_s, len(times), percentile(times, 50), stated_p95(times)) for length_s, times in times_ms.items()
    )


def _hum(duration_s: float) -> Audio:
    turns = 220 * np.arange(round(duration_s * LISTEN_RATE_HZ)) / LISTEN_RATE_HZ
    return Audio((0.2 * np.sin(2 * np.pi * turns)).astype(np.float32), LISTEN_RATE_HZ)
