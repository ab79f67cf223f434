"""Who spoke when, measured: the speakers engine beside a plain baseline, by diarization error rate.

The rate is pyannote.metrics' own: what was missed, made up or given to the wrong speaker, over all speech, without
collar and with overlaps. Conversations are made of clips of speakers that nothing was tuned on (`conversations.py`);
recordings with a truth of their own are told apart from them. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.bench.clips import Clip, Half
from vivavoce.bench.conversations import Conversation, joined_spans
from vivavoce.errors import InvalidValue, MissingDependency
from vivavoce.listen.speakers.base import Embedding, SpeakerTurn, speakers_of
from vivavoce.listen.speakers.clustering import Matrix, clustered

COLLAR_S = 0.5
"""The forgiving rate leaves out this much around each boundary of the truth, half before and half after it."""

Probabilities = npt.NDArray[np.float32]

_ON, _OFF = 0.5, 0.35
"""Silero's own: speech begins above one and ends below the other."""

_BASELINE_S, _BASELINE_HOP_S = 1.5, 0.75
_BASELINE_ALIKE = 0.25
"""Found best on the tuning half, like ours."""


@dataclass(frozen=True, slots=True)
class DerRow:
    """Seconds of one or several recordings, and of what went wrong in them. counted: how often as many speakers were
    found as there are, of `recordings`."""

    name: str
    recordings: int
    total_s: float
    missed_s: float
    made_up_s: float
    confused_s: float
    forgiving: float
    counted: int

    @property
    def rate(self) -> float:
        return (self.missed_s + self.made_up_s + self.confused_s) / self.total_s if self.total_s else 0.0


def half_of(clips: Sequence[Clip], half: Half) -> list[Clip]:
    """Clips of every other speaker: whoever is in one half is not in the other, in whichever collection."""
    reported: dict[str, bool] = {}
    pairs = sorted({(clip.collection, clip.speaker) for clip in clips if clip.speaker})
    for number, (_, speaker) in enumerate(pairs):
        reported.setdefault(speaker, number % 2 == 1)
    spoken = [(clip, reported[clip.speaker]) for clip in clips if clip.speaker]
    return [clip for clip, in_report in spoken if half == "all" or in_report == (half == "report")]


def speech_flags(probabilities: Probabilities) -> npt.NDArray[np.bool_]:
    """Where somebody speaks, by the probability of speech per frame; one frame more on both sides."""
    flags = np.zeros(len(probabilities), np.bool_)
    speaking = False
    for number, probability in enumerate(probabilities):
        speaking = probability >= (_OFF if speaking else _ON)
        flags[number] = speaking
    return flags | np.append(flags[1:], False) | np.append(False, flags[:-1])


def read_rttm(path: Path) -> tuple[SpeakerTurn, ...]:
    """The turns in a file of the format of NIST's Rich Transcription. Raises `InvalidValue`."""
    turns: list[SpeakerTurn] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start_s, length_s = float(fields[3]), float(fields[4])
            turns.append(SpeakerTurn(fields[7], start_s, start_s + length_s))
        except (IndexError, ValueError) as fault:
            raise InvalidValue(f"{path.name}, line {number}, is no RTTM: {fault}") from fault
    return tuple(turns)


def baseline_spans(speech: npt.NDArray[np.bool_], frame_s: float) -> list[tuple[float, float]]:
    """Windows of 1.5 s over speech, half overlapping, in seconds."""
    spans: list[tuple[float, float]] = []
    for first, end in joined_spans(speech, 10):
        start_s, end_s = first * frame_s, end * frame_s
        spans.append((start_s, min(end_s, start_s + _BASELINE_S)))
        while spans[-1][1] < end_s:
            start_s += _BASELINE_HOP_S
            spans.append((start_s, min(end_s, start_s + _BASELINE_S)))
    return spans


def baseline(spans: Sequence[tuple[float, float]], embeddings: Sequence[Embedding]) -> tuple[SpeakerTurn, ...]:
    """The plain way: one embedding for each window, clustered; nobody ever speaks over another."""
    embedded = [(span, each) for span, each in zip(spans, embeddings, strict=True) if len(each)]
    if not embedded:
        return ()
    rows: Matrix = np.stack([embedding for _, embedding in embedded])
    labels = clustered(rows, np.ones(len(rows), np.float32), _BASELINE_ALIKE)
    turns: list[SpeakerTurn] = []
    for ((start_s, end_s), _), label in zip(embedded, labels.tolist(), strict=True):
        begin_s = start_s
        if turns and turns[-1].end_s > start_s:  # windows overlap by half: each has its own half of that
            begin_s = (turns[-1].end_s + start_s) / 2
            turns[-1] = replace(turns[-1], end_s=begin_s)
        if turns and turns[-1].speaker == str(label) and turns[-1].end_s >= begin_s:
            turns[-1] = replace(turns[-1], end_s=end_s)
        else:
            turns.append(SpeakerTurn(str(label), begin_s, end_s))
    return tuple(turns)


class ErrorRate:
    """Adds up recordings, by name and in all. Raises `MissingDependency` without pyannote.metrics."""

    def __init__(self) -> None:
        try:
            self._core: Any = import_module("pyannote.core")
            metrics: Any = import_module("pyannote.metrics.diarization")
        except ImportError as error:
            raise MissingDependency(
                "Diarization error rates need pyannote.metrics: pip install 'vivavoce[bench]'."
            ) from error
        self._strict = metrics.DiarizationErrorRate()
        self._metrics = metrics
        self._forgiving: dict[str, Any] = {}
        self._rows: dict[str, list[tuple[dict[str, float], bool]]] = {}

    def add(self, name: str, truth: Conversation, found: Sequence[SpeakerTurn]) -> float:
        """The rate of this recording."""
        core = self._core
        whole = core.Timeline([core.Segment(0.0, truth.duration_s)])
        reference, hypothesis = self._annotation(truth.truth), self._annotation(found)
        told: dict[str, float] = self._strict(reference, hypothesis, uem=whole, detailed=True)
        counted = len(speakers_of(found)) == truth.speakers
        for key in (name, "all"):
            self._rows.setdefault(key, []).append((told, counted))
            if key not in self._forgiving:
                self._forgiving[key] = self._metrics.DiarizationErrorRate(collar=COLLAR_S)
            self._forgiving[key](reference, hypothesis, uem=whole)
        return told["diarization error rate"]

    def rows(self) -> list[DerRow]:
        """One for each name, in the order in which they came, and "all" at the end."""
        names = [name for name in self._rows if name != "all"]
        return [self._row(name) for name in [*names, "all"] if name in self._rows]

    def _row(self, name: str) -> DerRow:
        told = [each for each, _ in self._rows[name]]
        return DerRow(
            name,
            len(told),
            total_s=sum(each["total"] for each in told),
            missed_s=sum(each["missed detection"] for each in told),
            made_up_s=sum(each["false alarm"] for each in told),
            confused_s=sum(each["confusion"] for each in told),
            forgiving=abs(self._forgiving[name]),
            counted=sum(counted for _, counted in self._rows[name]),
        )

    def _annotation(self, turns: Sequence[SpeakerTurn]) -> Any:
        annotation = self._core.Annotation()
        for number, turn in enumerate(turns):
            annotation[self._core.Segment(turn.start_s, turn.end_s), number] = turn.speaker
        return annotation
