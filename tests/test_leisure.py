"""Background work drops what it has under way when others come, and loses nothing by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

import pytest

from vivavoce.audio import Audio
from vivavoce.conversation import JsonForm, Message, Sampling
from vivavoce.engines.admission import Admission
from vivavoce.engines.spec import AdmissionLimits
from vivavoce.errors import EngineFailed
from vivavoce.leisure import LeisurelySpeaker, LeisurelyThinker
from vivavoce.speak.saying import Saying
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker
from vivavoce.think.base import TextDelta, Thinking, ThoughtEnd
from vivavoce.tickets import OpenDoor
from vivavoce.turn import Engines, Finished, Spoke, Turn, run

ASK = (Message.of("user", "Tell me about the sea."),)
ANSWER = "The sea is deep and blue. It holds fish of every size, and ships go over it by day and by night."


class Gate(OpenDoor):
    """A ticket that is called off and cleared by hand."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.shut = asyncio.Event()
        self.open.set()

    def call_off(self) -> None:
        self.open.clear()
        self.shut.set()

    def go_on(self) -> None:
        self.shut.clear()
        self.open.set()

    async def clear(self, ahead_s: float = 0.0) -> None:
        await self.open.wait()

    async def called_off(self) -> None:
        await self.shut.wait()


class CountingSpeaker(ScriptedSpeaker):
    """Takes `delay_s` a clause, and tells how many were begun and finished."""

    def __init__(self, delay_s: float) -> None:
        super().__init__()
        self.clause_s = delay_s
        self.begun = 0
        self.finished = 0

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        self.begun += 1
        await asyncio.sleep(self.clause_s)
        self.finished += 1
        return await super().speak(text, voice, speed)


async def thought(
    thinker: LeisurelyThinker, sampling: Sampling, after: Callable[[int], None] = lambda _: None
) -> list[Thinking]:
    """All events; `after` is told how many there are after each."""
    events: list[Thinking] = []
    async with aclosing(thinker.think(ASK, sampling)) as thoughts:
        async for event in thoughts:
            events.append(event)
            after(len(events))
    return events


def text_of(events: list[Thinking]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_an_answer_that_is_called_off_is_thought_on_from_there_when_the_way_is_clear() -> None:
    inner, gate = ScriptedThinker(ANSWER, delay_s=0.001), Gate()

    def interrupt(count: int) -> None:
        if count in (4, 9):
            gate.call_off()
            assert inner.busy == 1
            asyncio.get_running_loop().call_later(0.05, resume)

    def resume() -> None:
        assert inner.busy == 0  # the machine was free in between
        gate.go_on()

    events = await thought(LeisurelyThinker(inner, gate), Sampling(), interrupt)
    undisturbed = await thought(LeisurelyThinker(ScriptedThinker(ANSWER), OpenDoor()), Sampling())
    assert text_of(events) == ANSWER
    assert [bool(sampling.begun) for sampling in inner.samplings] == [False, True, True]
    end, whole = events[-1], undisturbed[-1]
    assert isinstance(end, ThoughtEnd)
    assert isinstance(whole, ThoughtEnd)
    assert (end.finish_reason, end.completion_tokens) == (whole.finish_reason, whole.completion_tokens)


async def test_the_cap_on_an_answer_holds_for_all_its_parts_together() -> None:
    inner, gate = ScriptedThinker(ANSWER, delay_s=0.001), Gate()

    def interrupt(count: int) -> None:
        if count == 5:
            gate.call_off()
            asyncio.get_running_loop().call_later(0.01, gate.go_on)

    events = await thought(LeisurelyThinker(inner, gate), Sampling(max_tokens=8), interrupt)
    assert len(inner.samplings) == 2
    assert text_of(events) == " ".join(ANSWER.split()[:8])
    assert isinstance(events[-1], ThoughtEnd)
    assert (events[-1].finish_reason, events[-1].completion_tokens) == ("length", 8)


@pytest.mark.parametrize("why", ["a form", "elsewhere"])
async def test_what_cannot_be_thought_on_is_thought_to_its_end(why: str) -> None:
    inner, gate = ScriptedThinker(ANSWER), Gate()
    inner.goes_on = why != "elsewhere"
    sampling = Sampling(form=JsonForm()) if why == "a form" else Sampling()

    def interrupt(count: int) -> None:
        if count == 1:
            gate.call_off()

    events = await asyncio.wait_for(thought(LeisurelyThinker(inner, gate), sampling, interrupt), 10)
    assert text_of(events) == ANSWER
    assert len(inner.samplings) == 1


async def test_a_clause_that_is_called_off_is_spoken_anew() -> None:
    inner, gate = CountingSpeaker(0.05), Gate()
    speaking = asyncio.create_task(LeisurelySpeaker(inner, gate).speak("The sea is deep.", "af_heart"))
    await asyncio.sleep(0.01)
    gate.call_off()
    await asyncio.sleep(0.1)
    assert (inner.begun, inner.finished) == (1, 0)
    gate.go_on()
    assert (await asyncio.wait_for(speaking, 10)).duration_s > 0
    assert (inner.begun, inner.finished) == (2, 1)


async def test_what_fails_is_not_tried_again() -> None:
    class Broken(CountingSpeaker):
        async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
            self.begun += 1
            raise EngineFailed("no voice today")

    inner = Broken(0.0)
    with pytest.raises(EngineFailed):
        await LeisurelySpeaker(inner, Gate()).speak("The sea.", "af_heart")
    assert inner.begun == 1


async def test_hanging_up_on_background_work_ends_what_it_has_under_way() -> None:
    inner = ScriptedThinker(ANSWER, delay_s=0.01)
    async with aclosing(LeisurelyThinker(inner, Gate()).think(ASK)) as thoughts:
        await anext(thoughts)
        assert inner.busy == 1
    assert inner.busy == 0


async def test_a_background_turn_gives_way_to_a_person_in_the_middle_of_a_clause_and_is_whole_in_the_end() -> None:
    thinker, speaker = ScriptedThinker(ANSWER, delay_s=0.005), CountingSpeaker(0.03)
    queue = Admission(AdmissionLimits(turns=2))
    engines = Engines(ScriptedListener(), thinker, speaker, queue.for_owner(b"batch"))
    turn = Turn(ASK, saying=Saying("af_heart"), background=True)
    spoken = ""
    persons = 0
    async with aclosing(run(turn, engines)) as events:
        async for event in events:
            if isinstance(event, Spoke):
                spoken += ANSWER[slice(*event.text_span)]
            elif not isinstance(event, Finished) and persons < 3:
                persons += 1
                async with queue.for_owner(b"person").ticket(spoken=True, background=False):
                    await asyncio.sleep(0.02)
                    assert thinker.busy == 0
                    begun = speaker.begun
                    await asyncio.sleep(0.05)
                    assert (thinker.busy, speaker.begun) == (0, begun)
    assert spoken == ANSWER
    assert len(thinker.samplings) > 1


def test_the_open_door_calls_nobody_off() -> None:
    async def wait() -> None:
        await asyncio.wait_for(OpenDoor().called_off(), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
