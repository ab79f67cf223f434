"""Who says what: the words of a listener given to the turns of speakers.

Pure: knows words, turns and times, no engine and no format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from vivavoce.listen.base import Heard, Segment, Word, joined
from vivavoce.listen.captions import divided
from vivavoce.listen.speakers.base import SpeakerTurn

STRAY_WORDS = 2
"""So few words of another speaker within one's words, with no pause around them, are taken for a slip of the times."""

NEAR_S = 0.25
"""How far beyond its turn a word may lie and still be of it, at a cost: word times are seldom exact."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker says in one go. `segment`: its part of what the listener heard."""

    speaker: str
    segment: Segment


def utterances(heard: Heard) -> list[Utterance]:
    """What was heard, cut where the speaker changes and at the ends of the listener's segments, in order of time."""
    said: list[Utterance] = []
    for segment in heard.segments:
        if segment.speaker is not None:
            said.append(Utterance(segment.speaker, segment))
            continue
        if not heard.speakers:
            continue
        if not segment.words:
            said.append(Utterance(_speaker_at(segment.start_s, segment.end_s, heard.speakers), segment))
            continue
        speakers = _steady([_speaker_at(word.start_s, word.end_s, heard.speakers) for word in segment.words], segment)
        cuts = [n for n in range(1, len(speakers)) if speakers[n] != speakers[n - 1]]
        parts = divided(segment, cuts)
        said += [Utterance(speakers[first], part) for first, part in zip([0, *cuts], parts, strict=True)]
    return said


def merged(said: Sequence[Utterance]) -> Iterator[tuple[str, str]]:
    """(speaker, text), what follows of the same speaker joined."""
    for speaker, together in groupby(said, key=lambda each: each.speaker):
        yield speaker, "".join(joined([each.segment for each in together]))


def attributed(heard: Heard) -> str:
    """The transcript, line by line as "Speaker A: …" where more than one speaks; else as it is."""
    lines = list(merged(utterances(heard)))
    if len({speaker for speaker, _ in lines}) < 2:
        return heard.transcript
    return "\n".join(f"Speaker {speaker}: {text}" for speaker, text in lines)


def main_speakers(heard: Heard) -> list[str] | None:
    """Who speaks for most of each segment; None where one speaker is all there is."""
    if len({turn.speaker for turn in heard.speakers}) < 2:
        return None
    return [_speaker_at(segment.start_s, segment.end_s, heard.speakers) for segment in heard.segments]


def _speaker_at(start_s: float, end_s: float, turns: Sequence[SpeakerTurn]) -> str:
    """Who speaks for most of a stretch; of those who do so alike, who speaks on for longest around it."""

    def closeness(turn: SpeakerTurn) -> tuple[float, float]:
        within_s = min(end_s, turn.end_s) - max(start_s, turn.start_s)
        return within_s, min(turn.end_s, end_s + NEAR_S) - max(turn.start_s, start_s - NEAR_S)

    return max(turns, key=closeness).speaker


def _steady(speakers: list[str], segment: Segment) -> list[str]:
    """Short islands within another's words go to that speaker, unless a pause sets them apart."""
    runs = [(speaker, len(list(run))) for speaker, run in groupby(speakers)]
    steady: list[str] = []
    for number, (speaker, length) in enumerate(runs):
        at = len(steady)
        around = 0 < number < len(runs) - 1 and runs[number - 1][0] == runs[number + 1][0]
        stray = around and length <= STRAY_WORDS and not _set_apart(segment.words, at, at + length)
        steady += [runs[number - 1][0] if stray else speaker] * length
    return steady


def _set_apart(words: Sequence[Word], first: int, end: int) -> bool:
    before_s = words[first].start_s - words[first - 1].end_s
    after_s = words[end].start_s - words[end - 1].end_s
    return max(before_s, after_s) >= NEAR_S
