"""THE FLOW: hear, think, say.

    request bytes ─ codec ─> Audio ─ listen ─> Heard ─ think ─> text ─ speak ─> Audio ─ codec ─> response bytes
                             └────────────────────── this file ─────────────────────────┘

Three async generators: `hearing.hear` (audio to segments to `Heard`), `say` (text to `Spoke`) and `run`, which joins
them with a thinker. The stages run at the same time, joined by bounded queues: the first clause is spoken while the
second is being thought. Closing a generator cancels every stage under it. Knows no wire format, no price, no vendor.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from vivavoce import tasks
from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.conversation import SPEAKING_NOTE, AudioPart, Message, Part, Sampling, TextPart
from vivavoce.counting import count_input, usage_of
from vivavoce.errors import ServerFault
from vivavoce.events import Called, Engines, Event, Finished, PartHeard, Read, Spoke, Thought, Timings, Turn
from vivavoce.hearing import hear, hear_all
from vivavoce.languages import name_of
from vivavoce.leisure import LeisurelySpeaker, LeisurelyThinker
from vivavoce.listen.note import asking_back, hearing_note
from vivavoce.listen.speakers.assigning import attributed, main_speakers
from vivavoce.listen.tone import ToneOfConversation
from vivavoce.speak.base import Speaker
from vivavoce.speak.clauses import Clause, ClauseSplitter
from vivavoce.speak.json_reading import JsonReading
from vivavoce.speak.saying import Saying
from vivavoce.speak.spoken_form import SpokenForm
from vivavoce.think.base import CallDelta, FinishReason, TextDelta, ThoughtEnd
from vivavoce.think.begun import BegunThinker
from vivavoce.tickets import OpenDoor, Ticket
from vivavoce.usage import OUTPUT_TOKENS_PER_S, audio_output_tokens

__all__ = [
    "Called",
    "Engines",
    "Event",
    "Finished",
    "PartHeard",
    "Read",
    "Spoke",
    "Thought",
    "Timings",
    "Turn",
    "hear",
    "hear_all",
    "run",
    "say",
]
"""With the nouns of `events`: callers of the flow need one import."""

NOTHING_SAID = "[The recording holds no speech. Say that you heard nothing and ask the user to repeat.]"
"""What a thinker reads in place of a recording in which nobody spoke."""

SEVERAL_S = 8.0
"""A shorter recording is taken to be by one speaker: searching it for others would delay every short question."""

SPOKEN_SHARE = 8
"""Audio tokens to expect per text token when one cap covers both: about 0.3 s of speech a token is 6, numbers more."""

Item = TypeVar("Item")

NEVER_BUSY = OpenDoor()
CLAUSES_AHEAD = 16
EVENTS_AHEAD = 256


async def say(
    speaker: Speaker,
    text: AsyncIterator[str],
    saying: Saying,
    likely_language: Callable[[], str | None] = lambda: None,
    clear: Callable[[float], Awaitable[None]] = NEVER_BUSY.clear,
) -> AsyncGenerator[Spoke, None]:
    """Speak text while it arrives, clause by clause. Clauses with nothing to say are skipped, their span with them.

    `likely_language` is asked once the first clause is there: the language (ISO 639-1) that the text is probably in.
    `clear` is waited for before each clause, and told how many seconds of sound a listener still has by then.
    """
    clauses: asyncio.Queue[Clause | None] = asyncio.Queue(CLAUSES_AHEAD)

    async def split() -> None:
        splitter = ClauseSplitter()
        async for delta in text:
            for clause in splitter.feed(delta):
                await clauses.put(clause)
        for clause in splitter.flush():
            await clauses.put(clause)

    splitting = asyncio.create_task(tasks.fill(clauses, split()))
    position, silent_from_s = 0, 0.0
    try:
        clause = await clauses.get()
        suited = saying.suited_to(clause.text, likely_language()) if clause is not None else saying
        spoken_form = SpokenForm(suited.language)
        while clause is not None:
            words = spoken_form.feed(clause.text)
            await clear(max(0.0, silent_from_s - time.perf_counter()))
            voiced = await speaker.speak(words, suited.voice, suited.speed) if words.strip() else None
            if voiced is not None and len(voiced.samples):
                pause = Audio.silence(clause.pause_s / suited.speed, SPEAK_RATE_HZ)
                audio = Audio.join((voiced, pause), SPEAK_RATE_HZ)
                silent_from_s = (silent_from_s or time.perf_counter()) + audio.duration_s
                start, position = position, position + len(audio.samples)
                yield Spoke(audio, clause.span, start / SPEAK_RATE_HZ, position / SPEAK_RATE_HZ)
            clause = await clauses.get()
        await splitting
    finally:
        await tasks.end(splitting)


async def run(turn: Turn, engines: Engines) -> AsyncGenerator[Event, None]:
    """One whole turn, once it is admitted: `PartHeard` per audio part, `Thought`s, `Called`s and `Spoke`s, `Finished`.

    First of all comes `Room`, where an admission counts turns."""
    events: asyncio.Queue[Event | None] = asyncio.Queue(EVENTS_AHEAD)
    producing = asyncio.create_task(tasks.fill(events, _Run(turn, engines, events.put).flow()))
    try:
        while (event := await events.get()) is not None:
            yield event
        await producing
    finally:
        await tasks.end(producing)


Emit = Callable[[Event], Coroutine[Any, Any, None]]


class _Run:
    """The state of one turn under way: a stopwatch, the counts, and the three stages."""

    def __init__(self, turn: Turn, engines: Engines, emit: Emit) -> None:
        self.turn = turn
        self.engines = engines
        self.emit = emit
        self.started_s = time.perf_counter()
        self.timings = Timings()
        self.heard_language: str | None = None
        self.beginning = ""
        self.spoken_samples = 0
        self.cut_off = False

    async def flow(self) -> None:
        spoken = self.turn.saying is not None
        async with self.engines.admission.ticket(spoken=spoken, background=self.turn.background) as ticket:
            self.timings = Timings(admitted_s=self._elapsed_s())
            if self.turn.background:
                thinker = LeisurelyThinker(self.engines.thinker, ticket)
                speaker = LeisurelySpeaker(self.engines.speaker, ticket)
                self.engines = replace(self.engines, thinker=thinker, speaker=speaker)
            if ticket.room is not None:
                await self.emit(ticket.room)
            counting = asyncio.create_task(
                count_input(self.turn.conversation, self.turn.sampling.tools, self.engines.thinker)
            )
            try:
                conversation = await self._hear_parts(ticket)
                await ticket.clear()
                if self.beginning and self._may_ask_back():
                    self.engines = replace(self.engines, thinker=BegunThinker(self.engines.thinker, self.beginning))
                ends = await self._think_and_say(self._with_note(conversation), ticket)
                usage = usage_of(ends, *await counting, audio_output_tokens(self.spoken_samples, SPEAK_RATE_HZ))
            finally:
                await tasks.end(counting)
        self.timings = replace(self.timings, total_s=self._elapsed_s())
        reasons: list[FinishReason] = [end.finish_reason for end in ends]
        if self.cut_off:
            reasons[0] = "length"
        await self.emit(Finished(tuple(reasons), usage, self.timings))

    def _may_ask_back(self) -> bool:
        """Only of a plain answer, by a thinker that goes on with what was begun, is the beginning ours to write."""
        sampling = self.turn.sampling
        plain = sampling.form is None and sampling.tools is None and sampling.top_logprobs is None
        return self.turn.ask_back and plain and self.engines.thinker.goes_on

    def _elapsed_s(self) -> float:
        return time.perf_counter() - self.started_s

    async def _hear_parts(self, ticket: Ticket) -> list[Message]:
        """Listen to every audio part, in order; what comes back holds words in place of sound."""
        messages: list[Message] = []
        any_heard = False
        tones = ToneOfConversation(self.engines.tone)
        noted = self.turn.hearing_note and not self.engines.thinker.hears_audio
        listening = replace(self.turn.listening, voicing=self.engines.tone is not None)
        for number, message in enumerate(self.turn.conversation):
            parts: list[Part] = []
            for index, part in enumerate(message.parts):
                if isinstance(part, AudioPart):
                    await ticket.clear()
                    diarizer = self.engines.diarizer if part.audio.duration_s >= SEVERAL_S else None
                    heard = await hear_all(self.engines.listener, part.audio, listening, diarizer)
                    speakers = main_speakers(heard)
                    heard = await tones.of(heard, speakers and [f"{number}.{index} {name}" for name in speakers])
                    note = hearing_note(heard, self.heard_language) if noted else ""
                    await self.emit(PartHeard(number, index, heard, note))
                    if number == len(self.turn.conversation) - 1:
                        self.beginning = self.beginning or asking_back(heard)
                    any_heard = True
                    self.heard_language = heard.language or self.heard_language
                    # Sound without speech goes to no thinker: one that hears would answer words that nobody said.
                    by_ear = self.engines.thinker.hears_audio and heard.transcript
                    words = f"{attributed(heard)} {note}".strip() or NOTHING_SAID
                    parts.append(part if by_ear else TextPart(words))
                else:
                    parts.append(part)
            messages.append(replace(message, parts=tuple(parts)))
        if any_heard:
            self.timings = replace(self.timings, heard_s=self._elapsed_s())
        return messages

    def _with_note(self, conversation: list[Message]) -> list[Message]:
        """Our note comes first, so that it stays in the prompt cache whatever the caller says after it."""
        if self.turn.saying is None or not self.turn.speaking_note:
            return conversation
        note = self.turn.speaking_note
        if conversation and conversation[0].role == "system":
            return [Message.of("system", f"{note}\n{conversation[0].text}"), *conversation[1:]]
        if note == SPEAKING_NOTE and self.heard_language and self.heard_language != "en":
            # Small models drift into English, the note's own language, unless the language is named.
            note = f"{note} Answer in {name_of(self.heard_language)}."
        return [Message.of("system", note), *conversation]

    async def _think_and_say(self, conversation: list[Message], ticket: Ticket) -> list[ThoughtEnd]:
        """Think every choice, and say the first, all at once. How each choice ended."""
        text: asyncio.Queue[str | None] = asyncio.Queue(EVENTS_AHEAD)
        saying = self.turn.saying
        try:
            async with asyncio.TaskGroup() as stages:
                thinking = [
                    stages.create_task(self._think(conversation, choice, text if saying and choice == 0 else None))
                    for choice in range(self.turn.choices)
                ]
                if saying is not None:
                    stages.create_task(self._say(text, saying, ticket))
        except BaseExceptionGroup as group:
            raise tasks.first_cause(group) from group
        return [task.result() for task in thinking]

    def _text_sampling(self, choice: int = 0) -> Sampling:
        """One cap covers text and sound; the text gets the share that leaves room to speak it, or half of it where it
        may be JSON, which is spoken shorter or not at all. Each choice has a seed of its own, or they would be alike.
        """
        sampling = self.turn.sampling
        if sampling.seed is not None:
            sampling = replace(sampling, seed=sampling.seed + choice)
        if self.turn.saying is None or sampling.max_tokens is None:
            return sampling
        share = 1 if sampling.form is not None or sampling.tools is not None else SPOKEN_SHARE
        return replace(sampling, max_tokens=max(1, sampling.max_tokens // (1 + share)))

    async def _think(
        self, conversation: list[Message], choice: int, spoken: asyncio.Queue[str | None] | None
    ) -> ThoughtEnd:
        """Words go on to be spoken (those of JSON read out in a natural way), calls never do."""
        end: ThoughtEnd | None = None
        reading = JsonReading() if spoken is not None and self.turn.sampling.form is not None else None
        call_ids: dict[int, str] = {}
        async with aclosing(self.engines.thinker.think(conversation, self._text_sampling(choice))) as thoughts:
            async for thought in thoughts:
                if isinstance(thought, TextDelta):
                    if self.timings.first_text_s is None:
                        self.timings = replace(self.timings, first_text_s=self._elapsed_s())
                    await self.emit(Thought(thought.text, choice, thought.logprobs))
                    words = thought.text if reading is None else reading.feed(thought.text)
                    if reading is not None and words:
                        await self.emit(Read(words))
                    if spoken is not None and words:
                        await spoken.put(words)
                elif isinstance(thought, CallDelta):
                    call_id = call_ids.setdefault(thought.index, f"call_{secrets.token_hex(12)}")
                    await self.emit(Called(call_id, thought.index, thought.arguments, thought.name, choice))
                else:
                    end = thought
        if spoken is not None:
            await spoken.put(None)
        if end is None:
            raise ServerFault("the thinker ended without saying how")
        return end

    async def _say(self, text: asyncio.Queue[str | None], saying: Saying, ticket: Ticket) -> None:
        async def deltas() -> AsyncIterator[str]:
            while (delta := await text.get()) is not None:
                yield delta

        room = self._most_samples()
        clauses = say(self.engines.speaker, deltas(), saying, lambda: self.heard_language, ticket.clear)
        async with aclosing(clauses) as spoken:
            async for whole in spoken:
                if self.cut_off:
                    continue  # the written answer, short by its own cap, still runs to its end
                self.cut_off = room is not None and self.spoken_samples + len(whole.audio.samples) > room
                spoke = _first_samples(whole, (room or 0) - self.spoken_samples) if self.cut_off else whole
                if self.timings.first_sound_s is None:
                    self.timings = replace(self.timings, first_sound_s=self._elapsed_s())
                self.spoken_samples += len(spoke.audio.samples)
                await self.emit(spoke)

    def _most_samples(self) -> int | None:
        """What the caller's cap leaves for sound after the text's share, in samples; None without a cap."""
        cap, text_cap = self.turn.sampling.max_tokens, self._text_sampling().max_tokens
        if cap is None or text_cap is None:
            return None
        return (cap - text_cap) * SPEAK_RATE_HZ // OUTPUT_TOKENS_PER_S


def _first_samples(spoke: Spoke, count: int) -> Spoke:
    audio = Audio(spoke.audio.samples[: max(0, count)], spoke.audio.rate_hz)
    return replace(spoke, audio=audio, end_s=spoke.start_s + audio.duration_s)
