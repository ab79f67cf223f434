"""An answer that is begun for the thinker: it goes on from there, and all of it is counted."""

from __future__ import annotations

from vivavoce.conversation import Message, Sampling
from vivavoce.testing import ScriptedThinker
from vivavoce.think.base import TextDelta, Thinking, ThoughtEnd
from vivavoce.think.begun import BegunThinker

ASK = (Message.of("user", "What is a raised condition?"),)


async def thought(thinker: BegunThinker, sampling: Sampling) -> list[Thinking]:
    return [event async for event in thinker.think(ASK, sampling)]


async def test_the_beginning_comes_first_and_the_thinker_goes_on() -> None:
    inner = ScriptedThinker("Did you say race condition?")
    events = await thought(BegunThinker(inner, "Did you say"), Sampling())
    assert events[0] == TextDelta("Did you say")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Did you say race condition?"
    assert inner.samplings[0].begun == "Did you say"
    end = events[-1]
    assert isinstance(end, ThoughtEnd)
    assert end.completion_tokens == 5


async def test_the_cap_counts_the_beginning() -> None:
    inner = ScriptedThinker("Did you say race condition, or something else?")
    events = await thought(BegunThinker(inner, "Did you say"), Sampling(max_tokens=4))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Did you say race"
    end = events[-1]
    assert isinstance(end, ThoughtEnd)
    assert (end.finish_reason, end.completion_tokens) == ("length", 4)
