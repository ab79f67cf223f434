"""`viva bench tone`: what is counted and how, on recordings and answers that are made up."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from vivavoce.bench.routing import Routed, examine, pairs_of
from vivavoce.bench.tone import (
    ActedClip,
    ClipHeard,
    Cost,
    acted_clips,
    calibration_error,
    cost_of,
    mean_recall,
    row_of_texts,
    rows_of_tones,
    tell_all,
)
from vivavoce.bench.tone_console import ToneReport, tone_tables
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Heard
from vivavoce.listen.manner import CIRCUMPLEX, Prosody, Tone, Voicing

PROSODY = Prosody(120.0, 4.0, -20.0, 4.0, 0, 0.0)
ACTED = [("anger", "anger"), ("fear", "anger"), ("neutral", "neutral"), ("neutral", "neutral"), ("surprise", "fear")]


def clip(number: int, emotion: str, speaker: str = "s1", text: str = "Yes.") -> ActedClip:
    return ActedClip(f"set/{number}", Path("x"), "pl", speaker, emotion, text)


def tone(emotion: str) -> Tone:
    return Tone(tuple((name, 0.9 if name == emotion else 0.1 / 6) for name in CIRCUMPLEX), PROSODY, 1.0)


def heard(which: ActedClip, transcript: str = "yes") -> ClipHeard:
    voicing = Voicing(PROSODY, 1.0, (), (float(which.id.split("/")[1]),))
    return ClipHeard(which, Heard(transcript, "pl", 1.0, 0.0, 1.0), voicing)


def told(*_: object) -> None:
    return None


def test_recall_is_the_mean_over_emotions_and_others_are_left_out() -> None:
    clips = [heard(clip(number, true)) for number, (true, _) in enumerate(ACTED)]
    row = rows_of_tones("tone", clips, [tone(found) for _, found in ACTED], seed=0)
    assert (row.clips, row.emotions) == (4, 3)  # surprise is none that it can tell
    assert row.recall.estimate == pytest.approx(2 / 3)  # anger 1, fear 0, neutral 1
    assert (row.urgent_clips, row.urgent.estimate) == (4, 1.0)  # anger for fear is as urgent
    assert row.recall.low <= row.recall.estimate <= row.recall.high


@pytest.mark.parametrize(
    ("sure", "error"),
    [
        ([(0.75, True)] * 3 + [(0.75, False)], 0.0),
        ([(0.95, False)] * 4, 0.95),
        ([(0.95, True)] * 2 + [(0.15, True)] * 2, (0.05 * 2 + 0.85 * 2) / 4),
        ([(1.0, True)], 0.0),
    ],
)
def test_a_calibration_error_is_how_far_probabilities_are_from_shares(
    sure: list[tuple[float, bool]], error: float
) -> None:
    assert calibration_error(sure) == pytest.approx(error)


def test_a_recording_in_which_nothing_was_heard_counts_as_neutral() -> None:
    row = rows_of_tones("tone", [heard(clip(0, "anger")), heard(clip(1, "neutral"))], [None, tone("neutral")], seed=0)
    assert row.urgent.estimate == 0.5


def test_the_interval_of_many_is_narrower_than_that_of_few() -> None:
    def width(count: int) -> float:
        groups = np.array(["a", "b"] * count)
        found = mean_recall(groups, np.array([True, False, True, True] * (count // 2)), seed=0)
        return found.high - found.low

    assert width(200) < width(10) / 3
    with pytest.raises(ValueError, match="needs recordings"):
        mean_recall(np.array([], np.str_), np.array([], np.bool_), seed=0)


def test_transcripts_are_read_once_each() -> None:
    asked: list[str] = []

    def read(text: str) -> str:
        asked.append(text)
        return "anger"

    clips = [heard(clip(0, "anger"), "no"), heard(clip(1, "neutral"), "no"), heard(clip(2, "neutral"), "")]
    row = row_of_texts(clips, read, list(CIRCUMPLEX), 0, told)
    assert asked == ["no"]
    assert row.urgent.estimate == 0.75


def test_each_speaker_is_told_by_its_own_head_alone_or_in_company() -> None:
    asked: list[tuple[str, int]] = []

    def teller(speaker: str) -> object:
        def tell(utterances: Sequence[Voicing], known: Sequence[Voicing]) -> list[Tone]:
            asked.append((speaker, len(utterances)))
            return [tone("anger" if each.states == (0.0,) else "neutral") for each in utterances]

        return tell

    clips = [heard(clip(0, "anger", "s1")), heard(clip(1, "fear", "s2")), heard(clip(2, "fear", "s1"))]
    for known, groups in ((False, [("s1", 1), ("s1", 1), ("s2", 1)]), (True, [("s1", 2), ("s2", 1)])):
        asked.clear()
        tones = tell_all(clips, teller, known=known)  # type: ignore[arg-type]
        assert [each.emotion for each in tones if each] == ["anger", "neutral", "neutral"]
        assert asked == groups


def test_pairs_say_the_same_words_and_differ_in_tone_or_not() -> None:
    clips = [clip(n, emotion, f"s{n % 3}", "Yes.") for n, emotion in enumerate(["anger", "fear", "neutral"] * 4)]
    clips += [clip(100, "anger", text="No."), clip(101, "neutral", text="Maybe.")]
    pairs = pairs_of(clips, 5, seed=0)
    differing = [pair for pair in pairs if pair.differ]
    assert len(differing) == 5
    assert all(pair.first.emotion in ("anger", "fear") and pair.second.emotion == "neutral" for pair in differing)
    assert all(pair.first.text == pair.second.text for pair in pairs)
    alike = [pair for pair in pairs if not pair.differ]
    assert len(alike) == 2
    assert all({pair.first.emotion, pair.second.emotion} == {"neutral"} for pair in alike)


def test_the_exam_puts_each_recording_with_the_note_and_without() -> None:
    asked: list[tuple[str, bool]] = []

    def route(which: ActedClip, note: bool) -> Routed:
        asked.append((which.id, note))
        return Routed(note and which.emotion == "anger", "[sounds angry]" if note else None, "yes")

    clips = [clip(n, emotion) for n, emotion in enumerate(["anger", "neutral", "neutral"])]
    rows, routed = examine(pairs_of(clips, 10, 0), route, told)
    assert sorted(asked) == [(f"set/{n}", note) for n in range(3) for note in (False, True)]
    differ, alike = rows
    assert (differ.pairs, differ.right_with.estimate, differ.right_without.estimate) == (1, 1.0, 0.0)
    assert (alike.pairs, alike.changed_with.estimate, alike.right_with.estimate) == (1, 0.0, 1.0)
    assert routed["set/0"].person


def test_costs_are_medians_and_the_first_is_not_counted() -> None:
    def tell(utterances: Sequence[Voicing], known: Sequence[Voicing]) -> list[Tone]:
        widths.append(len(utterances[0].states))
        return []

    widths: list[int] = []
    cost = cost_of([np.zeros(16_000 * seconds, np.float32) for seconds in (9, 1, 2, 3)], 7, tell)
    assert (cost.clips, cost.seconds, widths) == (3, 2.0, [7] * 4)
    assert cost.taking_ms > 0


def test_a_manifest_gives_sets_with_several_emotions_and_speakers(tmp_path: Path) -> None:
    def row(name: str, emotion: str | None, speaker: str) -> str:
        return json.dumps({"id": name, "path": "a.flac", "language": "pl", "emotion": emotion, "speaker": speaker})

    emotions = ["anger", "calm", "fear", "sadness"]
    lines = [row(f"good/{n}", emotion, f"s{n % 2}") for n, emotion in enumerate(emotions)]
    lines += [row(f"one_speaker/{n}", emotion, "s1") for n, emotion in enumerate(emotions)]
    lines += [row("few/1", "anger", "s1"), row("few/2", None, "s2")]
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert [(each.id, each.emotion) for each in acted_clips(tmp_path / "manifest.jsonl")] == [
        ("good/0", "anger"),
        ("good/1", "neutral"),
        ("good/2", "fear"),
        ("good/3", "sadness"),
    ]
    (tmp_path / "manifest.jsonl").write_text("not json", encoding="utf-8")
    with pytest.raises(InvalidValue, match="line 1"):
        acted_clips(tmp_path / "manifest.jsonl")


def test_the_tables_show_every_row() -> None:
    clips = [heard(clip(number, true)) for number, (true, _) in enumerate(ACTED)]
    row = rows_of_tones("tone, speaker unknown", clips, [tone(found) for _, found in ACTED], seed=0)
    rows, _ = examine(pairs_of([each.clip for each in clips], 3, 0), lambda which, note: Routed(note, None, None), told)
    cost = Cost(3, 2.0, 4.5, 0.1)
    console = Console(file=io.StringIO(), width=200)
    for table in tone_tables(ToneReport("2026-11-25", "here", 2, "head:x", 0, cost, (row,), tuple(rows))):
        console.print(table)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("tone, speaker unknown", "0.67 (", "calm, calm", "upset, calm"):
        assert words in shown
