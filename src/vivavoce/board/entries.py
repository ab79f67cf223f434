"""A run, question by question: what was asked, heard and answered, the key, the score and why. Long runs in pages.

Texts are cut for the page, never in the file. Recordings of other people are named and not shown: neither their words
nor their sound, unless whoever makes the pages says so. What is played is found by its hash alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from vivavoce.board.judged import Judged
from vivavoce.exam.items import Item
from vivavoce.exam.metrics import Tried
from vivavoce.exam.runs import Try
from vivavoce.exam.sounds import SoundMaker

PAGE_ENTRIES = 20
PAGE_CHARACTERS = 24_000
"""A page ends at whichever comes first, so that it stays under 100 kB however long answers are."""

LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One question put. `question`, `heard`, `answer` … are texts for people, empty where there is nothing.

    right: of items that are right or wrong; None where there is more between. score: (name, value) pairs.
    question_sound, answer_sound: hashes of sounds that are kept, or empty. withheld: why words and sound of a recording
    are not shown.
    """

    item: Item
    made: Try
    question: str
    key: str
    heard: str
    answer: str
    reheard: str
    calls: Sequence[str]
    right: bool | None
    score: Sequence[tuple[str, str]]
    note: str
    question_sound: str
    answer_sound: str
    withheld: str


class Entries:
    """The entries of a run. cache: where spoken items lie; None: nothing is played. recordings: the folder of the
    manifest that other people's recordings come from, where they are to be shown too."""

    def __init__(self, run: Judged, cache: Path | None, recordings: Path | None = None) -> None:
        self._run = run
        self._maker = None if cache is None else SoundMaker(cache, run.run.speech_url, recordings=recordings)
        self._recordings = recordings

    def pages(self, task: str) -> list[list[Tried]]:
        """The tries of a task, split into pages; one empty page where there are none."""
        pages: list[list[Tried]] = [[]]
        room = PAGE_CHARACTERS
        for item, made in self._run.of(task):
            size = _size(item, made)
            if pages[-1] and (len(pages[-1]) >= PAGE_ENTRIES or size > room):
                pages.append([])
                room = PAGE_CHARACTERS
            pages[-1].append((item, made))
            room -= size
        return pages

    def entry(self, item: Item, made: Try) -> Entry:
        hidden = self._hides(item)
        return Entry(
            item=item,
            made=made,
            question="" if hidden else cut(_question(item)),
            key="" if hidden else cut(_key(item.key)),
            heard="" if hidden else cut(made.heard or ""),
            answer="" if hidden else cut(made.answer),
            reheard="" if hidden else cut(made.reheard or ""),
            calls=[] if hidden else [cut(f"{name}({arguments})") for name, arguments in made.calls],
            right=_right(made),
            score=_score(made),
            note="" if hidden else cut(made.note),
            question_sound=made.question_sha256 if self._question_sound(item, made) is not None else "",
            answer_sound=made.audio_sha256 if self._answer_file(item, made) is not None else "",
            withheld="A recording of somebody else: its words and its sound are not ours to show." if hidden else "",
        )

    def sound(self, digest: str) -> bytes | None:
        """A sound of this run by its hash, a question's or an answer's; None where there is no such one, or it is not
        kept, or not ours to play."""
        for item, made in _tries(self._run):
            if digest == made.question_sha256 and (data := self._question_sound(item, made)) is not None:
                return data
            if digest == made.audio_sha256 and (path := self._answer_file(item, made)) is not None:
                return path.read_bytes()
        return None

    def kept(self) -> list[str]:
        """The hashes of all sounds of this run that can be played."""
        found: dict[str, None] = {}
        for item, made in _tries(self._run):
            if self._question_sound(item, made) is not None:
                found[made.question_sha256] = None
            if self._answer_file(item, made) is not None:
                found[made.audio_sha256] = None
        return list(found)

    def _hides(self, item: Item) -> bool:
        """A recording of somebody else, and nobody said that it may be shown."""
        return item.sound is not None and bool(item.sound.file) and self._recordings is None

    def _question_sound(self, item: Item, made: Try) -> bytes | None:
        """The WAV file that was sent, where it is still the same."""
        if self._maker is None or item.sound is None or not made.question_sha256 or self._hides(item):
            return None
        data = self._maker.kept(item.sound)
        same = data is not None and hashlib.sha256(data).hexdigest() == made.question_sha256
        return data if same else None

    def _answer_file(self, item: Item, made: Try) -> Path | None:
        if self._maker is None or not is_hash(made.audio_sha256) or self._hides(item):
            return None
        path = self._run.record.path.with_suffix(".audio") / f"{made.audio_sha256}.wav"
        return path if path.is_file() else None


def _tries(run: Judged) -> Iterable[Tried]:
    return (pair for task in run.tasks for pair in run.of(task))


def is_hash(text: str) -> bool:
    """Safe as the name of a file: what a run file holds may be anything."""
    return len(text) == 64 and all(char in "0123456789abcdef" for char in text)


def cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]} … ({len(text) - LONGEST_TEXT:,} more characters in the run's file)"


def _size(item: Item, made: Try) -> int:
    """Characters that an entry shows, about."""
    texts = (_question(item), _key(item.key), made.heard or "", made.answer, made.reheard or "", made.note)
    calls = (f"{name}({arguments})" for name, arguments in made.calls)
    return sum(min(len(text), LONGEST_TEXT) for text in (*texts, *calls))


def _question(item: Item) -> str:
    if item.ask:
        return item.ask
    if item.sound is not None and item.sound.text:
        under = f" (under the noise: {item.sound.whisper})" if item.sound.whisper else ""
        return item.sound.text + under
    return f"({item.sound.made}, {item.sound.duration_s:.1f} s)" if item.sound is not None and item.sound.made else ""


def _key(key: Any) -> str:
    """The key for people: what is right, where the scorer's dictionary says so."""
    if key is None:
        return ""
    if isinstance(key, str):
        return key
    if isinstance(key, dict) and "right" in key:
        right: Any = cast("dict[str, Any]", key)["right"]
        return right if isinstance(right, str) else json.dumps(right, ensure_ascii=False)
    return json.dumps(key, ensure_ascii=False)


def _score(made: Try) -> list[tuple[str, str]]:
    """But for `right`, which is told in words."""
    values = made.values or {}
    return [
        (name.replace("_", " "), f"{value:.4g}")
        for name, value in values.items()
        if not (name == "right" and _right(made) is not None)
    ]


def _right(made: Try) -> bool | None:
    value = (made.values or {}).get("right")
    return None if value not in (0.0, 1.0) else value == 1.0
