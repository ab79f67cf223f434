"""When to believe a decoding: bounds, checks and the choice between attempts.

Whisper shown less than its 30 s goes wrong in known ways: it repeats itself, never ends, guesses, or takes the language
for another. Each leaves a trace that is checked here. Pure: knows no model; `whisper.py` runs the attempts.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

Doubt = Literal["loop", "endless", "unlikely"]


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Limits beyond which a decoding is not believed.

    max_compression_ratio and min_mean_log_probability as in Whisper's own fallback. tokens_per_s and spare_tokens bound
    the length by the duration. no_speech_probability: above it, text of low log-probability counts as nothing said;
    sure_no_speech_probability: above it, text needs a higher one (sure_mean_log_probability). clear_peak: where voice
    activity rose above it somebody did speak, so a poor guess (down to clear_mean_log_probability) beats nothing.
    faint_peak: where voice activity never rose above it, text is believed only when Whisper is sure of it
    (faint_no_speech_probability, faint_mean_log_probability).
    """

    max_compression_ratio: float = 2.4
    min_mean_log_probability: float = -1.0
    tokens_per_s: float = 14.0
    spare_tokens: int = 16
    no_speech_probability: float = 0.6
    sure_no_speech_probability: float = 0.8
    sure_mean_log_probability: float = -0.6
    clear_peak: float = 0.8
    clear_mean_log_probability: float = -1.4
    faint_peak: float = 0.7
    faint_no_speech_probability: float = 0.5
    faint_mean_log_probability: float = -1.0


@dataclass(frozen=True, slots=True)
class Decoding:
    """One attempt. tokens: text tokens only. ended: whether end-of-text came before the token bound."""

    tokens: tuple[int, ...]
    text: str
    mean_log_probability: float
    no_speech_probability: float
    ended: bool

    @property
    def compression_ratio(self) -> float:
        return compression_ratio(self.text)


def compression_ratio(text: str) -> float:
    """Bytes of UTF-8 over bytes after zlib, as Whisper defines it; 0 for no text."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def token_bound(duration_s: float, policy: TrustPolicy) -> int:
    """Most text tokens that `duration_s` seconds of speech can need; never above half of Whisper's context of 448."""
    return min(224, policy.spare_tokens + round(policy.tokens_per_s * duration_s))


def doubts(decoding: Decoding, policy: TrustPolicy) -> tuple[Doubt, ...]:
    """What speaks against a decoding; empty when it can be believed."""
    found: list[Doubt] = []
    if decoding.compression_ratio > policy.max_compression_ratio or longest_run(decoding.tokens) > 3:
        found.append("loop")
    if not decoding.ended:
        found.append("endless")
    if decoding.mean_log_probability < policy.min_mean_log_probability:
        found.append("unlikely")
    return tuple(found)


def nothing_said(decoding: Decoding, peak: float, policy: TrustPolicy) -> bool:
    """Whether a decoding is more likely invented than heard. peak: the highest voice activity in its window."""
    if not decoding.text.strip():
        return True
    no_speech, likelihood = decoding.no_speech_probability, decoding.mean_log_probability
    clear = peak >= policy.clear_peak
    if no_speech > policy.sure_no_speech_probability and likelihood < policy.sure_mean_log_probability and not clear:
        return True
    least = policy.clear_mean_log_probability if clear else policy.min_mean_log_probability
    if no_speech > policy.no_speech_probability and likelihood < least:
        return True
    if peak >= policy.faint_peak:
        return False
    return no_speech > policy.faint_no_speech_probability or likelihood < policy.faint_mean_log_probability


def best_of(attempts: Sequence[Decoding], policy: TrustPolicy) -> Decoding:
    """The attempt to keep when none was beyond doubt: fewest loops first, then the most likely."""
    return max(
        attempts,
        key=lambda a: ("loop" not in doubts(a, policy), a.ended, a.mean_log_probability),
    )


