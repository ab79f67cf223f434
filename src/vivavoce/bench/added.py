"""What the server itself adds to the first sound: everything but the engines and the client.

The server runs engines that take a known time and no processor: hearing and speaking none, thinking a fixed wait before
each word. The client's own work (packing a recording, reading events) is measured in turns with it, on a server that
only replays a recorded answer at the same pace (`bench.replay`). What is left is HTTP, decoding, talk between
processes and encoding. Waits are a little longer than they should be (a timer's step); that counts against the server.
Knows no server: what asks is handed in.
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
    "VIVA_SPEAKERS": "off",
}
"""Variables of a server that this measures: no engine in it takes a time that is not known."""

WARM_UPS = 5


def engine_waits_s() -> list[float]:
    """How long the scripted engines take until the first clause can be spoken: one wait for every word it needs."""
    splitter = ClauseSplitter()
    waits_s: list[float] = []
    for word in ANSWER.split():
        waits_s.append(SCRIPTED_DELAY_S)
        if splitter.feed(f" {word}" if len(waits_s) > 1 else word):
            break
    return waits_s


def measure_added(
    ask: Ask, replay: Ask, voice: str, lengths_s: tuple[int, ...], each: int, progress: Progress | None = None
) -> tuple[Added, ...]:
    """Ask `each` questions of every length, lengths taking turns; each is also put to `replay`, which does nothing but
    answer. Raises `UpstreamFailed`."""
    random = Random()
    hums = {length_s: hum(length_s) for length_s in lengths_s}
    times_ms: dict[int, list[float]] = {length_s: [] for length_s in lengths_s}
    client_ms: dict[int, list[float]] = {length_s: [] for length_s in lengths_s}
    total = (each + WARM_UPS) * len(lengths_s)
    for number in range(total):
        length_s = lengths_s[number % len(lengths_s)]
        for asked, found_ms in ((ask, times_ms), (replay, client_ms)):
            wav = new_wav(hums[length_s], random.getrandbits(63))
            first_s = asked(wav, system_prompt("Anna"), voice).playback.first_sound_s
            if first_s is None:
                raise UpstreamFailed("the answer held no sound")
            if number >= WARM_UPS * len(lengths_s):
                found_ms[length_s].append(round((first_s - sum(engine_waits_s())) * 1000, 2))
        if progress is not None:
            progress(number + 1, total, f"{length_s} s")
    return tuple(_added(length_s, times_ms[length_s], client_ms[length_s]) for length_s in lengths_s)


def _added(length_s: int, times_ms: list[float], client_ms: list[float]) -> Added:
    clients_ms = percentile(client_ms, 50)
    added_ms = [round(time_ms - clients_ms, 2) for time_ms in times_ms]
    return Added(length_s, len(added_ms), percentile(added_ms, 50), stated_p95(added_ms), clients_ms)


def hum(duration_s: float) -> Audio:
    turns = 220 * np.arange(round(duration_s * LISTEN_RATE_HZ)) / LISTEN_RATE_HZ
    return Audio((0.2 * np.sin(2 * np.pi * turns)).astype(np.float32), LISTEN_RATE_HZ)
