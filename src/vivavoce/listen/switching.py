"""Code-switching: whether the language changes within a window, and the looks to take at each part if it does.

Asks the model for languages, `language_spans.py` for what follows from them. Knows no decoding of words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from vivavoce.audio import LISTEN_RATE_HZ
from vivavoce.listen.base import Segment
from vivavoce.listen.decoding import LanguagePolicy, Languages, among
from vivavoce.listen.language_spans import Span, Stretch, SwitchingPolicy, denied, pieces, slices, spans, unsure
from vivavoce.listen.recording import Look
from vivavoce.listen.whisper_calls import WhisperCalls
from vivavoce.listen.whisper_model import Encoded

_SILENCE_AFTER_S = 0.5
"""What the encoder is shown after a piece, so that speech does not end at its edge."""
_LEAST_PROBABILITY = 1e-4


@dataclass(frozen=True, slots=True)
class LanguageChanges:
    """Finds where the language changes. policy: None for never; weights: how far rare languages are believed."""

    calls: WhisperCalls
    policy: SwitchingPolicy | None
    weights: LanguagePolicy

    async def parts(self, look: Look, encoded: Encoded) -> list[Look]:
        """Looks at the parts of a window, each in a language of its own; [] where it holds one only.

        Where the caller named the language there is nothing to be found.
        """
        options, policy, window = look.recording.options, self.policy, look.window
        if policy is None or options.language is not None or len(options.languages) == 1:
            return []
        speech = window.speech_start_s - window.start_s, min(window.speech_end_s, look.end_s) - window.start_s
        if speech[1] - speech[0] < 2 * policy.least_s or not await self._doubtful(look, encoded, speech, policy):
            return []
        changes = await self._spans(look, speech, policy)
        if len(changes) < 2:
            return []
        windows = window.parted([window.start_s + change.start_s for change in changes[1:]])
        return [
            Look.at(part, look.recording, (change.language, change.probability))
            for part, change in zip(windows, changes, strict=True)
        ]

    async def _doubtful(self, look: Look, encoded: Encoded, speech: Stretch, policy: SwitchingPolicy) -> bool:
        [whole] = self._allowed([await self.calls.languages(encoded, urgent=look.urgent)], look)
        if unsure(whole, policy):
            return True
        stretches = slices(speech, policy)
        if not stretches:
            return False
        found = await self.calls.languages_of(encoded, stretches, urgent=look.urgent)
        return denied(whole[0][0], self._allowed(found, look), policy)

    async def _spans(self, look: Look, speech: Stretch, policy: SwitchingPolicy) -> list[Span]:
        parts = pieces(look.sound, speech, policy)
        found = await asyncio.gather(*(self._languages_in(look, part) for part in parts))
        return spans(parts, self._allowed(found, look), policy, self.weights)

    async def _languages_in(self, look: Look, part: Stretch) -> Languages:
        """What a stretch sounds like to one who hears nothing else."""
        start_s, end_s = part
        sound = look.sound[round(start_s * LISTEN_RATE_HZ) : round(end_s * LISTEN_RATE_HZ)]
        encoded = await self.calls.encode(sound, end_s - start_s + _SILENCE_AFTER_S, urgent=look.urgent)
        return await self.calls.languages(encoded, urgent=look.urgent)

    def _allowed(self, found: Sequence[Languages], look: Look) -> list[Languages]:
        languages = look.recording.options.languages
        return [among(each, languages) if languages else each for each in found]


def reads_better(parts: Sequence[Segment], whole: Segment, policy: SwitchingPolicy) -> bool:
    """Whether parts, each in its own language, are likelier than the whole in one: their words, and their languages."""
    spoken = [part for part in parts if part.text]
    if len({part.language for part in spoken}) < 2:
        return False
    tokens = [max(1, len(part.tokens)) for part in spoken]
    merit = sum(_merit(part, policy) * count for part, count in zip(spoken, tokens, strict=True)) / sum(tokens)
    missed = policy.left_out * max(0.0, log(sum(tokens) / max(1, len(whole.tokens))))
    return not whole.text or merit + missed > _merit(whole, policy)


def _merit(segment: Segment, policy: SwitchingPolicy) -> float:
    return segment.mean_log_probability + policy.detection_weight * log(
        max(_LEAST_PROBABILITY, segment.language_probability)
    )
