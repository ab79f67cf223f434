"""The flow on scripted engines: order, overlap, counting, caps, failure and cancellation."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ, Audio
from vivavoce.conversation import SPEAKING_NOTE, AudioPart, JsonForm, Message, Sampling, TextPart, Tool, ToolCall, Tools
from vivavoce.errors import EngineFailed
from vivavoce.speak.saying import Saying
from vivavoce.testing import ScriptedListener, ScriptedSpeaker, ScriptedThinker, ScriptedTone
from vivavoce.think.base import TextDelta, ThoughtEnd
from vivavoce.turn import (
    NOTHING_SAID,
    Called,
    Engines,
    Event,
    Finished,
    PartHeard,
    Read,
    Spoke,
    Thought,
    Turn,
    hear_all,
    run,
    say,
)

T = TypeVar("T")

LONG = "The first sentence is short. The second one goes on for a while, as sentences do. And here is the third."
SAYING = Saying("af_heart")


def hum(seconds: float) -> Audio:
    return Audio(np.full(round(seconds * LISTEN_RATE_HZ), 0.1, np.float32), LISTEN_RATE_HZ)


def engines(answer: str = LONG, **parts: object) -> Engines:
    made = {"listener": ScriptedListener(), "thinker": ScriptedThinker(answer), "speaker": ScriptedSpeaker()}
    return Engines(**{**made, **parts})


async def collect(turn: Turn, using: Engines) -> list[Event]:
    async with aclosing(run(turn, using)) as events:
        return [event async for event in events]


def of_kind(events: Sequence[Event], kind: type[T]) -> list[T]:
    return [event for event in events if isinstance(event, kind)]


async def test_a_spoken_question_is_heard_thought_and_spoken() -> None:
    using = engines()
    question = Message("user", (TextPart("Listen:"), AudioPart(hum(2.0))))
    events = await collect(Turn([question], saying=SAYING), using)

    assert isinstance(events[0], PartHeard)
    assert (events[0].message, events[0].part) == (0, 1)
    assert "".join(thought.text for thought in of_kind(events, Thought)) == LONG
    assert isinstance(events[-1], Finished)
    assert events[-1].finish_reasons == ("stop",)
    assert using.thinker.asked[0][-1].text == "Listen:\nwhat is two plus two"


async def test_spoken_clauses_cover_the_answer_without_gap_or_overlap() -> None:
    spoken = of_kind(await collect(Turn([Message.of("user", "Hi")], saying=SAYING), engines()), Spoke)
    assert len(spoken) >= 3
    assert spoken[0].text_span[0] == 0
    assert spoken[-1].text_span[1] == len(LONG)
    for before, after in itertools.pairwise(spoken):
        assert before.text_span[1] == after.text_span[0]
        assert before.end_s == pytest.approx(after.start_s)
    assert sum(len(spoke.audio.samples) for spoke in spoken) / SPEAK_RATE_HZ == pytest.approx(spoken[-1].end_s)


async def test_the_first_clause_is_spoken_while_the_rest_is_still_thought() -> None:
    slow = engines(thinker=ScriptedThinker(LONG, delay_s=0.02))
    events = await collect(Turn([Message.of("user", "Hi")], saying=SAYING), slow)
    first_sound = next(i for i, event in enumerate(events) if isinstance(event, Spoke))
    last_thought = max(i for i, event in enumerate(events) if isinstance(event, Thought))
    assert first_sound < last_thought


async def test_without_saying_nothing_is_spoken_and_no_note_is_added() -> None:
    using = engines()
    events = await collect(Turn([Message.of("user", "Hi")]), using)
    assert not of_kind(events, Spoke)
    assert not using.speaker.spoken
    assert [message.text for message in using.thinker.asked[0]] == ["Hi"]


async def test_the_speaking_note_comes_first_and_keeps_the_callers_system_message() -> None:
    using = engines()
    conversation = [Message.of("system", "Be kind."), Message.of("user", "Hi")]
    await collect(Turn(conversation, saying=SAYING), using)
    assert using.thinker.asked[0][0] == Message.of("system", f"{SPEAKING_NOTE}\nBe kind.")
    await collect(Turn(conversation, saying=SAYING, speaking_note=None), using)
    assert using.thinker.asked[1][0].text == "Be kind."


@pytest.mark.parametrize(("language", "named"), [("de", " Answer in German."), ("en", "")])
async def test_the_language_heard_is_named_where_nobody_else_instructs(language: str, named: str) -> None:
    using = engines("Ja.", listener=ScriptedListener("hallo", language))
    question = Message("user", (AudioPart(hum(1)),))
    await collect(Turn([question], saying=SAYING), using)
    await collect(Turn([Message.of("system", "Translate."), question], saying=SAYING), using)
    await collect(Turn([question], saying=SAYING, speaking_note="Be brief."), using)
    systems = [asked[0].text for asked in using.thinker.asked]
    assert systems == [SPEAKING_NOTE + named, f"{SPEAKING_NOTE}\nTranslate.", "Be brief."]


async def test_silence_tells_the_thinker_that_nothing_was_said() -> None:
    using = engines()
    events = await collect(Turn([Message("user", (AudioPart(Audio.silence(3, LISTEN_RATE_HZ)),))]), using)
    assert of_kind(events, PartHeard)[0].heard.transcript == ""
    assert of_kind(events, PartHeard)[0].heard.language is None
    assert using.thinker.asked[0][-1].text == NOTHING_SAID


async def test_a_thinker_that_hears_is_handed_the_sound_and_listening_still_reports() -> None:
    class Hearing(ScriptedThinker):
        hears_audio = True

    using = engines(thinker=Hearing())
    events = await collect(Turn([Message("user", (AudioPart(hum(1)),))]), using)
    assert len(of_kind(events, PartHeard)) == 1
    assert using.thinker.asked[0][0].has_audio


async def test_a_thinker_that_hears_is_not_handed_silence() -> None:
    class Hearing(ScriptedThinker):
        hears_audio = True

    using = engines(thinker=Hearing())
    await collect(Turn([Message("user", (AudioPart(Audio.silence(3, LISTEN_RATE_HZ)),))]), using)
    assert not using.thinker.asked[0][0].has_audio
    assert using.thinker.asked[0][0].text == NOTHING_SAID


async def test_usage_counts_the_callers_text_the_audio_and_both_sides_of_the_answer() -> None:
    using = engines("One two three four five.")
    question = Message("user", (TextPart("a b c"), AudioPart(hum(6.96)), AudioPart(hum(4.488))))
    events = await collect(Turn([Message.of("system", "d e"), question], saying=SAYING), using)
    usage = of_kind(events, Finished)[0].usage
    assert usage.input_audio_tokens == 69 + 44
    assert usage.input_text_tokens == 5
    assert usage.output_text_tokens == 5
    samples = sum(len(spoke.audio.samples) for spoke in of_kind(events, Spoke))
    assert usage.output_audio_tokens == samples * 20 // SPEAK_RATE_HZ > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


async def test_a_thinker_that_cannot_count_is_billed_by_what_it_reported() -> None:
    class Uncounted(ScriptedThinker):
        async def count_tokens(self, text: str) -> int | None:
            return None

    events = await collect(Turn([Message.of("user", "a b c")]), engines(thinker=Uncounted()))
    assert of_kind(events, Finished)[0].usage.input_text_tokens == 4


@pytest.mark.parametrize("cap", [9, 40, 100, 400])
async def test_a_cap_holds_for_text_and_sound_together(cap: int) -> None:
    turn = Turn([Message.of("user", "Hi")], sampling=Sampling(max_tokens=cap), saying=SAYING)
    events = await collect(turn, engines(" ".join(["word"] * 200)))
    finished = of_kind(events, Finished)[0]
    assert 0 < finished.usage.output_tokens <= cap
    assert finished.finish_reasons == ("length",)


async def test_a_cap_that_is_not_reached_changes_nothing() -> None:
    turn = Turn([Message.of("user", "Hi")], sampling=Sampling(max_tokens=5000), saying=SAYING)
    assert of_kind(await collect(turn, engines("Four.")), Finished)[0].finish_reasons == ("stop",)


async def test_timings_are_in_the_order_of_the_flow() -> None:
    using = engines(listener=ScriptedListener(delay_s=0.02), speaker=ScriptedSpeaker(delay_s=0.02))
    events = await collect(Turn([Message("user", (AudioPart(hum(1)),))], saying=SAYING), using)
    timings = of_kind(events, Finished)[0].timings
    assert 0.02 <= timings.heard_s <= timings.first_text_s <= timings.first_sound_s <= timings.total_s


class FailingThinker(ScriptedThinker):
    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[TextDelta | ThoughtEnd, None]:
        yield TextDelta("Well, ")
        raise EngineFailed("out of thoughts")


class FailingSpeaker(ScriptedSpeaker):
    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        raise EngineFailed("lost its voice")


class FailingListener(ScriptedListener):
    async def listen(self, audio: Audio, options: object = None) -> AsyncGenerator[object, None]:
        raise EngineFailed("deaf")
        yield


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"thinker": FailingThinker()}, "out of thoughts"),
        ({"speaker": FailingSpeaker()}, "lost its voice"),
        ({"listener": FailingListener()}, "deaf"),
    ],
)
async def test_a_failing_stage_ends_the_turn_with_its_own_error(broken: dict[str, object], message: str) -> None:
    turn = Turn([Message("user", (AudioPart(hum(1)),))], saying=SAYING)
    with pytest.raises(EngineFailed, match=message):
        await asyncio.wait_for(collect(turn, engines(**broken)), 5)


async def test_closing_the_turn_frees_every_stage_at_once() -> None:
    thinker = ScriptedThinker(" ".join(["word"] * 1000), delay_s=0.01)
    speaker = ScriptedSpeaker(delay_s=0.05)
    events = run(Turn([Message.of("user", "Hi")], saying=SAYING), engines(thinker=thinker, speaker=speaker))
    async for event in events:
        if isinstance(event, Spoke):
            break
    assert thinker.busy == 1
    started_s = time.perf_counter()
    await events.aclose()
    assert time.perf_counter() - started_s < 0.5
    assert thinker.busy == 0
    spoken = len(speaker.spoken)
    await asyncio.sleep(0.15)
    assert len(speaker.spoken) == spoken
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_a_reader_that_stops_reading_stops_the_thinker_too() -> None:
    thinker = ScriptedThinker(" ".join(["word"] * 5000))
    events = run(Turn([Message.of("user", "Hi")]), engines(thinker=thinker))
    await anext(events)
    await asyncio.sleep(0.2)
    assert thinker.busy == 1, "an unread turn must wait, not run ahead without bound"
    await events.aclose()


async def test_markup_is_written_but_not_spoken() -> None:
    using = engines("Use **bold** words.")
    events = await collect(Turn([Message.of("user", "Hi")], saying=SAYING), using)
    assert "".join(thought.text for thought in of_kind(events, Thought)) == "Use **bold** words."
    assert "*" not in "".join(text for text, _, _ in using.speaker.spoken)


async def test_say_and_hear_work_alone() -> None:
    async def words() -> AsyncGenerator[str, None]:
        yield "Good "
        yield "morning."

    speaker = ScriptedSpeaker()
    spoken = [spoke async for spoke in say(speaker, words(), Saying("af_heart", speed=2.0))]
    assert [text for text, _, _ in speaker.spoken] == ["Good morning."]
    assert speaker.spoken[0][2] == 2.0
    assert spoken[0].end_s == pytest.approx(spoken[0].audio.duration_s)
    assert (await hear_all(ScriptedListener("good morning"), hum(1))).transcript == "good morning"


async def test_a_slow_reader_loses_nothing() -> None:
    """More events than the queue holds, all of them waiting when the turn ends."""
    answer = " ".join(["word"] * 1000)
    events: list[Event] = []
    async with aclosing(run(Turn([Message.of("user", "Hi")]), engines(answer))) as stream:
        async for event in stream:
            events.append(event)
            await asyncio.sleep(0.02 if len(events) % 200 == 0 else 0)
    assert "".join(thought.text for thought in of_kind(events, Thought)) == answer
    assert isinstance(events[-1], Finished)


async def test_text_that_fails_behind_many_waiting_clauses_ends_in_its_error() -> None:
    async def words() -> AsyncGenerator[str, None]:
        yield "This is one whole sentence that stands for itself, and it is long.\n\n" * 40
        raise EngineFailed("out of words")

    with pytest.raises(EngineFailed, match="out of words"):
        async with asyncio.timeout(5):
            async for _ in say(ScriptedSpeaker(delay_s=0.01), words(), SAYING):
                pass


async def test_an_answer_is_not_lost_because_nobody_could_count() -> None:
    class Uncounting(ScriptedThinker):
        async def count_tokens(self, text: str) -> int | None:
            raise EngineFailed("no answer from the tokenizer")

    events = await collect(Turn([Message.of("user", "Hi there")]), engines(thinker=Uncounting("Four.")))
    assert of_kind(events, Finished)[0].usage.input_text_tokens == 3, "the thinker's own count of its prompt"


FORM = JsonForm({"type": "object", "properties": {"city": {"type": "string"}}})
TOOLS = Tools((Tool("get_weather"),))


async def test_calls_are_told_in_pieces_and_never_spoken() -> None:
    using = engines(thinker=ScriptedThinker("Let me look.", calls=[("get_weather", '{"city": "Paris"}')] * 2))
    turn = Turn([Message.of("user", "Hi")], Sampling(tools=TOOLS), saying=SAYING)
    events = await collect(turn, using)
    called = of_kind(events, Called)
    for index in (0, 1):
        mine = [event for event in called if event.index == index]
        assert [event.name for event in mine] == ["get_weather"] + [None] * (len(mine) - 1)
        assert "".join(event.arguments for event in mine) == '{"city": "Paris"}'
        assert len({event.id for event in mine}) == 1
    assert len({event.id for event in called}) == 2
    assert [text for text, _, _ in using.speaker.spoken] == ["Let me look."]


async def test_json_is_thought_as_it_is_and_spoken_in_words() -> None:
    using = engines('{"city": "Paris", "is_far": false}')
    turn = Turn([Message.of("user", "Hi")], Sampling(form=FORM), saying=SAYING)
    events = await collect(turn, using)
    words = "".join(event.text for event in of_kind(events, Read))
    assert "".join(event.text for event in of_kind(events, Thought)) == using.thinker.answer
    assert words == "City: Paris. Is far: no. "
    assert of_kind(events, Spoke)[-1].text_span[1] <= len(words)
    assert not set("".join(text for text, _, _ in using.speaker.spoken)) & set('{}"_')


async def test_json_that_is_only_written_is_not_read_out() -> None:
    events = await collect(Turn([Message.of("user", "Hi")], Sampling(form=FORM)), engines('{"city": "Paris"}'))
    assert not of_kind(events, Read)


async def test_where_the_answer_may_be_json_the_text_gets_half_of_the_cap() -> None:
    for more in ({"form": FORM}, {"tools": TOOLS}):
        using = engines()
        await collect(Turn([Message.of("user", "Hi")], Sampling(max_tokens=90, **more), saying=SAYING), using)
        assert using.thinker.samplings[0].max_tokens == 45


async def test_calls_and_their_results_reach_the_thinker_with_what_was_heard() -> None:
    using = engines()
    call = Message("assistant", (), (ToolCall("c1", "get_weather", "{}"),))
    result = Message("tool", (TextPart("sun"),), call_id="c1")
    await collect(Turn([Message("user", (AudioPart(hum(1.0)),)), call, result]), using)
    assert using.thinker.asked[0][1:] == [call, result]


async def test_the_thinker_is_told_the_tone_in_a_note_and_the_event_says_so() -> None:
    using = engines(tone=ScriptedTone("anger"))
    events = await collect(Turn([Message("user", (AudioPart(hum(1.0)),))]), using)
    (heard,) = of_kind(events, PartHeard)
    assert heard.note == "[sounds angry]"
    assert heard.heard.tone is not None
    assert heard.heard.tone.emotion == "anger"
    assert isinstance(using.thinker, ScriptedThinker)
    assert using.thinker.asked[0][-1].text == "what is two plus two [sounds angry]"


@pytest.mark.parametrize(
    ("tone", "turn"),
    [
        (ScriptedTone("neutral"), Turn([Message("user", (AudioPart(hum(1.0)),))])),
        (ScriptedTone("anger", 0.35), Turn([Message("user", (AudioPart(hum(1.0)),))])),
        (ScriptedTone("anger"), Turn([Message("user", (AudioPart(hum(1.0)),))], hearing_note=False)),
        (None, Turn([Message("user", (AudioPart(hum(1.0)),))])),
    ],
)
async def test_a_tone_that_is_neutral_unsure_or_not_wanted_costs_the_thinker_nothing(
    tone: ScriptedTone | None, turn: Turn
) -> None:
    using = engines(tone=tone)
    (heard,) = of_kind(await collect(turn, using), PartHeard)
    assert heard.note == ""
    assert (heard.heard.tone is not None) == (tone is not None)
    assert isinstance(using.thinker, ScriptedThinker)
    assert using.thinker.asked[0][-1].text == "what is two plus two"


async def test_each_recording_of_a_conversation_is_read_beside_those_before() -> None:
    tone = ScriptedTone("anger")
    asked = [Message("user", (AudioPart(hum(1.0)), AudioPart(hum(2.0)))), Message("user", (AudioPart(hum(0.0)),))]
    events = await collect(Turn([*asked, Message("user", (AudioPart(hum(3.0)),))]), engines(tone=tone))
    assert tone.asked == [(1, 0), (1, 1), (1, 2)]  # nothing was said in the third
    assert [bool(each.heard.tones) for each in of_kind(events, PartHeard)] == [True, True, False, True]
