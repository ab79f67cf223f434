"""How well each language is heard and spoken: `viva bench languages`.

  heard    recordings of people, by our listener with the language not told: word errors, and the language found
  spoken   our own sentences (`sentences.toml`) by the voice that a server would choose, heard again by our listener,
           the language told: word errors of voice and listener together; and the language that it takes the voice for
What was not measured is there as None, so that a table of the results shows every language. Knows no HTTP, no file but
its own and the recordings', and no engine: a listener and a speaker are handed in.
"""

from __future__ import annotations

import tomllib
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.bench.clips import Clip, Half, choose
from vivavoce.bench.scoring import metric_of, score
from vivavoce.bench.stats import rate_interval
from vivavoce.codec.decode import decode
from vivavoce.languages import name_of, whisper_languages
from vivavoce.listen.base import Heard, Listener, ListenOptions
from vivavoce.speak.base import Speaker
from vivavoce.speak.saying import Saying
from vivavoce.turn import hear_all, say

LEAST_FOR_BOUNDS = 5
"""Recordings below which no interval is stated: resampling so few would only look sure."""

Progress = Callable[[int, int, str], None]
"""Called after each recording or sentence with (done, in all, its language)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One recording or sentence: errors in `units` words (or characters), and the language that it was taken for."""

    language: str
    errors: int
    units: int
    found: str | None
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Trials of one language together. rate: errors in per cent of `units`; low, high: its 95 % bounds, None for few.

    language_right: trials taken for this very language. taken_for: what the others were taken for, most often first.
    voices: the voices that spoke, in the order of their first sentence.
    """

    metric: str
    trials: int
    units: int
    rate: float
    low: float | None
    high: float | None
    language_right: int
    taken_for: tuple[str, ...]
    voices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """One language. Figures are None where it is untested; the flags say whether the engines claim it at all."""

    language: str
    name: str
    hearable: bool
    speakable: bool
    heard: Figures | None
    spoken: Figures | None


@dataclass(frozen=True, slots=True)
class LanguagesReport:
    """Everything `viva bench languages` states. date: ISO 8601; listen, speak: engines as kind:model."""

    date: str
    machine: str
    cores: int
    listen: str
    speak: str
    seed: int
    rows: tuple[LanguageRow, ...]


@cache
def sentences() -> Mapping[str, tuple[str, ...]]:
    """Our own sentences to speak, by language."""
    content = tomllib.loads(files("vivavoce.bench").joinpath("sentences.toml").read_text(encoding="utf-8"))
    return {language: tuple(texts) for language, texts in content.items()}


def choose_clips(clips: Sequence[Clip], language: str, most: int, seed: int) -> list[Clip]:
    """At most `most` recordings of a language; first those whose speakers chose no parameter of ours."""
    tags = {clip.language for clip in clips if clip.language.partition("-")[0] == language}
    halves: tuple[Half, ...] = ("report", "tune")
    return [clip for half in halves for clip in choose(clips, languages=[*tags], half=half, seed=seed)][:most]


async def hear_clip(clip: Clip, listener: Listener) -> Trial:
    """Hear one recording as the server does when nobody tells the language."""
    heard = await hear_all(listener, decode(clip.path.read_bytes()))
    language = clip.language.partition("-")[0]
    counted = score(clip.text, heard.transcript, language)
    return Trial(language, counted.errors, counted.units, heard.language)


async def spoken_sentence(text: str, language: str, saying: Saying, speaker: Speaker) -> Audio:
    """`text` as an answer in `language` is spoken, whole."""

    async def answer() -> AsyncGenerator[str, None]:
        yield text

    clauses: list[Audio] = []
    async with aclosing(say(speaker, answer(), saying, lambda: language)) as spoken:
        async for spoke in spoken:
            clauses.append(spoke.audio)
    return Audio.join(clauses, SPEAK_RATE_HZ)


async def speak_sentence(text: str, language: str, saying: Saying, listener: Listener, speaker: Speaker) -> Trial:
    """Speak `text` as an answer to a question in `language`, and hear that again."""
    audio = await spoken_sentence(text, language, saying, speaker)
    told = await hear_all(listener, audio, ListenOptions(language=language, word_times=False))
    free: Heard = await hear_all(listener, audio, ListenOptions(word_times=False))
    counted = score(text, told.transcript, language)
    voice = saying.suited_to(text, language).voice
    return Trial(language, counted.errors, counted.units, free.language, voice)


async def measure(
    listener: Listener,
    speaker: Speaker,
    clips: Sequence[Clip],
    *,
    clips_per_language: int,
    languages: Collection[str] | None = None,
    voice: str = "alloy",
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[LanguageRow, ...]:
    """Hear recordings and speak sentences of `languages` (None: all there are); one row per language, sorted by code.

    Rows of languages that nothing is known of but that the engines claim have no figures.
    """
    score("warm up", "warm up", "en")  # a missing extra shows before the first recording, not after it
    saying = Saying.with_voice(voice, speaker.voices)
    wanted = languages if languages is not None else {*sentences(), *_codes(clips)}
    recordings = [clip for code in sorted(wanted) for clip in choose_clips(clips, code, clips_per_language, seed)]
    texts = [(code, text) for code in sorted(wanted) if code in saying.stand_ins for text in sentences().get(code, ())]
    everything = len(recordings) + len(texts)
    heard: list[Trial] = []
    spoken: list[Trial] = []

    def tell(language: str) -> None:
        if progress is not None:
            progress(len(heard) + len(spoken), everything, language)

    for clip in recordings:
        heard.append(await hear_clip(clip, listener))
        tell(clip.language)
    for code, text in texts:
        spoken.append(await speak_sentence(text, code, saying, listener, speaker))
        tell(code)
    everyone = {*whisper_languages(), *saying.stand_ins, *wanted} if languages is None else set(wanted)
    return tuple(
        LanguageRow(
            code,
            name_of(code),
            code in whisper_languages(),
            code in saying.stand_ins,
            figures([trial for trial in heard if trial.language == code], seed=seed),
            figures([trial for trial in spoken if trial.language == code], seed=seed),
        )
        for code in sorted(everyone)
    )


def figures(trials: Sequence[Trial], *, seed: int = 0) -> Figures | None:
    """The trials of one language taken together; None for none, or where there was nothing to count."""
    units = [trial.units for trial in trials]
    if not sum(units):
        return None
    interval = rate_interval([trial.errors for trial in trials], units, seed=seed)
    language = trials[0].language
    wrong = [trial.found or "–" for trial in trials if trial.found != language]
    bounded = len(trials) >= LEAST_FOR_BOUNDS
    return Figures(
        metric=metric_of(language),
        trials=len(trials),
        units=sum(units),
        rate=round(interval.estimate, 1),
        low=round(interval.low, 1) if bounded else None,
        high=round(interval.high, 1) if bounded else None,
        language_right=len(trials) - len(wrong),
        taken_for=tuple(sorted(set(wrong), key=lambda code: (-wrong.count(code), code))),
        voices=tuple(dict.fromkeys(trial.voice for trial in trials if trial.voice)),
    )


def _codes(clips: Sequence[Clip]) -> set[str]:
    return {clip.language.partition("-")[0] for clip in clips}
