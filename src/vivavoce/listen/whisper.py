"""Whisper through CTranslate2: Audio -> segments, one per window of speech.

The flow of one recording: voice activity -> windows cut at pauses -> for each: log-mel, encoder on no more than the
speech needs, language, a narrow beam search, checks, and if they fail the full window and a wider search -> words.
A short recording is urgent and heard window after window; of a long one many windows are under way at once, so that
they can share calls (`batching.py`). Between calls a task can be cancelled. Knows no settings, no cache and no wire
format.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from vivavoce import tasks
from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import ListenOptions, Segment, TokenHeard, Word
from vivavoce.listen.decoding import (
    Decoding,
    LanguagePolicy,
    Languages,
    TrustPolicy,
    among,
    best_of,
    better_language,
    collapse_loops,
    doubts,
    language_candidates,
    nothing_said,
    token_bound,
)
from vivavoce.listen.language_spans import SwitchingPolicy
from vivavoce.listen.level import gain_for
from vivavoce.listen.recording import Look, Recording, noted, nothing
from vivavoce.listen.switching import LanguageChanges, reads_better
from vivavoce.listen.vad import FRAME_S, VoiceActivity
from vivavoce.listen.voicing import voicing_of
from vivavoce.listen.whisper_calls import CPU_BATCHES, GPU_BATCHES, BatchSizes, WhisperCalls
from vivavoce.listen.whisper_model import Alignment, Encoded, Passage, Search, WhisperModel
from vivavoce.listen.windows import Window, WindowPlanner, WindowPolicy, chunked, encoder_s
from vivavoce.listen.words import group_tokens, logprobs_of, with_certainty, within_speech, words_of
from vivavoce.resampling import resample

_DEFAULT_OPTIONS = ListenOptions()
_SEARCH = Search(beam=3)
_STRONGER = (Search(beam=5), Search(beam=2, forbid=3))


@dataclass(slots=True)
class ListenStats:
    """Since the listener was made: windows heard, how many were doubted at first, and the seconds that cost more.
    parted: windows in which the language seemed to change."""

    windows: int = 0
    parted: int = 0
    fallbacks: int = 0
    fallback_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PacePolicy:
    """How a long recording is heard differently from a short one.

    long_s: from this length on a recording is long: not urgent, windows ahead. ahead: windows of one recording under
    way at once; it begins with `ahead_at_first`, and each window heard allows for one more. step_s: lengths that the
    encoder is shown are multiples of this, so that windows can share calls. search: the first one. It may be narrower
    than a short recording's: windows are full of speech here, which is where a beam helps least.
    """

    long_s: float = 60.0
    ahead: int = 24
    ahead_at_first: int = 2
    step_s: float = 2.0
    search: Search = _SEARCH


@dataclass(frozen=True, slots=True)
class _Attempt:
    encoded: Encoded
    decoding: Decoding
    language: str
    language_probability: float
    temperature: float


@dataclass(slots=True)
class WhisperListener:
    """A `Listener` on a Whisper model in CTranslate2's format.

    model_dir holds model.bin, config.json and tokenizer.json. threads: processor threads of all native calls together;
    two calls run side by side, further ones take turns, alike ones together. compute_type and device as CTranslate2
    names them ("int8", "float16"; "cpu", "cuda", "cuda:N"). batches: None takes what suits the device. changes: None
    hears each window in one language.
    Raises `ModelNotInstalled`, `MissingDependency` or `EngineFailed` at construction.
    """

    model_dir: Path
    threads: int = field(default=2, kw_only=True)
    compute_type: str = field(default="int8", kw_only=True)
    device: str = field(default="cpu", kw_only=True)
    windows: WindowPolicy = field(default_factory=WindowPolicy, kw_only=True)
    trust: TrustPolicy = field(default_factory=TrustPolicy, kw_only=True)
    tongues: LanguagePolicy = field(default_factory=LanguagePolicy, kw_only=True)
    changes: SwitchingPolicy | None = field(default_factory=SwitchingPolicy, kw_only=True)
    pace: PacePolicy = field(default_factory=PacePolicy, kw_only=True)
    batches: BatchSizes | None = field(default=None, kw_only=True)
    stats: ListenStats = field(default_factory=ListenStats, init=False)
    _model: WhisperModel = field(init=False, repr=False)
    _calls: WhisperCalls = field(init=False, repr=False)
    _activity: VoiceActivity = field(init=False, repr=False)
    _changes: LanguageChanges = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._model = WhisperModel(
            self.model_dir, threads=self.threads, compute_type=self.compute_type, device=self.device
        )
        sizes = self.batches or (CPU_BATCHES if self.device == "cpu" else GPU_BATCHES)
        self._calls = WhisperCalls(self._model, sizes)
        self._activity = VoiceActivity()
        self._changes = LanguageChanges(self._calls, self.changes, self.tongues)

    async def listen(self, audio: Audio, options: ListenOptions = _DEFAULT_OPTIONS) -> AsyncGenerator[Segment, None]:
        """Yield a segment per window of speech, or one with text "" when nothing was said.

        Raises `InvalidValue` for a language that the model does not know, `EngineFailed` when a native call fails.
        """
        self._check(options)
        long = audio.duration_s >= self.pace.long_s
        samples = await self._calls.run(lambda: resample(audio, LISTEN_RATE_HZ).samples, urgent=not long)
        gain = await self._calls.run(lambda: gain_for(samples), urgent=not long)
        recording = Recording(samples, gain, options, long)
        under_way: deque[asyncio.Task[tuple[Segment, ...]]] = deque()
        try:
            async with aclosing(self._windows(recording)) as windows:
                async for window in windows:
                    # In order of windows, so that the language known to each hangs on no race.
                    while len(under_way) >= self._ahead(recording):
                        for segment in noted(recording, await under_way.popleft()):
                            yield segment
                    under_way.append(asyncio.create_task(self._hear(Look.at(window, recording))))
            while under_way:
                for segment in noted(recording, await under_way.popleft()):
                    yield segment
        finally:
            for task in under_way:
                task.cancel()
            for task in under_way:
                await tasks.end(task)
        if not recording.spoken:
            yield nothing(0.0, audio.duration_s, max(1.0 - recording.peak, recording.no_speech_probability))

    @property
    def batch_call_s(self) -> tuple[float, ...]:
        """Seconds that each of the last calls for long recordings took: what a short one may have to wait for."""
        return tuple(self._calls.batcher.call_s)

    async def close(self) -> None:
        """Wait for the calls in flight, then let the weights go."""
        await self._calls.close()

    def _check(self, options: ListenOptions) -> None:
        """Raises `InvalidValue` for a language that the model does not know."""
        asked = [("language", options.language)] if options.language is not None else []
        for param, language in [*asked, *(("languages", each) for each in options.languages)]:
            if not self._model.has_language(language):
                raise InvalidValue(f"This Whisper model has no language {language!r}.", param=param)

    async def _windows(self, recording: Recording) -> AsyncGenerator[Window, None]:
        """Windows of speech in order of time, each found no earlier than it is asked for."""
        chunking = recording.options.chunking
        planner = WindowPlanner(self.windows if chunking is None else chunked(self.windows, chunking), FRAME_S)
        blocks = self._activity.blocks(recording.samples, recording.gain)
        while (block := await self._calls.run(lambda: next(blocks, None), urgent=recording.urgent)) is not None:
            recording.peak = max(recording.peak, float(block.max(initial=0.0)))
            for window in planner.feed(block.tolist()):
                yield window
        for window in planner.finish():
            yield window

    def _ahead(self, recording: Recording) -> int:
        """How many windows may be under way at once: one until the language of a long recording is known, then more and
        more, so that the first words do not wait for the encoder to be done with the last window."""
        if not recording.long or not (recording.options.language or recording.language):
            return 1
        return min(self.pace.ahead, self.pace.ahead_at_first + recording.heard)

    async def _hear(self, look: Look) -> tuple[Segment, ...]:
        """One window: a segment, or one for each language where it changes and they read better than the whole."""
        encoded = await self._encoded(look)
        parts = await self._changes.parts(look, encoded)
        if not parts or self.changes is None:
            return (await self._hear_as_one(look, encoded),)
        self.stats.parted += 1
        whole, *segments = await asyncio.gather(
            self._hear_as_one(look, encoded), *(self._hear_part(part) for part in parts)
        )
        return tuple(segments) if reads_better(segments, whole, self.changes) else (whole,)

    async def _hear_part(self, look: Look) -> Segment:
        return await self._hear_as_one(look, await self._encoded(look))

    async def _encoded(self, look: Look) -> Encoded:
        seconds = encoder_s(look.duration_s, self.windows, self.pace.step_s if look.recording.long else 0.0)
        return await self._calls.encode(look.sound, seconds, urgent=look.urgent)

    async def _hear_as_one(self, look: Look, encoded: Encoded) -> Segment:
        """What is said in one language, and beside the decoding its voicing if that is asked for."""
        if not look.recording.options.voicing:
            return await self._transcribe(look, encoded)
        # At its own level, which the listener may have raised.
        level = look.sound / look.recording.gain
        voicing = asyncio.create_task(
            self._calls.run(lambda: voicing_of(level, encoded.steps, look.window), urgent=look.urgent)
        )
        try:
            segment = await self._transcribe(look, encoded)
            return replace(segment, voicing=await voicing) if segment.text else segment
        finally:
            await tasks.end(voicing)

    async def _transcribe(self, look: Look, encoded: Encoded) -> Segment:
        """The words of a window; a segment with text "" if nothing was said in it."""
        attempt = await self._decode(look, encoded)
        decoding = attempt.decoding
        if nothing_said(decoding, look.window.peak, self.trust):
            return nothing(look.window.start_s, look.end_s, decoding.no_speech_probability)
        words: tuple[Word, ...] = ()
        logprobs: tuple[TokenHeard, ...] = ()
        options = look.recording.options
        if options.word_times or options.token_logprobs:
            alignment = await self._calls.align(
                attempt.encoded,
                attempt.language,
                decoding.tokens,
                look.duration_s,
                task=options.task,
                urgent=look.urgent,
            )
            if options.word_times:
                words = within_speech(self._words(attempt, alignment, look), look.window)
            if options.token_logprobs:
                spelled = self._model.token_bytes(decoding.tokens)
                logprobs = logprobs_of(spelled, alignment.token_probabilities)
        return Segment(
            text=decoding.text,
            start_s=words[0].start_s if words else look.window.start_s,
            end_s=words[-1].end_s if words else look.end_s,
            language=attempt.language,
            language_probability=attempt.language_probability,
            no_speech_probability=decoding.no_speech_probability,
            words=words,
            mean_log_probability=decoding.mean_log_probability,
            compression_ratio=decoding.compression_ratio,
            temperature=attempt.temperature,
            tokens=decoding.tokens,
            token_logprobs=logprobs,
        )

    async def _decode(self, look: Look, encoded: Encoded) -> _Attempt:
        """Decode on a window sized to the speech; if that can't be believed, look longer and search harder.

        Where there was hardly any voice, doubt means that nothing was said, and a longer look would only cost time.
        """
        self.stats.windows += 1
        options = look.recording.options
        search = self.pace.search if look.recording.long else _SEARCH
        if options.temperature:
            search = Search(temperature=options.temperature)
        first = await self._attempt(encoded, look, search, options.keywords)
        if not doubts(first.decoding, self.trust) or look.window.peak < self.trust.faint_peak:
            return first
        started_s = time.perf_counter()
        try:
            return await self._look_again(look, first)
        finally:
            self.stats.fallbacks += 1
            self.stats.fallback_s += time.perf_counter() - started_s

    async def _look_again(self, look: Look, first: _Attempt) -> _Attempt:
        """The full window, then with repeats forbidden; the best of all attempts when none is beyond doubt.

        Keywords are left out: what is hard to understand turns into a list of them.
        """
        attempts = [first]
        encoded = first.encoded
        if encoded.seconds < self.windows.full_s:
            encoded = await self._calls.encode(look.sound, self.windows.full_s, urgent=look.urgent)
        for search in _STRONGER:
            attempts.append(await self._attempt(encoded, look, search))
            found = doubts(attempts[-1].decoding, self.trust)
            if not found:
                return attempts[-1]
            # Forbidding repeats mends loops; it makes an unlikely text no likelier.
            if found == ("unlikely",):
                break
        chosen = best_of([attempt.decoding for attempt in attempts], self.trust)
        return self._without_loops(next(attempt for attempt in attempts if attempt.decoding is chosen))

    async def _attempt(self, encoded: Encoded, look: Look, search: Search, keywords: Sequence[str] = ()) -> _Attempt:
        """Decode in the language detected, or in the two likeliest ones and keep what reads better."""
        languages = await self._languages(encoded, look)
        bound = token_bound(look.duration_s, self.trust)
        options = look.recording.options
        starts = [self._model.start_tokens(code, options.prompt, options.task, keywords) for code, _ in languages]
        decodings = await asyncio.gather(
            *(self._calls.generate(Passage(encoded, start, bound), search, urgent=look.urgent) for start in starts)
        )
        best = better_language(languages, decodings, self.tongues)
        return _Attempt(encoded, decodings[best], *languages[best], search.temperature)

    def _without_loops(self, attempt: _Attempt) -> _Attempt:
        """The same attempt with phrases that are repeated over and over kept once."""
        old = attempt.decoding
        tokens = collapse_loops(old.tokens)
        if len(tokens) == len(old.tokens):
            return attempt
        text = self._model.decode(tokens).strip()
        cleaned = Decoding(tokens, text, old.mean_log_probability, old.no_speech_probability, old.ended)
        return replace(attempt, decoding=cleaned)

    async def _languages(self, encoded: Encoded, look: Look) -> Languages:
        """The language asked for, or one or two (of those asked for) that this window sounds like."""
        options = look.recording.options
        if look.language is not None:
            return (look.language,)
        if options.language is not None:
            return ((options.language, 1.0),)
        if len(options.languages) == 1:
            return ((options.languages[0], 1.0),)
        detected = await self._calls.languages(encoded, urgent=look.urgent)
        if options.languages:
            detected = among(detected, options.languages)
        return language_candidates(detected, look.known_language, self.tongues)

    def _words(self, attempt: _Attempt, alignment: Alignment, look: Look) -> tuple[Word, ...]:
        groups = group_tokens(attempt.decoding.tokens, attempt.language, self._model.decode)
        sure = alignment.token_probabilities
        words = words_of(groups, alignment.pairs, sure, look.window.start_s, look.end_s)
        return with_certainty(words, groups, sure, attempt.decoding.mean_log_probability)