def longest_run(tokens: Sequence[int], longest_phrase: int = 8) -> int:
    """How many times in a row the most repeated phrase of up to `longest_phrase` tokens occurs; 1 for no repeats.

    Phrases of one token count from five on (laughter and numbers repeat honestly), so they score two less.
    """
    best = 1
    for size in range(1, longest_phrase + 1):
        run = 1
        at = size
        while at + size <= len(tokens):
            if tokens[at : at + size] == tokens[at - size : at]:
                run += 1
                best = max(best, run - 2 if size == 1 else run)
                at += size
            else:
                run = 1
                at += 1
    return best


def collapse_loops(tokens: Sequence[int], longest_phrase: int = 8) -> tuple[int, ...]:
    """`tokens` with every phrase that is repeated more than three times in a row kept once."""
    kept = list(tokens)
    for size in range(1, longest_phrase + 1):
        at = 0
        while at + size * 4 <= len(kept):
            phrase = kept[at : at + size]
            end = at + size
            while kept[end : end + size] == phrase:
                end += size
            if (end - at) // size > 3:
                del kept[at + size : end]
            at += 1
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class LanguagePolicy:
    """When to trust language detection on a window, and what to do otherwise: decode in both likely languages.

    sure: at or above it the detected language is taken as it is. rival: a second language at least this likely is tried
    too. switch: what it takes to leave the language that the recording has been in without trying both. tail_weight:
    factor on the probability of languages of which Whisper learned little, since accented speech and
    short windows are mistaken for Latin or Nynorsk far more often than those are spoken. detection_weight: how much the
    logarithm of the detection probability adds to the mean log-probability of the text when two decodings compete.
    """

    sure: float = 0.8
    rival: float = 0.1
    switch: float = 0.95
    tail_weight: float = 0.3
    detection_weight: float = 0.1


TAIL_LANGUAGES = frozenset(
    {
        "as",
        "ba",
        "bo",
        "br",
        "cy",
        "fo",
        "haw",
        "ht",
        "jv",
        "la",
        "lb",
        "ln",
        "mg",
        "mi",
        "mn",
        "mt",
        "my",
        "nn",
        "oc",
        "sa",
        "sd",
        "sn",
        "so",
        "su",
        "tk",
        "tt",
        "uz",
        "yi",
        "yo",
    }
)
"""Languages of which Whisper had little speech to learn from (Radford et al. 2022, appendix on training data)."""

Languages = tuple[tuple[str, float], ...]
"""Languages with their probabilities, likeliest first."""


def among(detected: Languages, allowed: Sequence[str]) -> Languages:
    """`detected` where only `allowed` languages can be: their probabilities are shares of what they have together."""
    found = {code: probability for code, probability in detected if code in allowed}
    total = sum(found.values())
    if not total:
        return tuple((code, 1 / len(allowed)) for code in allowed)
    return tuple(sorted(((code, each / total) for code, each in found.items()), key=lambda pair: -pair[1]))


def language_candidates(detected: Languages, known: str | None, policy: LanguagePolicy) -> Languages:
    """The one or two languages to decode a window in. known: the language of the recording so far.

    Probabilities stay as detected; the weights only order them.
    """
    ranked = sorted(detected, key=lambda pair: -pair[1] * _weight(pair[0], policy))
    top = ranked[0]
    if known is None:
        rivals = [pair for pair in ranked[1:2] if pair[1] >= policy.rival and top[1] < policy.sure]
        return (top, *rivals)
    if top[0] == known or top[1] >= policy.switch:
        return (top,)
    return ((known, dict(detected).get(known, 0.0)), top)


def better_language(candidates: Languages, decodings: Sequence[Decoding], policy: LanguagePolicy) -> int:
    """Index of the candidate whose decoding reads like language: no loop, and the likeliest per token."""

    def merit(index: int) -> tuple[bool, float]:
        decoding = decodings[index]
        detection = log(max(candidates[index][1], 1e-4) * _weight(candidates[index][0], policy))
        sane = decoding.compression_ratio <= TrustPolicy().max_compression_ratio and decoding.ended
        return sane, decoding.mean_log_probability + policy.detection_weight * detection

    return max(range(len(candidates)), key=merit)


def _weight(language: str, policy: LanguagePolicy) -> float:
    return policy.tail_weight if language in TAIL_LANGUAGES else 1.0
