"""Scripted fakes of each stage, for your tests and ours: no weights, no waiting, same contracts.

engines = Engines(ScriptedListener("what is two plus two"), ScriptedThinker("Four."), ScriptedSpeaker())
"""

from __future__ import annotations

import asyncio
import math
import re
import time
import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.conversation import Message, Sampling
from vivavoce.errors import ContextLengthExceeded, InvalidValue
from vivavoce.listen.base import ListenOptions, Segment, TokenHeard, Word
from vivavoce.listen.manner import CIRCUMPLEX, Prosody, Tone, Voicing
from vivavoce.listen.speakers.base import FRAME_S, Embedding, VoiceTrace, VoiceWindow
from vivavoce.speak.base import Voice
from vivavoce.think.base import CallDelta, TextDelta, Thinking, ThoughtEnd, TokenLogprob

SILENCE_PEAK = 0.003


class ScriptedListener:
    """Hears `transcript` in every recording that isn't silent, words spread evenly over it; what it was asked is kept.

    transcript: one text, or several, each a segment. translation: what it hears, likewise, where it should translate.
    language: of every segment, or of each. delay_s: seconds before each segment. A token is a word with the space
    before it, and nine times out of ten right; `unclear` words only once.
    """

    def __init__(
        self,
        transcript: str | Sequence[str] = "what is two plus two",
        language: str | Sequence[str] = "en",
        *,
        translation: str | Sequence[str] | None = None,
        delay_s: float = 0.0,
        unclear: Sequence[str] = (),
    ) -> None:
        self.transcript = transcript
        self.unclear = unclear
        self.translation = transcript if translation is None else translation
        self.language = language
        self.delay_s = delay_s
        self.heard: list[Audio] = []
        self.asked: list[ListenOptions] = []

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        options = options or ListenOptions()
        self.heard.append(audio)
        self.asked.append(options)
        said = self.translation if options.task == "translate" else self.transcript
        texts = [said] if isinstance(said, str) else said
        silent = not len(audio.samples) or float(np.abs(audio.samples).max()) < SILENCE_PEAK
        step_s = audio.duration_s / max(1, sum(len(text.split()) for text in texts))
        position = 0
        for number, text in enumerate([""] if silent else texts):
            await asyncio.sleep(self.delay_s)
            if silent:
                yield Segment("", 0.0, audio.duration_s, None, 0.0, 1.0)
                return
            language = self.language if isinstance(self.language, str) else self.language[number]
            yield self._segment(text, position, step_s, options, language)
            position += len(text.split())

    def _segment(self, text: str, position: int, step_s: float, options: ListenOptions, language: str) -> Segment:
        """position: words before it."""
        pieces = text.split()
        sure = [0.1 if piece in self.unclear else 0.9 for piece in pieces]
        words = [
            Word(piece, (position + n) * step_s, (position + n + 1) * step_s, sure[n], 1)
            for n, piece in enumerate(pieces)
        ]
        logprobs = tuple(TokenHeard(tuple(f" {piece}".encode()), math.log(0.9)) for piece in pieces)
        return Segment(
            text,
            position * step_s,
            (position + len(pieces)) * step_s,
            options.language or next(iter(options.languages), language),
            0.99,
            0.01,
            tuple(words) if options.word_times else (),
            -0.1,
            temperature=options.temperature,
            tokens=tuple(_token_id(f" {piece}") for piece in pieces),
            token_logprobs=logprobs if options.token_logprobs else (),
            voicing=self._voicing(len(pieces), step_s) if options.voicing else None,
        )

    def _voicing(self, words: int, step_s: float) -> Voicing:
        """A calm voice of 100 Hz that says two syllables a word."""
        return Voicing(Prosody(100.0, 4.0, -20.0, 2 / step_s, 0, 0.0), words * step_s, (), ())

    async def close(self) -> None:
        return None


class ScriptedTone:
    """Hears `emotion` in every utterance, with `probability`, and the rest of it as neutral. What it was asked is kept
    as how many utterances, and how many were known."""

    def __init__(self, emotion: str = "neutral", probability: float = 0.9) -> None:
        self.emotion = emotion
        self.probability = probability
        self.asked: list[tuple[int, int]] = []

    async def read(self, utterances: Sequence[Voicing], known: Sequence[Voicing] = ()) -> list[Tone]:
        self.asked.append((len(utterances), len(known)))
        found = dict.fromkeys(CIRCUMPLEX, 0.0) | {"neutral": 1.0 - self.probability}
        found[self.emotion] += self.probability
        return [Tone(tuple(found.items()), each.prosody, each.seconds) for each in utterances]

    async def close(self) -> None:
        return None


