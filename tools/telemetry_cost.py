"""What telemetry costs in processor time: the same spoken turn with and without it, in turns.

python tools/telemetry_cost.py [PAIRS]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

SHARED = tempfile.TemporaryDirectory()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = SHARED.name  # before the client is imported: counting in files, as workers do

import numpy as np  # noqa: E402

from vivavoce.audio import SPEAK_RATE_HZ, Audio  # noqa: E402
from vivavoce.conversation import AudioPart, Message  # noqa: E402
from vivavoce.server.watching import watched_engines, watched_run  # noqa: E402
from vivavoce.speak.saying import Saying  # noqa: E402
from vivavoce.telemetry.telemetry import Telemetry  # noqa: E402
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker  # noqa: E402
from vivavoce.turn import Engines, Event, Turn, run  # noqa: E402

ANSWER = "This is one sentence of several, and it is spoken. " * 10
QUESTION = AudioPart(Audio(np.full(16_000, 0.1, np.float32), 16_000))


class QuickSpeaker(ScriptedSpeaker):
    """Always the same second of sound, so that making sound does not drown what is measured."""

    second = Audio(np.full(SPEAK_RATE_HZ, 0.1, np.float32), SPEAK_RATE_HZ)

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        return self.second


async def took_s(events: AsyncGenerator[Event, None]) -> float:
    started_s = time.process_time()
    async with aclosing(events) as stream:
        async for _ in stream:
            pass
    return time.process_time() - started_s


async def measure(pairs: int) -> list[float]:
    """Seconds of processor time that telemetry added, one figure per pair."""
    telemetry = Telemetry()
    engines = Engines(ScriptedListener(), ScriptedThinker(ANSWER), QuickSpeaker())
    turn = Turn([Message("user", (QUESTION,))], saying=Saying("af_heart"))

    async def watched() -> float:
        started_s = time.process_time()
        facts = telemetry.request("POST", {})
        watch = telemetry.turn("viva-voce", spoken=True, streamed=True)
        await took_s(watched_run(turn, watched_engines(engines, telemetry), watch))
        telemetry.answered(facts, "/v1/chat/completions", 200)
        return time.process_time() - started_s

    added: list[float] = []
    for number in range(pairs):
        if number % 2:
            plain_s = await took_s(run(turn, engines))
            added.append(await watched() - plain_s)
        else:
            watched_s = await watched()
            added.append(watched_s - await took_s(run(turn, engines)))
    return added


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    added_ms = [seconds * 1000 for seconds in asyncio.run(measure(pairs))]
    quarters = statistics.quantiles(added_ms)
    sys.stdout.write(
        f"telemetry adds {quarters[1]:.3f} ms of processor time to a spoken turn of {len(ANSWER.split())} tokens "
        f"(median of {pairs} pairs; middle half {quarters[0]:.3f} to {quarters[2]:.3f} ms)\n"
    )


if __name__ == "__main__":
    main()
