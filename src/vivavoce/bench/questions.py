"""Spoken questions of about 2, 5, 12 and 30 s, each recording new to the server that hears it.

Ours are written in `questions.toml` and spoken by several voices, once, into a folder that is kept; a user's own are
read from a folder and grouped by their length. Before a recording is sent, a noise that nobody hears is added to it,
drawn anew each time: a server that remembers what it has heard must listen again. Knows no server and no engine: what
speaks is handed in.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode
from vivavoce.errors import InvalidValue, VivaError

LENGTHS_S = (2, 5, 12, 30)
"""The groups, by about how long a question takes."""

BOUNDS_S = (3.5, 8.5, 20.0, 45.0)
"""Where each group ends; longer recordings are left out."""

NOISE = 1e-4
"""Amplitude of the added noise: −80 dBFS, three steps of 16 bits."""

SpeakText = Callable[[str, str], Audio]
"""Speaks a text in a voice (its id)."""

Progress = Callable[[int, int, str], None]
"""Called with (done, in all, what)."""


@dataclass(frozen=True, slots=True)
class Question:
    """One recording. id: its text and voice, or the name of its file; length_s: the group that it is counted in.

    turn: how many recordings of the same text come before it.
    """

    id: str
    length_s: int
    path: Path
    turn: int = 0

    def audio(self) -> Audio:
        """The recording as it lies there. Raises what decoding raises."""
        return decode(self.path.read_bytes(), declared=self.path.suffix[1:])


def new_wav(audio: Audio, seed: int) -> bytes:
    """`audio` as a WAV file that no server has heard, if `seed` is new."""
    noise = np.random.default_rng(seed).uniform(-NOISE, NOISE, len(audio.samples))
    return encode(Audio((audio.samples + noise).astype(np.float32), audio.rate_hz), "wav")


@cache
def written_questions() -> Mapping[int, tuple[str, ...]]:
    """Our own questions by length group."""
    content = tomllib.loads(files("vivavoce.bench").joinpath("questions.toml").read_text(encoding="utf-8"))
    return {int(length): tuple(texts) for length, texts in content.items()}


def speak_questions(
    folder: Path, voices: Sequence[str], each: Mapping[int, int], speak: SpeakText, progress: Progress | None = None
) -> list[Question]:
    """`each[length]` recordings per group, spoken where they are not yet in `folder`. Texts change before voices do.

    Raises `InvalidValue` where so many can't be made of the texts and voices there are.
    """
    wanted: list[tuple[str, str, Question]] = []
    for length_s, count in each.items():
        texts = written_questions()[length_s]
        if count > len(texts) * len(voices):
            raise InvalidValue(
                f"There are {len(texts)} questions of {length_s} s and {len(voices)} voices: at most "
                f"{len(texts) * len(voices)} recordings, {count} are needed. Ask for fewer, or give --questions FOLDER."
            )
        for number in range(count):
            # Voices take turns as well, so that a short run does not hear one only.
            turn, index = divmod(number, len(texts))
            voice, text = voices[(index + turn) % len(voices)], texts[index]
            name = f"{length_s}s-{hashlib.sha256(text.encode()).hexdigest()[:8]}-{voice}"
            wanted.append((text, voice, Question(name, length_s, folder / f"{name}.wav", turn)))
    folder.mkdir(parents=True, exist_ok=True)
    for number, (text, voice, question) in enumerate(wanted):
        if not question.path.is_file():
            # Not under its name before it is whole: an interrupted run must not leave half a question.
            partial = question.path.with_suffix(".partial")
            partial.write_bytes(encode(speak(text, voice), "wav"))
            partial.replace(question.path)
        if progress is not None:
            progress(number + 1, len(wanted), question.id)
    return [question for _, _, question in wanted]


def read_questions(folder: Path) -> list[Question]:
    """The recordings of a folder, by name. Those that are no sound or too long are left out.

    Raises `InvalidValue` where none is left.
    """
    found: list[Question] = []
    for path in sorted(path for path in folder.glob("*") if path.is_file()):
        try:
            length_s = group_of(decode(path.read_bytes(), declared=path.suffix[1:]).duration_s)
        except VivaError:
            continue
        if length_s is not None:
            found.append(Question(path.name, length_s, path))
    if not found:
        raise InvalidValue(f"No recording up to {BOUNDS_S[-1]:g} s in {folder}.", param="questions")
    return found


def group_of(duration_s: float) -> int | None:
    """The length group of a recording; None for one that is too long."""
    for length_s, bound_s in zip(LENGTHS_S, BOUNDS_S, strict=True):
        if duration_s <= bound_s:
            return length_s
    return None