class ScriptedDiarizer:
    """Hears `names` by turns, `turn_s` each, in every recording that isn't silent; the first one's voice in each clip.

    names: with commas between, at most three. What was traced is kept in `traced`.
    """

    def __init__(self, names: str = "A,B", *, turn_s: float = 2.0) -> None:
        self.names = names.split(",")
        self.turn_s = turn_s
        self.traced: list[Audio] = []

    async def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        self.traced.append(audio)
        silent = not len(audio.samples) or float(np.abs(audio.samples).max()) < SILENCE_PEAK
        frames, step = max(1, int(audio.duration_s / FRAME_S)), max(1, int(self.turn_s / FRAME_S))
        traces = [
            VoiceTrace(voice, first, min(first + step, frames), self.turn_s, self._voice(voice))
            for number, first in enumerate(range(0, frames, step))
            if (voice := number % len(self.names)) >= 0
        ]
        spoken = np.full(frames, 0.0 if silent else 1.0, np.float32)
        yield VoiceWindow(0, () if silent else tuple(traces), spoken, np.zeros(frames, np.float32))

    async def embed(self, audio: Audio) -> Embedding:
        silent = not len(audio.samples) or float(np.abs(audio.samples).max()) < SILENCE_PEAK
        return np.zeros(0, np.float32) if silent else self._voice(0)

    def _voice(self, number: int) -> Embedding:
        return np.eye(len(self.names), dtype=np.float32)[number]

    async def close(self) -> None:
        return None


class ScriptedThinker:
    """Answers `answer` word by word. A token is a word with the space before it; prompts are kept in `asked`.

    Every token is told to have been twice as likely as not; banned ones are left out; a form is not kept to. Where
    tools may be called, `calls` (name, arguments) follow, their arguments in pieces of four characters, one token each.
    """

    hears_audio = False
    goes_on = True

    def __init__(
        self,
        answer: str = "Four.",
        *,
        calls: Sequence[tuple[str, str]] = (),
        delay_s: float = 0.0,
        context_tokens: int = 4096,
    ) -> None:
        self.answer = answer
        self.calls = calls
        self.delay_s = delay_s
        self.context_tokens: int | None = context_tokens
        self.answer_tokens: int | None = None
        self.asked: list[Sequence[Message]] = []
        self.samplings: list[Sampling] = []
        self.busy = 0

    async def think(
        self, conversation: Sequence[Message], sampling: Sampling | None = None
    ) -> AsyncGenerator[Thinking, None]:
        sampling = sampling or Sampling()
        self.asked.append(conversation)
        self.samplings.append(sampling)
        prompt = sum(len(_tokens(message.text)) + 1 for message in conversation)
        if self.context_tokens is not None and prompt > self.context_tokens:
            raise ContextLengthExceeded(
                f"This model's maximum context length is {self.context_tokens} tokens; you sent {prompt}.",
                param="messages",
            )
        text = self.answer
        for stop in sampling.stop:
            text = text.split(stop)[0]
        tokens = [token for token in _tokens(text) if sampling.logit_bias.get(_token_id(token), 0) > -100]
        tokens = tokens[len(_tokens(sampling.begun)) :]
        allowed = tokens if sampling.max_tokens is None else tokens[: sampling.max_tokens]
        self.busy += 1
        started_s = time.monotonic()
        try:
            for number, token in enumerate(allowed, start=1):  # by the clock, so that late timers do not add up
                await asyncio.sleep(max(0.0, started_s + number * self.delay_s - time.monotonic()))
                yield TextDelta(token, _logprobs(token, sampling.top_logprobs))
            pieces = self._call_pieces(sampling)
            more = pieces if sampling.max_tokens is None else pieces[: max(0, sampling.max_tokens - len(allowed))]
            for piece in more:
                await asyncio.sleep(self.delay_s)
                yield piece
        finally:
            self.busy -= 1
        whole = len(allowed) == len(tokens) and len(more) == len(pieces)
        yield ThoughtEnd("stop" if whole else "length", prompt, len(allowed) + len(more))

    def _call_pieces(self, sampling: Sampling) -> list[CallDelta]:
        if sampling.tools is None or not sampling.tools.callable:
            return []
        pieces: list[CallDelta] = []
        for index, (name, arguments) in enumerate(self.calls):
            pieces.append(CallDelta(index, name=name))
            pieces += [CallDelta(index, arguments[at : at + 4]) for at in range(0, len(arguments), 4)]
        return pieces

    async def tokenize(self, text: str) -> list[int] | None:
        return [_token_id(token) for token in _tokens(text)]

    async def count_tokens(self, text: str) -> int | None:
        return len(_tokens(text))

    async def close(self) -> None:
        return None


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _token_id(token: str) -> int:
    return zlib.crc32(token.encode("utf-8", "replace")) % 50_000


def _logprobs(token: str, most_top: int | None) -> tuple[TokenLogprob, ...]:
    if most_top is None:
        return ()
    told = TokenLogprob(token, math.log(2 / 3), token.encode("utf-8", "replace"))
    return (replace(told, top=(told,)[:most_top]),)


class ScriptedSpeaker:
    """Hums 60 ms a character at 220 Hz in place of words; what was asked for is kept in `spoken`."""

    def __init__(self, *, delay_s: float = 0.0, voices: Sequence[str] = ("af_heart", "am_adam")) -> None:
        self.delay_s = delay_s
        self.voices: Mapping[str, Voice] = {name: Voice(name, "en-US", "female", "a hum") for name in voices}
        self.spoken: list[tuple[str, str, float]] = []

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        if voice not in self.voices:
            raise InvalidValue(f"Invalid value: '{voice}'. Supported values are: {', '.join(self.voices)}.")
        await asyncio.sleep(self.delay_s)
        self.spoken.append((text, voice, speed))
        times = np.arange(int(0.06 * len(text) / speed * SPEAK_RATE_HZ)) / SPEAK_RATE_HZ
        return Audio((0.2 * np.sin(2 * np.pi * 220 * times)).astype(np.float32), SPEAK_RATE_HZ)

    async def close(self) -> None:
        return None
