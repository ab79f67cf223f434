"""Choosing clips: seeded, fair between collections, halves that never mix speakers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vivavoce.bench.clips import Clip, choose, read_clips, reporting_half
from vivavoce.errors import InvalidValue


def made(collection: str, number: int, language: str = "en", duration_s: float = 3.0) -> Clip:
    path = Path("nowhere")
    return Clip(f"{collection}/{number}", path, language, "words", f"s{number % 12}", duration_s)


CLIPS = [made("large", n) for n in range(200)] + [made("small", n, "de", 12.0) for n in range(10)]


def test_collections_take_turns_until_the_small_one_is_used_up() -> None:
    chosen = choose(CLIPS, limit=20)
    assert sum(clip.collection == "small" for clip in chosen) == 10


def test_a_seed_repeats_the_choice_and_another_changes_it() -> None:
    assert choose(CLIPS, limit=15, seed=3) == choose(CLIPS, limit=15, seed=3)
    assert choose(CLIPS, limit=15, seed=3) != choose(CLIPS, limit=15, seed=4)


def test_conditions_hold() -> None:
    assert {clip.language for clip in choose(CLIPS, languages=["de"])} == {"de"}
    assert all(clip.duration_s <= 5 for clip in choose(CLIPS, max_duration_s=5.0))
    assert {clip.collection for clip in choose(CLIPS, collections=["small"])} == {"small"}


def test_halves_are_disjoint_complete_and_never_share_a_speaker() -> None:
    tune, report = choose(CLIPS, half="tune"), choose(CLIPS, half="report")
    assert {c.id for c in tune} | {c.id for c in report} == {c.id for c in CLIPS}
    assert not {(c.collection, c.speaker) for c in tune} & {(c.collection, c.speaker) for c in report}
    assert 0.2 < len(report) / len(CLIPS) < 0.8


def test_the_half_of_a_clip_does_not_hang_on_what_was_asked_for() -> None:
    report = reporting_half(CLIPS)
    narrowed = choose(CLIPS, half="report", languages=["de"], limit=3)
    assert all(clip.id in report for clip in narrowed)


def test_rows_without_text_are_left_out_and_broken_ones_are_named(tmp_path: Path) -> None:
    row = {"id": "a/1", "path": "a/1.flac", "language": "en", "text": "hi", "duration_s": 1.5, "speaker": None}
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps(row) + "\n\n" + json.dumps({**row, "text": None}) + "\n")
    [clip] = read_clips(manifest)
    assert (clip.path, clip.collection) == (tmp_path / "a" / "1.flac", "a")
    manifest.write_text(json.dumps(row) + "\n{broken\n")
    with pytest.raises(InvalidValue, match="line 2"):
        read_clips(manifest)
