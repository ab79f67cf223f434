"""Long recordings made of short ones: lengths, languages, what is said where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.bench.clips import Clip
from vivavoce.bench.joining import PAUSES_S, Joined, join
from vivavoce.errors import InvalidValue


def clip(language: str, number: int, duration_s: float = 6.0) -> Clip:
    return Clip(f"{language}/{number}", Path("x"), language, f"text {number}", None, duration_s)


def level(of: Clip) -> Samples:
    """A sound that tells which clip it is."""
    number = int(of.id.rpartition("/")[2])
    return np.full(round(of.duration_s * LISTEN_RATE_HZ), 0.1 + number / 100, np.float32)


ENGLISH, GERMAN = [clip("en", n) for n in range(20)], [clip("de", n) for n in range(10)]


def parts(minutes: float, part_minutes: float, seed: int = 0) -> list[Joined]:
    return join([*ENGLISH, *GERMAN, clip("fr", 0)], minutes, part_minutes, level, seed=seed)


def test_as_many_minutes_as_asked_for_in_parts_of_one_language() -> None:
    made = parts(12, 2)
    assert len(made) == 6
    assert sum(part.duration_s for part in made) == pytest.approx(720, abs=8)
    assert all(part.duration_s == pytest.approx(120, abs=8) for part in made[:-1])
    assert {c.language for part in made for c in part.clips} == {"en", "de"}, "French has too little"
    languages = [part.language for part in made]
    assert languages.count("en") == 4 and languages.count("de") == 2


def test_the_samples_are_those_of_the_clips_with_pauses() -> None:
    [part] = parts(1, 1)
    at = 0
    for one in part.clips:
        sound = level(one)
        assert np.array_equal(part.samples[at : at + len(sound)], sound)
        at += len(sound)
        silence = int(np.argmax(part.samples[at:] > 0)) if (part.samples[at:] > 0).any() else len(part.samples) - at
        assert PAUSES_S[0] - 0.01 <= silence / LISTEN_RATE_HZ <= PAUSES_S[1] + 0.01
        at += silence
    assert at == len(part.samples)


def test_every_clip_comes_before_any_comes_again() -> None:
    heard = [c.id for part in parts(12, 2) if part.language == "en" for c in part.clips]
    assert len(heard) > 2 * len(ENGLISH)
    assert set(heard[:20]) == set(heard[20:40]) == {c.id for c in ENGLISH}


def test_the_seed_decides() -> None:
    def order(seed: int) -> list[tuple[str, ...]]:
        return [tuple(c.id for c in part.clips) for part in parts(4, 2, seed)]

    assert order(1) == order(1) != order(2)


def test_too_few_recordings_are_refused() -> None:
    with pytest.raises(InvalidValue, match="minute"):
        join([clip("fr", 0)], 1, 1, level)
