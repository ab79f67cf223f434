"""Whisper through CTranslate2: Audio -> segments, one window of speech at a time.

The flow of one recording: voice activity -> windows cut at pauses -> for each: log-mel, encoder on no more than the
speech needs, language, a narrow beam search, checks, and if they fail the full window and a wider search -> words.
Every native call runs in a thread of this listener's own; between calls the task can be cancelled. Knows no settings,
no cache and no wire format.
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
    LanguagePolicy,
    Languages,
    TrustPolicy,
    best_of,
    better_language,
    collapse_loops,
    doubts,
    language_candidates,
    nothing_said,
    token_bound,
)
from vivavoce.listen.level import levelled
from vivavoce.listen.mel import FRAMES_PER_S, LogMel
from vivavoce.listen.vad import FRAME_S, VoiceActivity
from vivavoce.listen.whisper_model import CALLS_AT_ONCE, Encoded, WhisperModel
from vivavoce.listen.windows import Window, WindowPlanner, WindowPolicy, encoder_s
from vivavoce.listen.words import group_tokens, within_speech, words_of
from vivavoce.resampling import resample

Result = TypeVar("Result")

_DEFAULT_OPTIONS = ListenOptions()


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
    language: str | None = None
    spoken: bool = False
    peak: float = 0.0
    no_speech_probability: float = 0.0


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


_SEARCH = _Search(beam=3)
_STRONGER = (_Search(beam=5), _Search(beam=2, forbid=3))


@dataclass(slots=True)
class WhisperListener:
    """A `Listener` on a Whisper model in CTranslate2's format.

    model_dir holds model.bin, config.json and tokenizer.json. threads: processor threads of all native calls together;
    two calls run side by side, further ones take turns. compute_type and device as CTranslate2 names them ("int8",
    "float16"; "cpu", "cuda", "cuda:N").
    Raises `ModelNotInstalled`, `MissingDependency` or `EngineFailed` at construction.
    """

    model_dir: Path
    threads: int = field(default=2, kw_only=True)
    compute_type: str = field(default="int8", kw_only=True)
    device: str = field(default="cpu", kw_only=True)
    windows: WindowPolicy = field(default_factory=WindowPolicy, kw_only=True)
    trust: TrustPolicy = field(default_factory=TrustPolicy, kw_only=True)
    tongues: LanguagePolicy = field(default_factory=LanguagePolicy, kw_only=True)
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
        self._threads = ThreadPoolExecutor(max_workers=CALLS_AT_ONCE, thread_name_prefix="whisper")

    async def listen(self, audio: Audio, options: ListenOptions = _DEFAULT_OPTIONS) -> AsyncGenerator[Segment, None]:
        """Yield a segment per window of speech, or one with text "" when nothing was said.

        Raises `InvalidValue` for a language that the model does not know, `EngineFailed` when a native call fails.
        """
        if options.language is not None and not self._model.has_language(options.language):
            raise InvalidValue(f"This Whisper model has no language {options.language!r}.", param="language")
        recording = _Recording(options)
        samples = await self._call(lambda: levelled(resample(audio, LISTEN_RATE_HZ).samples))
        planner = WindowPlanner(self.windows, FRAME_S)
        blocks = self._activity.blocks(samples)
        while (block := await self._call(lambda: next(blocks, None))) is not None:
            recording.peak = max(recording.peak, float(block.max(initial=0.0)))
            for window in planner.feed(block.tolist()):
                if segment := await self._hear(samples, window, recording):
                    yield segment
        for window in planner.finish():
            if segment := await self._hear(samples, window, recording):
                yield segment
        if not recording.spoken:
            yield _nothing(audio.duration_s, max(1.0 - recording.peak, recording.no_speech_probability))

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

    async def _hear(self, samples: Samples, window: Window, recording: _Recording) -> Segment | None:
        """Decode one window; None if nothing was said in it."""
        end_s = min(window.end_s, len(samples) / LISTEN_RATE_HZ)
        sound = samples[round(window.start_s * LISTEN_RATE_HZ) : round(end_s * LISTEN_RATE_HZ)]
        attempt = await self._decode(sound, window.peak, recording)
        decoding = attempt.decoding
        if nothing_said(decoding, window.peak, self.trust):
            recording.no_speech_probability = max(recording.no_speech_probability, decoding.no_speech_probability)
            return None
        recording.language, recording.spoken = attempt.language, True
        words: tuple[Word, ...] = ()
        if recording.options.word_times:
            words = within_speech(await self._words(attempt, window.start_s, end_s), window)
        return Segment(
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

    async def _decode(self, sound: Samples, peak: float, recording: _Recording) -> _Attempt:
        """Decode on a window sized to the speech; if that can't be believed, look longer and search harder.

        Where there was hardly any voice, doubt means that nothing was said, and a longer look would only cost time.
        """
        self.stats.windows += 1
        duration_s = len(sound) / LISTEN_RATE_HZ
        seconds = encoder_s(duration_s, self.windows)
        first = await self._attempt(await self._encode(sound, seconds), duration_s, recording, _SEARCH)
        if not doubts(first.decoding, self.trust) or peak < self.trust.faint_peak:
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
            found = doubts(attempts[-1].decoding, self.trust)
            if not found:
                return attempts[-1]
            # Forbidding repeats mends loops; it makes an unlikely text no likelier.
            if found == ("unlikely",):
                break
        chosen = best_of([attempt.decoding for attempt in attempts], self.trust)
        return self._without_loops(next(attempt for attempt in attempts if attempt.decoding is chosen))

    async def _attempt(self, encoded: Encoded, duration_s: float, recording: _Recording, search: _Search) -> _Attempt:
        """Decode in the language detected, or in the two likeliest ones and keep what reads better."""
        languages = await self._languages(encoded, recording)
        bound = token_bound(duration_s, self.trust)
        decodings = await asyncio.gather(
            *(
                self._call(
                    lambda language=code: self._model.generate(
                        encoded,
                        language,
                        bound,
                        prompt=recording.options.prompt,
                        beam_size=search.beam,
                        no_repeat_ngram_size=search.forbid,
                    )
                )
                for code, _ in languages
            )
        )
        best = better_language(languages, decodings, self.tongues)
        return _Attempt(encoded, decodings[best], *languages[best])

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

    async def _languages(self, encoded: Encoded, recording: _Recording) -> Languages:
        """The language asked for, or one or two that this window sounds like."""
        if recording.options.language is not None:
            return ((recording.options.language, 1.0),)
        detected = await self._call(lambda: self._model.detect_languages(encoded))
        return language_candidates(detected, recording.language, self.tongues)

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
