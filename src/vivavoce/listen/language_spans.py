"""Where the language changes within a window of speech: stretches, what each sounds like -> spans of one language.

Three steps, since most windows hold one language. A window that surely sounds like one language is done with if it is
short. Slices of what the encoder made of a longer one cost one decoder step together. Only where the window is unsure,
or a slice denies its language, is it cut at its quietest places and each piece looked at on its own, which the
encoder's view of the whole would blur. Pure: knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.listen.decoding import TAIL_LANGUAGES, LanguagePolicy, Languages

_FRAME_S = 0.02
_DIP_S = 0.16
"""Length of the stretch that must be quiet where speech is cut."""


@dataclass(frozen=True, slots=True)
class SwitchingPolicy:
    """When a window is thought to change its language, and where; times in seconds.

    sure: a window whose likeliest language has at least this probability is not unsure. slice_s, hop_s: length of
    slices and about how far apart they begin. long_s: shortest speech that is sliced; shorter slices would be no
    witnesses. denied: a slice that gives the window's language less than this denies it. piece_s: pieces are cut until
    none is longer. least_s: no piece, and so no span, is shorter. leading: probability from which on a language that
    leads a piece is considered. floor: the least probability that a piece is taken to give any language. switch: what a
    change of language must gain, in natural logarithms of probability; a piece's count by its seconds, up to one of
    `full_s`. detection_weight: how much the logarithm of a language's probability adds to the mean log-probability of
    the text when parts in their own languages compete with the whole in one. left_out: how much the logarithm of their
    lengths in tokens does, where the whole is the shorter: likely words do not make up for words that were left out.
    """

    sure: float = 0.9
    slice_s: float = 3.0
    hop_s: float = 1.0
    long_s: float = 5.0
    denied: float = 0.1
    piece_s: float = 2.5
    least_s: float = 0.8
    leading: float = 0.6
    floor: float = 0.01
    switch: float = 2.0
    full_s: float = 1.5
    detection_weight: float = 0.3
    left_out: float = 0.4


Stretch = tuple[float, float]
"""Start and end in seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in one language, and how probable that is, in [0, 1]: the mean over its seconds."""

    start_s: float
    end_s: float
    language: str
    probability: float


def unsure(found: Languages, policy: SwitchingPolicy) -> bool:
    """Whether a window, from what the whole of it sounds like, may hold several languages."""
    return found[0][1] < policy.sure


def slices(speech: Stretch, policy: SwitchingPolicy) -> list[Stretch]:
    """Slices of equal length that overlap and cover the speech; none where it is not long."""
    start_s, end_s = speech
    room_s = end_s - start_s - policy.slice_s
    if end_s - start_s < policy.long_s or room_s <= 0.0:
        return []
    starts_s = np.linspace(start_s, start_s + room_s, 1 + max(1, round(room_s / policy.hop_s)))
    return [(float(at_s), float(at_s) + policy.slice_s) for at_s in starts_s]


def denied(language: str, found: Sequence[Languages], policy: SwitchingPolicy) -> bool:
    """Whether one of the slices does not sound like the window's language."""
    return any(dict(languages).get(language, 0.0) < policy.denied for languages in found)


def pieces(sound: Samples, speech: Stretch, policy: SwitchingPolicy) -> list[Stretch]:
    """Cut speech at its quietest places. sound: 16 kHz; its first sample is second 0 of `speech`."""
    frames = len(sound) // round(_FRAME_S * LISTEN_RATE_HZ)
    energy = (sound[: frames * round(_FRAME_S * LISTEN_RATE_HZ)].reshape(frames, -1) ** 2).mean(axis=1)
    width = round(_DIP_S / _FRAME_S)
    smooth = np.convolve(energy, np.ones(width) / width, mode="same")

    def cut(start_s: float, end_s: float) -> list[Stretch]:
        first, last = round((start_s + policy.least_s) / _FRAME_S), round((end_s - policy.least_s) / _FRAME_S)
        if end_s - start_s <= policy.piece_s or last - first < 1:
            return [(start_s, end_s)]
        at_s = (first + int(np.argmin(smooth[first:last]))) * _FRAME_S
        return [*cut(start_s, at_s), *cut(at_s, end_s)]

    return cut(*speech)


def spans(
    parts: Sequence[Stretch], found: Sequence[Languages], policy: SwitchingPolicy, weights: LanguagePolicy
) -> list[Span]:
    """The likeliest sequence of languages (Viterbi 1967), neighbours of one language together.

    parts, found: pieces in order and what each sounds like. Languages of which Whisper learned little weigh less, as
    `weights` has it.
    """
    sure = [
        {code: each * (weights.tail_weight if code in TAIL_LANGUAGES else 1.0) for code, each in languages}
        for languages in found
    ]
    leading = [max(each, key=lambda code: each[code]) for each in sure]
    total = {code: sum(each.get(code, 0.0) for each in sure) for code in dict.fromkeys(leading)}
    likeliest = max(total, key=lambda code: total[code])
    codes = [
        code
        for code in total
        if code == likeliest
        or any(lead == code and each[code] >= policy.leading for lead, each in zip(leading, sure, strict=True))
    ]
    merits = [
        {
            code: log(max(policy.floor, each.get(code, 0.0))) * min(1.0, (end_s - start_s) / policy.full_s)
            for code in codes
        }
        for each, (start_s, end_s) in zip(sure, parts, strict=True)
    ]
    path = _likeliest_path(merits, policy.switch)
    joined: list[Span] = []
    for code, (start_s, end_s), languages in zip(path, parts, found, strict=True):
        probability = dict(languages).get(code, 0.0)
        if joined and joined[-1].language == code:
            before = joined[-1]
            mass = before.probability * (before.end_s - before.start_s) + probability * (end_s - start_s)
            joined[-1] = Span(before.start_s, end_s, code, mass / (end_s - before.start_s))
        else:
            joined.append(Span(start_s, end_s, code, probability))
    return joined


def _likeliest_path(merits: Sequence[dict[str, float]], switch: float) -> list[str]:
    """One key for each row, so that their values are most together, a change of key costing `switch`."""
    best = dict(merits[0])
    came: list[dict[str, str]] = []
    for row in merits[1:]:
        came.append({to: max(best, key=lambda code, to=to: best[code] - switch * (code != to)) for to in row})
        best = {to: best[came[-1][to]] - switch * (came[-1][to] != to) + row[to] for to in row}
    path = [max(best, key=lambda code: best[code])]
    for row in reversed(came):
        path.append(row[path[-1]])
    return path[::-1]
