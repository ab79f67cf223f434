"""The listening contract: one verb, `listen`, over `Audio`, plus `close`.

Knows no engine. A listener yields segments as it decodes them, so that a long recording can be followed while it is
still being heard; `Heard.of` gathers them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Protocol

from vivavoce.audio import Audio
from vivavoce.listen.manner import Tone, Voicing
from vivavoce.listen.speakers.base import SpeakerTurn

Task = Literal["transcribe", "translate"]
"""Write down what is said, or say it in English."""


SOLID = frozenset({"zh", "ja", "yue"})
"""Languages in which no space stands between sentences."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word as heard. Times in seconds from the start of the recording; probability, in [0, 1], that it is right.
    token_count: how many of its segment's tokens it takes."""

    text: str
    start_s: float
    end_s: float
    probability: float
    token_count: int = 0


@dataclass(frozen=True, slots=True)
class TokenHeard:
    """One token of a segment's text: its bytes in UTF-8 (a character may be spread over several tokens) and the natural
    logarithm of its probability."""

    utf8: tuple[int, ...]
    logprob: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a recording. `text` is "" where nothing was said (silence, noise, music).

    language: ISO 639-1 code, or None where nothing was said. language_probability, no_speech_probability in [0, 1].
    mean_log_probability: natural log, per token. compression_ratio: of the text, as Whisper defines it. voicing: how it
    was said, where that was asked for. speaker: who says it, where that is known from the channel; else see
    `Heard.speakers`.
    """

    text: str
    start_s: float
    end_s: float
    language: str | None
    language_probability: float
    no_speech_probability: float
    words: tuple[Word, ...] = ()
    mean_log_probability: float = 0.0
    compression_ratio: float = 0.0
    temperature: float = 0.0
    tokens: tuple[int, ...] = ()
    token_logprobs: tuple[TokenHeard, ...] = ()
    voicing: Voicing | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Chunking:
    """How a recording is cut, where the caller knows better; None: as the listener does it.

    threshold: probability in [0, 1] from which on a stretch counts as speech. silence_s: silence of this length ends a
    chunk. padding_s: sound kept before and after speech.
    """

    threshold: float | None = None
    silence_s: float | None = None
    padding_s: float | None = None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """How to listen.

    language: ISO 639-1 to skip detection; `languages`: one of these is spoken, each time; empty for any. prompt: text
    that biases spelling; `keywords`: names and jargon to expect, most important first. word_times: words carry times.
    token_logprobs: segments carry how sure each token is. temperature: in [0, 1]; above 0 what is heard is drawn by
    chance, and anew each time.
    """

    language: str | None = None
    prompt: str | None = None
    word_times: bool = True
    task: Task = "transcribe"
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    token_logprobs: bool = False
    temperature: float = 0.0
    chunking: Chunking | None = None
    voicing: bool = False

    @property
    def hints(self) -> str:
        """All that the caller said of what is to be heard, as one text: what is counted."""
        return " ".join(filter(None, (self.prompt, *self.keywords)))


@dataclass(frozen=True, slots=True)
class LanguageSpan:
    """A stretch of a recording in one language (ISO 639-1), its times in seconds, and what is said in it."""

    language: str
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that was heard in one recording. `transcript` is "" and `language` None when nothing was said.
    `tones`: one for each segment, or empty where tone was not read. `speakers`: who spoke when, where that was asked
    for."""

    transcript: str
    language: str | None
    language_probability: float
    no_speech_probability: float
    duration_s: float
    segments: tuple[Segment, ...] = ()
    tones: tuple[Tone, ...] = ()
    speakers: tuple[SpeakerTurn, ...] = ()

    @property
    def words(self) -> tuple[Word, ...]:
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def languages(self) -> tuple[LanguageSpan, ...]:
        """The languages spoken, in order of time: one after another differ. Empty when nothing was said."""
        runs = groupby((each for each in self.segments if each.language), key=lambda segment: segment.language)
        return tuple(
            LanguageSpan(language or "", spoken[0].start_s, spoken[-1].end_s, "".join(joined(spoken)))
            for language, spoken in ((language, tuple(run)) for language, run in runs)
        )

    @property
    def tone(self) -> Tone | None:
        """Of the whole recording."""
        return Tone.over(self.tones)

    @classmethod
    def of(cls, segments: Iterable[Segment], duration_s: float) -> Heard:
        """Gather a listener's segments. The language is that of most speech; no-speech is the least over segments."""
        everything = tuple(segments)
        spoken = tuple(segment for segment in everything if segment.text.strip())
        seconds: dict[str, float] = {}
        for segment in spoken:
            if segment.language:
                seconds[segment.language] = seconds.get(segment.language, 0.0) + segment.end_s - segment.start_s
        language = max(seconds, key=lambda code: seconds[code]) if seconds else None
        of_language = [s.language_probability for s in spoken if s.language == language]
        return cls(
            transcript="".join(joined(spoken)),
            language=language,
            language_probability=max(of_language, default=0.0),
            no_speech_probability=min((s.no_speech_probability for s in everything), default=1.0),
            duration_s=duration_s,
            segments=spoken,
        )


def joined(segments: Sequence[Segment]) -> list[str]:
    """The texts of spoken segments, each with what stands between it and the one before: together the transcript."""
    texts = [segment.text.strip() for segment in segments]
    return texts[:1] + [space_before(segment) + text for segment, text in zip(segments[1:], texts[1:], strict=True)]


def space_before(segment: Segment) -> str:
    """What stands before a segment that is not the first: nothing where its language is written without spaces."""
    return "" if segment.language in SOLID else " "


class Listener(Protocol):
    """A listening engine. Safe to call from several tasks at once; native work runs off the event loop."""

    def listen(self, audio: Audio, options: ListenOptions = ...) -> AsyncGenerator[Segment, None]:
        """Yield at least one segment, in order of time. `audio` may have any rate and length.

        Closing the generator stops the work at the next call boundary. Raises `EngineFailed`.
        """
        ...

    async def close(self) -> None: ...
