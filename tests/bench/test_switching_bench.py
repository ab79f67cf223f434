"""How well changes of language are heard: recordings joined, trials from scripted listeners, figures, the page."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.bench.clips import Clip, read_clips
from vivavoce.bench.switching import (
    GAPS_S,
    BriefTrial,
    MixedTrial,
    PlainTrial,
    Way,
    hear_brief,
    hear_mixed,
    hear_plain,
    mixed,
    right_s,
    spaced,
)
from vivavoce.bench.switching_page import (
    SwitchingReport,
    brief_rows,
    completed,
    mixed_figures,
    plain_figures,
    read_switching,
    switching_section,
    switching_tables,
    write_switching,
)
from vivavoce.codec.encode import encode
from vivavoce.errors import InvalidValue
from vivavoce.listen.base import Heard, ListenOptions, Segment
from vivavoce.testing import ScriptedListener

TEXTS = {"de": "guten Morgen", "en": "good evening", "es": "buenas noches", "ja": "おはよう"}


def recordings(folder: Path) -> list[Clip]:
    """Two seconds of a tone for each text, half a second of silence around it."""
    tone = np.sin(np.arange(2 * LISTEN_RATE_HZ) / 20).astype(np.float32)
    silence = np.zeros(LISTEN_RATE_HZ // 2, np.float32)
    rows: list[str] = []
    for language, text in TEXTS.items():
        sound = Audio(np.concatenate([silence, 0.2 * tone, silence]), LISTEN_RATE_HZ)
        (folder / f"{language}.wav").write_bytes(encode(sound, "wav"))
        row = {"id": f"set/{language}", "path": f"{language}.wav", "language": language, "duration_s": 3.0}
        rows.append(json.dumps({**row, "text": text}))
    (folder / "manifest.jsonl").write_text("\n".join(rows))
    return read_clips(folder / "manifest.jsonl")


class Oracle(ScriptedListener):
    """Hears the parts that it is told of where they are, and one in `single` alone."""

    def __init__(self, single: str | None = None) -> None:
        super().__init__("", "en")
        self.single = single
        self.segments: list[Segment] = []

    async def listen(self, audio: Audio, options: ListenOptions | None = None) -> AsyncGenerator[Segment, None]:
        if self.single is not None:
            yield Segment(TEXTS[self.single], 0.0, audio.duration_s, self.single, 0.9, 0.0)
            return
        for segment in self.segments:
            yield segment


def test_parts_change_their_language_and_stand_where_they_are_told_to(tmp_path: Path) -> None:
    clips = spaced(recordings(tmp_path))
    assert {clip.language for clip in clips} == {"de", "en", "es"}
    made = mixed(clips, 12, seed=3)
    assert {len(each.parts) for each in made} == {2, 3, 4}
    for each in made:
        assert all(one.language != other.language for one, other in pairwise(each.parts))
        gaps_s = [other.start_s - one.end_s for one, other in pairwise(each.parts)]
        assert all(GAPS_S[0] - 0.001 <= gap_s <= GAPS_S[1] + 0.001 for gap_s in gaps_s)
        assert each.parts[-1].end_s == pytest.approx(each.audio.duration_s)
        for part in each.parts:
            assert part.end_s - part.start_s == pytest.approx(2.0, abs=0.05)
            first = round(part.start_s * LISTEN_RATE_HZ)
            np.testing.assert_array_equal(each.audio.samples[first : first + len(part.samples)], part.samples)
    assert next(each.parts for each in mixed(clips, 1, seed=3))[0].text == made[0].parts[0].text
    with pytest.raises(ValueError, match="two languages"):
        mixed(clips[:1], 1)


async def test_three_ways_to_hear_a_change_are_told_apart(tmp_path: Path) -> None:
    recording = next(each for each in mixed(spaced(recordings(tmp_path)), 9, seed=1) if len(each.parts) == 2)
    switching, single = Oracle(), Oracle(recording.parts[0].language)
    switching.segments = [
        Segment(part.text, part.start_s, part.end_s, part.language, 0.9, 0.0) for part in recording.parts
    ]
    trial = await hear_mixed(recording, switching, single)
    assert trial.found == trial.languages == tuple(part.language for part in recording.parts)
    assert (trial.switching.errors, trial.words) == (0, 4)
    assert trial.switching.right_s == pytest.approx(trial.speech_s)
    assert trial.single.errors == 2
    assert trial.single.right_s == pytest.approx(recording.parts[0].end_s)
    assert trial.alone.errors == 2


async def test_a_recording_in_one_language_and_its_first_seconds(tmp_path: Path) -> None:
    [clip] = [clip for clip in recordings(tmp_path) if clip.language == "es"]
    trial = await hear_plain(clip, Oracle("es"), Oracle("de"), turn=1)
    assert (trial.spans, trial.words, trial.switching.errors, trial.single.errors) == (1, 2, 0, 2)
    assert await hear_brief(clip, 1.0, Oracle("de")) == BriefTrial("es", 1.0, "de")
    assert await hear_brief(clip, 4.0, Oracle("de")) is None


def test_a_moment_between_segments_belongs_to_the_nearer_one(tmp_path: Path) -> None:
    [part] = mixed(spaced(recordings(tmp_path)), 1, seed=2)[0].parts[:1]
    near = [Segment("x", 0.0, 0.5, part.language, 1.0, 0.0), Segment("y", 1.5, 9.0, "xx", 1.0, 0.0)]
    assert right_s([part], Heard.of(near, 9.0)) == pytest.approx(1.0, abs=0.02)
    assert right_s([part], Heard.of([], 9.0)) == 0.0


def way(errors: int, right: float, seconds: float = 1.0) -> Way:
    return Way(errors, right, seconds, "")


MIXED = [
    MixedTrial(("de", "en"), ("de", "en"), 5.0, 10, way(1, 5.0), way(5, 3.0), way(0, 5.0)),
    MixedTrial(("de", "en"), ("de",), 5.0, 10, way(3, 4.0), way(5, 2.0), way(0, 5.0)),
]
PLAIN = [PlainTrial("de", 1, 10, way(1, 5.0, 1.1), way(1, 5.0)), PlainTrial("en", 2, 10, way(2, 5.0, 1.3), way(1, 5.0))]
BRIEF = [BriefTrial("de", 1.0, "nl"), BriefTrial("de", 1.0, "de"), BriefTrial("de", 2.0, "de")]


def test_figures_are_sums_over_sums() -> None:
    people = mixed_figures(MIXED)
    assert people is not None
    assert [people.errors[name].estimate for name in ("switching", "single", "alone")] == pytest.approx([20, 50, 0])
    assert [people.accuracy[name].estimate for name in ("switching", "single")] == pytest.approx([90, 50])
    assert (people.fewer.estimate, people.more.estimate) == pytest.approx((30.0, 20.0))
    assert people.all_found.estimate == 0.5
    plain = plain_figures(PLAIN)
    assert plain is not None
    assert (plain.more.estimate, plain.time.estimate, plain.parted) == (pytest.approx(5.0), pytest.approx(1.2), 1)
    [row] = brief_rows(BRIEF)
    assert [each and (each.estimate, each.clips) for each in row.right] == [(0.5, 2), (1.0, 1), None]
    assert row.taken_for == ("nl",)
    assert mixed_figures([]) is None
    assert plain_figures([]) is None


def test_the_page_and_the_file_tell_what_was_measured(tmp_path: Path) -> None:
    report = SwitchingReport(
        "2026-11-25", "a machine", 2, "whisper:x", "report", 0, mixed_figures(MIXED), None, plain_figures(PLAIN),
        brief_rows(BRIEF),
    )  # fmt: skip
    write_switching(report, tmp_path / "switching.json")
    assert read_switching(tmp_path / "switching.json") == report
    page = "\n".join(switching_section(report))
    assert "| German | de | 1 of 2 (9 to 91 %) | 1 of 1 (21 to 100 %) |  | nl |" in page
    assert "| as the server hears it | 90.0 % (80.0 to 100.0) | 20.0 % (10.0 to 30.0) |" in page
    assert "WER against one language for each window: -30.0 points (-40.0 to -20.0);" in page
    assert len(switching_tables(report)) == 4
    part = replace(report, people=None, brief=(), plain=plain_figures(PLAIN[:1]))
    assert completed(part, report) == replace(report, plain=part.plain)
    assert completed(part, replace(report, half="tune")) == part
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(InvalidValue, match=r"other\.json is no report"):
        read_switching(tmp_path / "other.json")
