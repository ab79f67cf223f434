"""What background work costs those who wait: spoken questions, with and without turns in the background.

python tools/background_cost.py [QUESTIONS], half of them while a background turn is always there, in blocks that take
turns. The default profile's engines and queue, in this process. Somebody who asks thinks for a moment first, so that
background work does get under way; it rests at its next clause, and that is what is measured.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from contextlib import aclosing
from dataclasses import replace
from itertools import count
from random import Random

from vivavoce import tasks
from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.bench.stats import percentile
from vivavoce.conversation import AudioPart, Message, Sampling
from vivavoce.engines.admission import Admission
from vivavoce.engines.host import warm
from vivavoce.engines.pace import PacedSpeaker
from vivavoce.engines.registry import build
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.resampling import resample
from vivavoce.settings import load_settings
from vivavoce.speak.saying import Saying
from vivavoce.turn import Engines, Spoke, Turn, run

BLOCK = 6
MOST_TOKENS = 540
TEXTS = (
    "What is the tallest mountain in the world?",
    "How many legs does a spider have?",
    "Why is the sky blue in the morning?",
    "Who wrote the story of Romeo and Juliet?",
    "How long does it take to boil an egg?",
    "What can I do when I cannot sleep at night?",
)


async def first_sound_s(turn: Turn, engines: Engines) -> float:
    """Seconds to the first spoken clause; the turn runs to its end."""
    started_s, found_s = time.perf_counter(), 0.0
    async with aclosing(run(turn, engines)) as events:
        async for event in events:
            if isinstance(event, Spoke) and not found_s:
                found_s = time.perf_counter() - started_s
    return found_s


async def measure(questions: int) -> dict[bool, list[float]]:
    """First sounds in seconds, with background work (True) and without."""
    spec = load_settings().engine_spec()
    built = await asyncio.to_thread(build, spec)
    speaker = PacedSpeaker(built.speaker)
    engines = replace(built, speaker=speaker)
    await warm(engines)
    queue = Admission(AdmissionLimits(turns=spec.slots), lambda: speaker.streams)
    asking = replace(engines, admission=queue.for_owner(b"asking"))
    behind = replace(engines, admission=queue.for_owner(b"behind"))
    voice = next(iter(speaker.voices))
    recordings = [resample(await speaker.speak(text, voice), 16_000) for text in TEXTS]
    random, numbers = Random(1), count()

    def turn(*, background: bool) -> Turn:
        number = next(numbers)
        pause = Audio.silence(random.random() / 10, SPEAK_RATE_HZ)  # no two recordings are alike
        audio = Audio.join((recordings[number % len(recordings)], resample(pause, 16_000)), 16_000)
        asked = [
            Message.of("system", f"You are a friendly assistant. This is talk {number}."),
            Message("user", (AudioPart(audio),)),
        ]
        return Turn(asked, Sampling(max_tokens=MOST_TOKENS), saying=Saying(voice), background=background)

    async def work() -> None:
        while True:
            await first_sound_s(turn(background=True), behind)

    found: dict[bool, list[float]] = {True: [], False: []}
    for number in range(-(-questions // (2 * BLOCK)) * 2):
        beside = bool(number % 2)
        working = asyncio.create_task(work()) if beside else None
        for _ in range(BLOCK):
            await asyncio.sleep(random.uniform(0.5, 2.5))
            found[beside].append(await first_sound_s(turn(background=False), asking))
        if working is not None:
            await tasks.end(working)
    return found


def main() -> None:
    found = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 120))
    for beside, times_s in found.items():
        sys.stdout.write(
            f"{'with' if beside else 'without'} background work: first sound p50 {statistics.median(times_s):.2f} s, "
            f"p95 {percentile(times_s, 95):.2f} s (n = {len(times_s)})\n"
        )
    rise = percentile(found[True], 95) / percentile(found[False], 95) - 1
    sys.stdout.write(f"p95 rises by {rise:.0%}\n")


if __name__ == "__main__":
    main()
