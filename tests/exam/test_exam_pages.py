"""What is written of the exams is what they are: the methodology page, cards, keys, licences."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vivavoce.exam.catalogue import TASKS
from vivavoce.exam.page import methodology_page
from vivavoce.exam.papers import ESPEAK_VOICES
from vivavoce.exam.tasks import Sources

REPO = Path(__file__).resolve().parents[2]
SOURCES = Sources(ESPEAK_VOICES)


def test_the_methodology_is_up_to_date() -> None:
    assert (REPO / "docs/exams/methodology.md").read_text(encoding="utf-8") == methodology_page(), "run `make docs`"


def test_our_own_figures_are_those_of_the_runs() -> None:
    done = subprocess.run([sys.executable, "tools/exam_pages.py", "--check"], cwd=REPO, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_item_says_where_it_comes_from() -> None:
    for task in TASKS.values():
        pool = task.pool(SOURCES)
        assert len({item.id for item in pool}) == len(pool)
        for item in pool:
            assert item.task == task.name
            assert item.language
            assert item.licence
            assert item.checked_by
            assert item.group
            assert task.modes_of(item), item.id


def test_there_are_as_many_items_as_promised() -> None:
    counted = {name: len(task.pool(SOURCES)) for name, task in TASKS.items()}
    assert counted["spoken-reasoning"] >= 300
    assert counted["speech-to-code"] >= 60


@pytest.mark.shared
def test_recordings_bring_their_truth(shared_speech: Path) -> None:
    sources = Sources(ESPEAK_VOICES, shared_speech / "manifest.jsonl")
    heard = TASKS["transcription"].pool(sources)
    assert {"human", "synthetic"} == {item.origin for item in heard}
    assert any(item.facets.get("accent") for item in heard)
    felt = TASKS["sentiment"].pool(sources)
    assert len({item.key for item in felt}) == 7
    assert all(item.origin == "human" and item.sound is not None and item.sound.sha256 for item in felt)
