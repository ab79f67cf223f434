"""The tasks of the exams: for each its card, the pool of its items, how one is put, its scorer and its metrics.

Cards are data, in `exams/<task>.toml`. A task is a module that fills in a `Task`, and a line in `exam.catalogue`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from vivavoce.errors import NotFound
from vivavoce.exam.endpoint import Reply, Request
from vivavoce.exam.items import Item, Mode, Surroundings, pick
from vivavoce.exam.metrics import Metric, Ratio

Way = Literal["ask", "transcribe", "diarize"]

SURROUNDINGS: tuple[Surroundings, ...] = ("clean", "room", "noise")


@dataclass(frozen=True, slots=True)
class Card:
    """What people read of a task; `limits`: what it does not show."""

    title: str
    asks: str
    judged: str
    licence: str
    checked_by: str
    limits: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What spoken items are made from: voices of `sounds`, and a manifest of recordings, where there is one."""

    voices: Sequence[str]
    manifest: Path | None = None

    def voice(self, language: str, *of: str) -> str:
        """One of the voices that speak a language, the same for the same words `of`; empty where none does."""
        fitting = [voice for voice in self.voices if speaks(voice, language)]
        return pick(fitting, *of) if fitting else ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a scorer found. values: numbers by name; None: it could not be judged, and `unscored` says why."""

    values: Mapping[str, float] | None
    note: str = ""
    unscored: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """headline: the metric that boards rank by. by: facets that it is also stated by, besides the group; also: names of
    metrics that are stated by the same.

    way: ask a chat, transcribe, or ask who spoke. rehears: what was spoken is heard again by a transcription endpoint
    before it is judged. streams: the answer is streamed, and its times are kept.
    """

    name: str
    pool: Callable[[Sources], list[Item]]
    modes: tuple[Mode, ...]
    score: Callable[[Item, Reply], Judgement]
    headline: Ratio
    metrics: tuple[Metric, ...]
    request: Callable[[Item], Request] = field(default=lambda _: Request())
    way: Callable[[Item], Way] = field(default=lambda _: "ask")
    by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    rehears: bool = False
    streams: bool = False

    @property
    def card(self) -> Card:
        return Card(**content(self.name)["card"])

    def modes_of(self, item: Item) -> list[Mode]:
        return [mode for mode in self.modes if (item.ask if mode == "typed" else item.sound is not None)]


def speaks(voice: str, language: str) -> bool:
    """espeak-ng's voices begin with their language; those of a speech endpoint end with it (`speech:alloy@es`), or are
    taken to speak English."""
    kind, _, name = voice.partition(":")
    spoken = name.split("+")[0].split("-")[0] if kind == "espeak-ng" else name.partition("@")[2] or "en"
    return spoken == language


@cache
def content(task: str) -> dict[str, Any]:
    """The TOML of a task. Raises `NotFound`."""
    file = files("vivavoce.exams").joinpath(f"{task}.toml")
    if not file.is_file():
        raise NotFound(f"There is no exam {task!r}; see `viva exam list`.")
    return tomllib.loads(file.read_text(encoding="utf-8"))
