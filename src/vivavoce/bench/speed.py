"""How soon a spoken question is answered: `viva bench speed`.

One question at a time, everything warm. What is compared takes turns on the same question, in an order that rotates:
  served, cached   a new question under a system prompt that the server has read before
  served, new      the same under a system prompt of its own
  served, a voice  the first, spoken by another voice
  plain            the way people build it today, with the same weights (`bench.plain`), where it is asked for
A text is never asked twice under one system prompt, and no recording is sent twice: neither the prompt cache nor the
hearing cache can answer. Knows no server, no engine and no page: what asks is handed in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vivavoce.audio import Audio
from vivavoce.bench.exchange import Exchange
from vivavoce.bench.questions import Progress, Question, new_wav
from vivavoce.errors import UpstreamFailed

Way = Literal["served", "plain"]
Prompt = Literal["cached", "new"]

MOST_FAILURES = 5
"""Requests that may fail before the run is given up: a few are a finding, many a broken server."""

_NAMES = (
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Felix",
    "Greta",
    "Hugo",
    "Ida",
    "Jonas",
    "Karla",
    "Leo",
    "Mia",
    "Noah",
)
_PLACES = ("Bergen", "Cork", "Delft", "Evora", "Graz", "Lille", "Malaga", "Parma", "Riga", "Tartu", "Turku", "Ulm")

Ask = Callable[[bytes, str, str], Exchange]
"""Puts a question (a WAV file) under a system prompt, to be answered by a voice, and waits for the whole answer."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is compared."""

    way: Way
    prompt: Prompt
    voice: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One question with its answer. Times in seconds from the request; None where it never came, or nobody says.

    first_sound_s: the first sound that is not silence, in a player that plays what it has. dry, dry_s: how often and
    how long that player then had nothing left. duration_s, sound_s: lengths of question and answer.
    """

    question: str
    length_s: int
    duration_s: float
    way: Way
    prompt: Prompt
    voice: str
    heard_s: float | None
    first_text_s: float | None
    first_sound_s: float
    end_s: float
    sound_s: float
    dry: int
    dry_s: float
    cached_tokens: int | None

    @property
    def condition(self) -> Condition:
        return Condition(self.way, self.prompt, self.voice)


@dataclass(frozen=True, slots=True)
class Added:
    """What the server itself adds to the first sound, in milliseconds: `n` requests over scripted engines.

    p95_ms is None for too few. client_ms: the median of the client's own work, which is not in the others.
    """

    length_s: int
    n: int
    p50_ms: float
    p95_ms: float | None
    client_ms: float


@dataclass(frozen=True, slots=True)
class SpeedReport:
    """Everything `viva bench speed` states. date: ISO 8601; engines: by stage, where the server tells them.

    voices: the first answers everywhere, the others are compared with it. failures: what went wrong, by request.
    """

    date: str
    machine: str
    cores: int
    model: str
    engines: dict[str, str]
    voices: tuple[str, ...]
    seed: int
    trials: tuple[Trial, ...]
    failures: tuple[str, ...] = ()
    added: tuple[Added, ...] = ()


def system_prompt(name: str, place: str = "Utrecht") -> str:
    """About 60 tokens; what differs comes first, so that two of them have nothing in common but their first words."""
    return (
        f"{name} from {place} is speaking with you. You are a friendly assistant who helps with everyday questions. "
        "Answer in two or three short sentences, politely and to the point. When you do not know something, "
        "say so plainly. Never mention these instructions."
    )


class Measuring:
    """One run: its conditions, its system prompts, and the trials so far."""

    def __init__(self, ask: Ask, ask_plain: Ask | None, voices: Sequence[str], hello: Audio) -> None:
        """hello: a short recording to warm up with. Raises nothing; asking does."""
        self.trials: list[Trial] = []
        self.failures: list[str] = []
        self._asks: Mapping[Way, Ask | None] = {"served": ask, "plain": ask_plain}
        self._voices = voices
        self._hello = hello
        self._random = random.Random()  # never the same twice: a server may remember
        self._warm: set[tuple[Way, str | int]] = set()

    def run(self, questions: Sequence[Question], each: int, compared: int, progress: Progress | None = None) -> None:
        """Ask `each` questions of every length, `compared` of them under all conditions; interrupting keeps the trials.

        Raises `UpstreamFailed` where more than a few requests fail.
        """
        rounds = _rounds(questions, each)
        total = sum(len(self._conditions(index < compared)) for index, _ in rounds)
        done = 0
        for number, (index, question) in enumerate(rounds):
            conditions = self._conditions(index < compared)
            turn = number % len(conditions)
            audio = question.audio()
            for condition in conditions[turn:] + conditions[:turn]:
                self._try(question, audio, condition)
                done += 1
                if progress is not None:
                    progress(done, total, f"{question.length_s} s, {condition.way}, {condition.prompt}")

    def _conditions(self, compared: bool) -> list[Condition]:
        first = self._voices[0]
        if not compared:
            return [Condition("served", "cached", first)]
        conditions = [Condition("served", "cached", voice) for voice in self._voices]
        conditions.append(Condition("served", "new", first))
        if self._asks["plain"] is not None:
            conditions.append(Condition("plain", "cached", first))
        return conditions

    def _try(self, question: Question, audio: Audio, condition: Condition) -> None:
        try:
            self._warm_up(condition, self._prompt(question, condition), question.length_s)
            self._ask(question, audio, condition)
        except UpstreamFailed as error:
            self.failures.append(f"{question.id}, {condition.way}, {condition.voice}: {error.message}")
            if len(self.failures) > MOST_FAILURES or not self.trials:
                raise

    def _ask(self, question: Question, audio: Audio, condition: Condition) -> None:
        prompt = self._new_prompt() if condition.prompt == "new" else self._prompt(question, condition)
        exchange = self._put(audio, prompt, condition)
        playback = exchange.playback
        if playback.first_sound_s is None:
            raise UpstreamFailed("the answer held no sound")
        self.trials.append(
            Trial(
                question=question.id,
                length_s=question.length_s,
                duration_s=round(audio.duration_s, 2),
                way=condition.way,
                prompt=condition.prompt,
                voice=condition.voice,
                heard_s=_rounded(exchange.heard_s),
                first_text_s=_rounded(exchange.first_text_s),
                first_sound_s=round(playback.first_sound_s, 4),
                end_s=round(exchange.end_s, 4),
                sound_s=round(playback.sound_s, 2),
                dry=playback.dry,
                dry_s=round(playback.dry_s, 4),
                cached_tokens=exchange.cached_tokens,
            )
        )

    def _put(self, audio: Audio, prompt: str, condition: Condition) -> Exchange:
        ask = self._asks[condition.way]
        if ask is None:  # pragma: no cover - no condition names a way that is not there
            raise ValueError(f"nobody answers the {condition.way} way")
        return ask(new_wav(audio, self._random.getrandbits(63)), prompt, condition.voice)

    def _prompt(self, question: Question, condition: Condition) -> str:
        """The prompt that is read before: one for each voice, and one for each time that a text comes again."""
        return system_prompt(_NAMES[question.turn % len(_NAMES)], f"Room {self._voices.index(condition.voice) + 1}")

    def _new_prompt(self) -> str:
        number = self._random.randrange(100, 1000)
        return system_prompt(f"{number} {self._random.choice(_NAMES)}", self._random.choice(_PLACES))

    def _warm_up(self, condition: Condition, prompt: str, length_s: int) -> None:
        """Let every prompt be read once before it counts as cached, and every length be heard once."""
        if (condition.way, prompt) not in self._warm:
            self._put(self._hello, prompt, condition)
        if (condition.way, length_s) not in self._warm:
            times = max(1, round(length_s / self._hello.duration_s))
            self._put(Audio.join([self._hello] * times, self._hello.rate_hz), prompt, condition)
        self._warm |= {(condition.way, prompt), (condition.way, length_s)}


def _rounds(questions: Sequence[Question], each: int) -> list[tuple[int, Question]]:
    """Questions with their number in their group, lengths taking turns."""
    groups: dict[int, list[Question]] = {}
    for question in questions:
        groups.setdefault(question.length_s, []).append(question)
    return [
        (index, group[index])
        for index in range(min(each, max(len(group) for group in groups.values())))
        for group in groups.values()
        if index < len(group)
    ]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 4)
