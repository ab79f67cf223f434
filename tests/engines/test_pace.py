"""How many streams of speech can be kept fed, from the speech that is made."""

from __future__ import annotations

import asyncio

import pytest

from vivavoce.audio import Audio
from vivavoce.engines.pace import PacedSpeaker
from vivavoce.testing import ScriptedSpeaker


class TakesTime(ScriptedSpeaker):
    """Each clause takes `cost` seconds per second of its sound, by a clock of its own."""

    def __init__(self, cost: float) -> None:
        super().__init__()
        self.cost = cost
        self.now_s = 0.0

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        audio = await super().speak(text, voice, speed)
        self.now_s += self.cost * audio.duration_s
        return audio


def paced(cost: float) -> tuple[TakesTime, PacedSpeaker]:
    speaker = TakesTime(cost)
    return speaker, PacedSpeaker(speaker, lambda: speaker.now_s)


async def speak(speaker: PacedSpeaker, times: int) -> None:
    for _ in range(times):
        await speaker.speak("A clause of some length.", "af_heart")


@pytest.mark.parametrize(("cost", "streams"), [(0.095, 8), (0.3, 2), (0.7, 1), (3.0, 1)])
async def test_streams_follow_from_the_pace_with_some_headroom(cost: float, streams: int) -> None:
    _, speaker = paced(cost)
    await speak(speaker, 5)
    assert speaker.streams == streams


async def test_one_stream_while_nothing_is_known_and_the_cold_call_does_not_count() -> None:
    slow, speaker = paced(5.0)
    assert speaker.streams == 1
    await speak(speaker, 1)
    slow.cost = 0.095
    await speak(speaker, 3)
    assert speaker.streams == 8


async def test_the_figure_follows_the_machine() -> None:
    slow, speaker = paced(0.095)
    await speak(speaker, 100)
    slow.cost = 0.8
    await speak(speaker, 200)
    assert speaker.streams == 1


async def test_time_that_calls_share_counts_once() -> None:
    """Two at once that take a second each are a second of speaking, not two."""
    slow, speaker = paced(0.0)
    await speak(speaker, 1)
    begun = asyncio.Event()
    end = asyncio.Event()

    class Held(ScriptedSpeaker):
        async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
            begun.set()
            await end.wait()
            return await super().speak(text, voice, speed)

    speaker._speaker = Held()  # pyright: ignore[reportPrivateUsage]
    text = "x" * 50  # 3 s
    both = [asyncio.create_task(speaker.speak(text, "af_heart")) for _ in range(2)]
    await begun.wait()
    await asyncio.sleep(0)
    slow.now_s += 1.0
    end.set()
    await asyncio.gather(*both)
    assert speaker.streams == int(0.8 * 6)
