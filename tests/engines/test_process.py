"""The engine process on scripted engines: contracts through it, cancellation, death and restart."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import Audio
from vivavoce.conversation import Message, Sampling
from vivavoce.engines.client import EngineClient
from vivavoce.engines.process import EngineProcess
from vivavoce.engines.registry import build, require_weights, split_name, weights
from vivavoce.engines.spec import AdmissionLimits, EngineSpec
from vivavoce.errors import ContextLengthExceeded, EngineLost, EngineTimeout, InvalidValue, ModelNotInstalled, TooBusy
from vivavoce.think.base import TextDelta, ThoughtEnd
from vivavoce.turn import hear_all

HELLO = [Message.of("user", "Hello")]


def scripted(tmp_path: Path, answer: str = "Four.") -> EngineSpec:
    return EngineSpec("scripted:two plus two", f"scripted:{answer}", "scripted:hum", str(tmp_path), context_tokens=512)


@dataclass
class Running:
    """The process, and who talks to it."""

    process: EngineProcess
    client: EngineClient


@asynccontextmanager
async def started(spec: EngineSpec) -> AsyncGenerator[Running, None]:
    client = EngineClient()
    async with EngineProcess(spec, client.hear) as process:
        yield Running(process, client)
        await client.close()


@pytest.fixture
async def running(tmp_path: Path) -> AsyncGenerator[Running, None]:
    async with started(scripted(tmp_path, " ".join(["word"] * 300))) as both:
        await both.client.wait_ready(30)
        yield both


async def test_each_contract_works_through_the_process(running: Running) -> None:
    engines = await running.client.engines()
    heard = await hear_all(engines.listener, Audio(np.full(16_000, 0.1, np.float32), 16_000))
    assert heard.transcript == "two plus two"
    assert len(heard.words) == 3
    assert engines.thinker.context_tokens == 512
    assert await engines.thinker.count_tokens("a b c") == 3
    events = [event async for event in engines.thinker.think(HELLO, Sampling(max_tokens=3))]
    assert events == [TextDelta("word"), TextDelta(" word"), TextDelta(" word"), ThoughtEnd("length", 2, 3)]
    assert "af_heart" in engines.speaker.voices
    assert (await engines.speaker.speak("hello", "af_heart")).rate_hz == 24_000


async def test_errors_keep_their_class_through_the_process(running: Running) -> None:
    engines = await running.client.engines()
    with pytest.raises(InvalidValue, match="nobody"):
        await engines.speaker.speak("hello", "nobody")
    with pytest.raises(ContextLengthExceeded):
        await anext(engines.thinker.think([Message.of("user", "word " * 600)]))


async def test_many_calls_at_once_stay_apart(running: Running) -> None:
    engines = await running.client.engines()

    async def one(count: int) -> int:
        return len([event async for event in engines.thinker.think(HELLO, Sampling(max_tokens=count))])

    assert await asyncio.gather(*(one(count) for count in range(1, 9))) == list(range(2, 10))


async def test_closing_a_call_frees_its_slot(running: Running) -> None:
    engines = await running.client.engines()
    async with aclosing(engines.thinker.think(HELLO)) as thoughts:
        await anext(thoughts)
        assert (await running.client.status())["slots_busy"] == 1
    deadline_s = time.monotonic() + 2
    while (await running.client.status())["slots_busy"]:
        assert time.monotonic() < deadline_s, "the slot was not freed"
        await asyncio.sleep(0.02)


async def test_a_killed_process_gives_a_clean_error_and_comes_back(running: Running) -> None:
    engines = await running.client.engines()
    before = running.process.pid
    thoughts = engines.thinker.think(HELLO)
    await anext(thoughts)
    os.kill(before, signal.SIGKILL)
    with pytest.raises(EngineLost, match="try again"):
        async for _ in thoughts:
            pass
    events = [event async for event in engines.thinker.think(HELLO, Sampling(max_tokens=2))]
    assert isinstance(events[-1], ThoughtEnd)
    assert running.process.pid != before
    assert running.process.restarts == 1
    assert running.client.ready() == (True, "ready")


async def test_a_restarted_process_is_described_anew(tmp_path: Path) -> None:
    """Whoever keeps the process may start it with other engines; a client must not serve what it once learnt."""
    client = EngineClient()
    for tokens in (512, 1024):
        spec = replace(scripted(tmp_path), context_tokens=tokens)
        async with EngineProcess(spec, client.hear):
            assert (await client.engines()).thinker.context_tokens == tokens
    await client.close()


async def test_the_process_ends_with_its_parent(tmp_path: Path) -> None:
    async with started(scripted(tmp_path)) as running:
        await running.client.wait_ready(30)
        pid = running.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    spec = EngineSpec("whisper:whisper-base", "scripted:a", "scripted:hum", str(tmp_path), offline=True)
    async with started(spec) as running:
        with pytest.raises(ModelNotInstalled, match="viva models pull whisper-base"):
            await running.client.wait_ready(30)
        assert "viva models pull" in running.client.ready()[1]


def test_unknown_engines_are_named_with_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="whisper:<model>"):
        split_name("parrot:polly", "listen")
    with pytest.raises(InvalidValue, match="base URL"):
        build(EngineSpec("scripted:a", "openai:gpt", "scripted:hum", str(tmp_path)))


def test_weights_are_named_all_at_once_before_anything_starts(tmp_path: Path) -> None:
    spec = EngineSpec("whisper:whisper-base", "openai:gpt", "kokoro:kokoro-82m", str(tmp_path), offline=True)
    assert weights(spec) == ["whisper-base", "kokoro-82m", "kokoro-voices"]
    with pytest.raises(ModelNotInstalled, match="whisper-base, kokoro-82m, kokoro-voices"):
        require_weights(spec)


async def test_turns_of_all_connections_share_one_queue(tmp_path: Path) -> None:
    spec = replace(scripted(tmp_path), admission=AdmissionLimits(turns=1, waiting=0))
    async with started(spec) as running:
        other = EngineClient()
        await running.client.wait_ready(30)
        other.hear(running.client.report)
        admissions = [client.admission(b"somebody", 30.0) for client in (running.client, other)]
        async with admissions[0].ticket(spoken=True, background=False) as ticket:
            assert ticket.room is not None
            assert (ticket.room.limit, ticket.room.remaining) == (1, 0)
            with pytest.raises(TooBusy) as refused:
                async with admissions[1].ticket(spoken=False, background=False):
                    pass
            assert refused.value.retry_after_s >= 1
            assert (await running.client.status())["admission"]["turns"] == 1
        async with admissions[1].ticket(spoken=False, background=False):
            pass
        await other.close()


async def test_a_connection_that_ends_gives_its_tickets_back(tmp_path: Path) -> None:
    """As it does when a worker dies."""
    spec = replace(scripted(tmp_path), admission=AdmissionLimits(turns=1, waiting=4))
    async with started(spec) as running:
        worker = EngineClient()
        await running.client.wait_ready(30)
        worker.hear(running.client.report)
        entering = [worker.admission(b"somebody", 30.0).ticket(spoken=False, background=False) for _ in range(2)]
        held = await asyncio.wait_for(entering[0].__aenter__(), 30)
        assert held.room is not None
        waiting = asyncio.create_task(entering[1].__aenter__())
        deadline_s = time.monotonic() + 30
        while (await running.client.status())["admission"]["waiting"] == 0:
            assert time.monotonic() < deadline_s, "nobody waits"
            await asyncio.sleep(0.01)
        await worker.close()
        with pytest.raises(EngineLost):
            await waiting
        async with running.client.admission(b"another", 30.0).ticket(spoken=False, background=False):
            assert (await running.client.status())["admission"]["waiting"] == 0
        await entering[0].__aexit__(None, None, None)


async def test_background_work_hears_of_people_through_the_process(tmp_path: Path) -> None:
    spec = replace(scripted(tmp_path), admission=AdmissionLimits(turns=2))
    async with started(spec) as running:
        admission = running.client.admission(b"somebody", 30.0)
        async with admission.ticket(spoken=False, background=True) as batch:
            await asyncio.wait_for(batch.clear(), 30)
            calling_off = asyncio.create_task(batch.called_off())
            async with admission.ticket(spoken=False, background=False) as person:
                await person.clear()
                await asyncio.wait_for(calling_off, 30)
                pausing = asyncio.create_task(batch.clear())
                await asyncio.sleep(0.1)
                assert not pausing.done()
            await asyncio.wait_for(pausing, 30)


async def test_a_process_that_hangs_is_an_error_and_no_hang(running: Running) -> None:
    await running.client.engines()
    pid = running.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EngineTimeout):
            async with running.client.admission(b"somebody", 0.2).ticket(spoken=False, background=False):
                pass
    finally:
        os.kill(pid, signal.SIGCONT)
