"""Whisper through CTranslate2: Audio -> segments, one window of speech at a time.

The flow of one recording: voice activity -> windows cut at pauses -> for each: log-mel, encoder on no more than the
speech needs, language, greedy decoding, checks, and if they fail the full window, then stronger search -> words.
Every native call runs in a thread of this listener's own; between calls the task can be cancelled. Knows no settings, no
cache and no wire format.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.errors import EngineFailed, InvalidValue
from vivavoce.listen.base import ListenOptions, Segment, Word
from vivavoce.listen.decoding import (
    Decoding,
    TrustPolicy,
    best_of,
    collapse_loops,
    doubts,
    nothing_said,
    token_bound,
)
from vivavoce.listen.mel import FRAMES_PER_S, LogMel
from vivavoce.listen.resample import to_listen_rate
from vivavoce.listen.vad import FRAME_S, VoiceActivity
from vivavoce.listen.whisper_model import Encoded, WhisperModel
from vivavoce.listen.windows import Window, WindowPlanner, WindowPolicy, encoder_s
from vivavoce.listen.words import group_tokens, words_of

Result = TypeVar("Result")

_DEFAULT_OPTIONS = ListenOptions()
_SURE_LANGUAGE = 0.6
"""Above this probability the language of a recording is settled; below it the next window is asked again."""


@dataclass(slots=True)
class ListenStats:
    """Since the listener was made: windows heard, how many were doubted at first, and the seconds that cost more."""

    windows: int = 0
    fallbacks: int = 0
    fallback_s: float = 0.0


@dataclass(slots=True)
class _Recording:
    """What is known about the recording being heard."""

    options: ListenOptions
    language: str | None
    language_probability: float
    quietest: float = 1.0
    segments: int = 0


@dataclass(frozen=True, slots=True)
class _Attempt:
    encoded: Encoded
    decoding: Decoding
    language: str
    language_probability: float


@dataclass(frozen=True, slots=True)
class _Search:
    """beam: width of the search. forbid: n-grams of this length may not repeat; 0 allows them."""

    beam: int = 1
    forbid: int = 0


_SEARCH = _Search()
_STRONGER = (_Search(beam=5), _Search(beam=2, forbid=3))


@dataclass(slots=True)
class WhisperListener:
    """A `Listener` on a Whisper model in CTranslate2's format.

    model_dir holds model.bin, config.json and tokenizer.json. threads: processor threads of one native call; calls of
    several tasks take turns. compute_type and device as CTranslate2 names them ("int8", "float16"; "cpu", "cuda").
    Raises `ModelNotInstalled`, `MissingDependency` or `EngineFailed` at construction.
    """

    model_dir: Path
    threads: int = field(default=2, kw_only=True)
    compute_type: str = field(default="int8", kw_only=True)
    device: str = field(default="cpu", kw_only=True)
    windows: WindowPolicy = field(default_factory=WindowPolicy, kw_only=True)
    trust: TrustPolicy = field(default_factory=TrustPolicy, kw_only=True)
    stats: ListenStats = field(default_factory=ListenStats, init=False)
    _model: WhisperModel = field(init=False, repr=False)
    _activity: VoiceActivity = field(init=False, repr=False)
    _mel: LogMel = field(init=False, repr=False)
    _threads: ThreadPoolExecutor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._model = WhisperModel(
            self.model_dir, threads=self.threads, compute_type=self.compute_type, device=self.device
        )
        self._activity = VoiceActivity()
        self._mel = LogMel(self._model.n_mels)
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="whisper")

    async def listen(self, audio: Audio, options: ListenOptions = _DEFAULT_OPTIONS) -> AsyncGenerator[Segment, None]:
        """Yield a segment per window of speech, or one with text "" when nothing was said.

        Raises `InvalidValue` for a language that the model does not know, `EngineFailed` when a native call fails.
        """
        if options.language is not None and not self._model.has_language(options.language):
            raise InvalidValue(f"This Whisper model has no language {options.language!r}.", param="language")
        recording = _Recording(options, options.language, 1.0 if options.language else 0.0)
        samples = await self._call(lambda: to_listen_rate(audio))
        planner = WindowPlanner(self.windows, FRAME_S)
        blocks = self._activity.blocks(samples)
        peak = 0.0
        while (block := await self._call(lambda: next(blocks, None))) is not None:
            peak = max(peak, float(block.max(initial=0.0)))
            for window in planner.feed(block.tolist()):
                async for segment in self._hear(samples, window, recording):
                    yield segment
        for window in planner.finish():
            async for segment in self._hear(samples, window, recording):
                yield segment
        if recording.segments == 0:
            quietest = max(1.0 - peak, recording.quietest) if recording.quietest < 1.0 else 1.0 - peak
            yield _nothing(audio.duration_s, quietest)

    async def close(self) -> None:
        """Wait for the call in flight, then let the weights go."""
        await asyncio.to_thread(self._threads.shutdown, True, cancel_futures=True)
        await asyncio.to_thread(self._model.close)

    async def _call(self, work: Callable[[], Result]) -> Result:
        """Run one native call in a thread. Foreign exceptions become `EngineFailed` here and only here."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError as fault:
            raise EngineFailed(f"Listening failed: {fault}") from fault

    async def _hear(self, samples: Samples, window: Window, recording: _Recording) -> AsyncGenerator[Segment, None]:
        """Decode one window, yielding its segment if anything was said in it."""
        end_s = min(window.end_s, len(samples) / LISTEN_RATE_HZ)
        sound = samples[round(window.start_s * LISTEN_RATE_HZ) : round(end_s * LISTEN_RATE_HZ)]
        attempt = await self._decode(sound, recording)
        decoding = attempt.decoding
        recording.quietest = min(recording.quietest, decoding.no_speech_probability)
        if nothing_said(decoding, window.peak, self.trust):
            return
        recording.language = recording.language or attempt.language
        if attempt.language_probability >= _SURE_LANGUAGE:
            recording.language, recording.language_probability = (
                attempt.language,
                attempt.language_probability,
            )
        words: tuple[Word, ...] = ()
        if recording.options.word_times:
            words = await self._words(attempt, window.start_s, end_s)
        recording.segments += 1
        yield Segment(
            text=decoding.text,
            start_s=words[0].start_s if words else window.start_s,
            end_s=words[-1].end_s if words else end_s,
            language=attempt.language,
            language_probability=attempt.language_probability,
            no_speech_probability=decoding.no_speech_probability,
            words=words,
            mean_log_probability=decoding.mean_log_probability,
            compression_ratio=decoding.compression_ratio,
            tokens=decoding.tokens,
        )

    async def _decode(self, sound: Samples, recording: _Recording) -> _Attempt:
        """Decode on a window sized to the speech; if that can't be believed, look longer and search harder."""
        self.stats.windows += 1
        duration_s = len(sound) / LISTEN_RATE_HZ
        seconds = encoder_s(duration_s, self.windows)
        first = await self._attempt(await self._encode(sound, seconds), duration_s, recording, _SEARCH)
        if not doubts(first.decoding, self.trust):
            return first
        started_s = time.perf_counter()
        try:
            return await self._look_again(sound, first, recording)
        finally:
            self.stats.fallbacks += 1
            self.stats.fallback_s += time.perf_counter() - started_s

    async def _look_again(self, sound: Samples, first: _Attempt, recording: _Recording) -> _Attempt:
        """The full window, then with repeats forbidden; the best of all attempts when none is beyond doubt."""
        duration_s = len(sound) / LISTEN_RATE_HZ
        attempts = [first]
        encoded = first.encoded
        if encoded.seconds < self.windows.full_s:
            encoded = await self._encode(sound, self.windows.full_s)
        for search in _STRONGER:
            attempts.append(await self._attempt(encoded, duration_s, recording, search))
            decoding = attempts[-1].decoding
            if not doubts(decoding, self.trust):
                return attempts[-1]
            if decoding.no_speech_probability > self.trust.no_speech_probability:
                break
        chosen = best_of([attempt.decoding for attempt in attempts], self.trust)
        return self._without_loops(next(attempt for attempt in attempts if attempt.decoding is chosen))

    async def _attempt(self, encoded: Encoded, duration_s: float, recording: _Recording, search: _Search) -> _Attempt:
        language, probability = await self._language(encoded, recording)
        bound = token_bound(duration_s, self.trust)
        decoding = await self._call(
            lambda: self._model.generate(
                encoded,
                language,
                bound,
                prompt=recording.options.prompt,
                beam_size=search.beam,
                no_repeat_ngram_size=search.forbid,
            )
        )
        return _Attempt(encoded, decoding, language, probability)

    def _without_loops(self, attempt: _Attempt) -> _Attempt:
        """The same attempt with phrases that are repeated over and over kept once."""
        old = attempt.decoding
        tokens = collapse_loops(old.tokens)
        if len(tokens) == len(old.tokens):
            return attempt
        text = self._model.decode(tokens).strip()
        cleaned = Decoding(tokens, text, old.mean_log_probability, old.no_speech_probability, old.ended)
        return _Attempt(attempt.encoded, cleaned, attempt.language, attempt.language_probability)

    async def _encode(self, sound: Samples, seconds: float) -> Encoded:
        frames = 2 * round(seconds * FRAMES_PER_S / 2)
        return await self._call(lambda: self._model.encode(self._mel(sound, frames)))

    async def _language(self, encoded: Encoded, recording: _Recording) -> tuple[str, float]:
        """The language given or settled, or what this window sounds like."""
        if recording.language is not None and recording.language_probability >= _SURE_LANGUAGE:
            return recording.language, recording.language_probability
        return await self._call(lambda: self._model.detect_language(encoded))

    async def _words(self, attempt: _Attempt, start_s: float, end_s: float) -> tuple[Word, ...]:
        tokens = attempt.decoding.tokens
        alignment = await self._call(
            lambda: self._model.align(attempt.encoded, attempt.language, tokens, end_s - start_s)
        )
        groups = group_tokens(tokens, attempt.language, self._model.decode)
        return words_of(groups, alignment.pairs, alignment.token_probabilities, start_s, end_s)


def _nothing(duration_s: float, no_speech_probability: float) -> Segment:
    """The one segment of a recording in which nothing was said."""
    return Segment("", 0.0, duration_s, None, 0.0, min(1.0, max(0.0, no_speech_probability)))
