"""The cache around a listener: same segments again, one listening for all who wait, nothing half-heard kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest

from vivavoce.audio import Audio
from vivavoce.errors import EngineFailed, StorageFailed
from vivavoce.listen.base import Chunking, Listener, ListenOptions, Segment, Word
from vivavoce.listen.cached import HeardOnce

ANNA, BERT = b"anna", b"bert"


class Shelf:
    """A store in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[bytes, bytes, bytes], bytes] = {}
        self.broken = False

    def get(self, owner: bytes, recording: bytes, settings: bytes) -> bytes | None:
        if self.broken:
            raise StorageFailed("The disk is gone.")
        return self.kept.get((owner, recording, settings))

    def put(self, owner: bytes, recording: bytes, settings: bytes, heard: bytes, *, ttl_s: int) -> None:
        if self.broken:
            raise StorageFailed("The disk is gone.")
        assert ttl_s == 60
        self.kept[owner, recording, settings] = heard


class SlowListener:
    """Hears a word a second of sound, each when `gate` opens; counts what it was asked and what it gave up."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()
        self.asked = 0
        self.given_up = 0
        self.failing = False

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        self.asked += 1
        self.started.set()
        try:
            for second in range(int(audio.duration_s)):
                yield segment(second)
                await self.gate.wait()
            if self.failing:
                raise EngineFailed("Listening failed.")
        except (asyncio.CancelledError, GeneratorExit):
            self.given_up += 1
            raise

    async def close(self) -> None:
        return None


def segment(second: int) -> Segment:
    words = (Word("wörd", second + 0.1, second + 1 / 3, 0.1 + 0.2),)
    return Segment(
        f" wörd {second}", second + 0.1, second + 1 / 3, "de", 0.99, 1e-9, words, -0.25, 1.5, 0.0, (1, 50_364)
    )


def sound(seconds: int = 3, level: float = 0.1) -> Audio:
    return Audio(np.full(seconds * 16_000, level, np.float32), 16_000)


def fresh(shelf: Shelf, engine: str = "slow:one") -> HeardOnce:
    return HeardOnce(shelf, engine, ttl_s=60)


async def heard(listener: Listener, audio: Audio, options: ListenOptions | None = None) -> list[Segment]:
    async with aclosing(listener.listen(audio, options or ListenOptions())) as segments:
        return [one async for one in segments]


async def test_the_second_time_the_same_segments_come_without_listening() -> None:
    inner, cache = SlowListener(), fresh(Shelf())
    first = await heard(cache.listener(inner, ANNA), sound())
    again = await heard(cache.listener(inner, ANNA), sound())
    assert first == again == [segment(0), segment(1), segment(2)]
    assert inner.asked == 1


async def test_what_makes_it_another_hearing() -> None:
    inner, shelf = SlowListener(), Shelf()
    cache = fresh(shelf)
    await heard(cache.listener(inner, ANNA), sound())
    await heard(cache.listener(inner, BERT), sound())
    await heard(cache.listener(inner, ANNA), sound(level=0.2))
    await heard(cache.listener(inner, ANNA), Audio(sound().samples, 8_000))
    await heard(cache.listener(inner, ANNA), sound(), ListenOptions(language="de"))
    await heard(cache.listener(inner, ANNA), sound(), ListenOptions(prompt="Wörd"))
    for more in ({"task": "translate"}, {"keywords": ("Wörd",)}, {"languages": ("de",)}, {"token_logprobs": True}):
        await heard(cache.listener(inner, ANNA), sound(), ListenOptions(**more))
    await heard(cache.listener(inner, ANNA), sound(), ListenOptions(chunking=Chunking(silence_s=0.5)))
    await heard(fresh(shelf, "slow:two").listener(inner, ANNA), sound())
    assert inner.asked == 12
    await asyncio.sleep(0.05)
    await heard(fresh(shelf).listener(inner, ANNA), sound())
    assert inner.asked == 12


async def test_what_is_drawn_by_chance_is_drawn_anew() -> None:
    inner, shelf = SlowListener(), Shelf()
    cache = fresh(shelf)
    for _ in range(2):
        assert len(await heard(cache.listener(inner, ANNA), sound(), ListenOptions(temperature=0.5))) == 3
    assert inner.asked == 2
    assert shelf.kept == {}


async def test_two_at_once_listen_once_and_both_follow() -> None:
    inner, cache = SlowListener(), fresh(Shelf())
    inner.gate.clear()
    early: list[Segment] = []

    async def follow() -> None:
        async with aclosing(cache.listener(inner, ANNA).listen(sound(), ListenOptions())) as segments:
            async for one in segments:
                early.append(one)

    first = asyncio.create_task(follow())
    await inner.started.wait()
    second = asyncio.create_task(heard(cache.listener(inner, ANNA), sound()))
    await asyncio.sleep(0.02)
    assert early == [segment(0)]
    inner.gate.set()
    await first
    assert await second == early == [segment(0), segment(1), segment(2)]
    assert inner.asked == 1


async def test_one_who_leaves_does_not_take_it_from_the_other() -> None:
    inner, shelf = SlowListener(), Shelf()
    cache = fresh(shelf)
    inner.gate.clear()
    first = asyncio.create_task(heard(cache.listener(inner, ANNA), sound()))
    second = asyncio.create_task(heard(cache.listener(inner, ANNA), sound()))
    await inner.started.wait()
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.wait([first])
    assert inner.given_up == 0
    inner.gate.set()
    assert len(await second) == 3
    assert (inner.asked, inner.given_up) == (1, 0)


async def test_what_was_given_up_is_not_kept_and_work_stops() -> None:
    inner, shelf = SlowListener(), Shelf()
    cache = fresh(shelf)
    inner.gate.clear()
    async with aclosing(cache.listener(inner, ANNA).listen(sound(), ListenOptions())) as segments:
        assert await anext(segments) == segment(0)
    assert inner.given_up == 1
    assert shelf.kept == {}
    inner.gate.set()
    assert len(await heard(cache.listener(inner, ANNA), sound())) == 3
    assert inner.asked == 2


async def test_what_failed_is_told_to_all_and_not_kept() -> None:
    inner, shelf = SlowListener(), Shelf()
    cache = fresh(shelf)
    inner.failing = True
    inner.gate.clear()
    both = [asyncio.create_task(heard(cache.listener(inner, ANNA), sound())) for _ in range(2)]
    await inner.started.wait()
    await asyncio.sleep(0.05)  # until the second follows too
    inner.gate.set()
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results] == [EngineFailed, EngineFailed]
    assert shelf.kept == {}
    inner.failing = False
    assert len(await heard(cache.listener(inner, ANNA), sound())) == 3
    assert inner.asked == 2


@pytest.mark.parametrize("stored", [b"", b"not json", b'[{"text": 1}]'])
async def test_what_cannot_be_read_is_listened_to_again(stored: bytes) -> None:
    inner, shelf = SlowListener(), Shelf()
    cache = fresh(shelf)
    await heard(cache.listener(inner, ANNA), sound())
    await asyncio.sleep(0.05)
    shelf.kept = dict.fromkeys(shelf.kept, stored)
    assert len(await heard(cache.listener(inner, ANNA), sound())) == 3
    assert inner.asked == 2


async def test_a_broken_disk_costs_only_the_cache(caplog: pytest.LogCaptureFixture) -> None:
    inner, shelf = SlowListener(), Shelf()
    shelf.broken = True
    cache = fresh(shelf)
    for _ in range(2):
        assert len(await heard(cache.listener(inner, ANNA), sound())) == 3
        await asyncio.sleep(0.05)
    assert inner.asked == 2
    assert "The disk is gone" in caplog.text
