"""The table of espeak-ng's languages: two voices for each, one male and one female.

Reads `espeak_voices.toml` beside it. Knows no program and no sound.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, cast

from vivavoce.speak.base import Voice

PREFIX: Final = "espeak-"
FEMALE_VARIANT: Final = "f2"
"""The program's female variant that Whisper base hears best (docs/engines/speak.md)."""


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """`name` is the program's own (`pt-br+f2`); `scripts` are first words of the Unicode names of its letters."""

    voice: Voice
    name: str
    scripts: frozenset[str]


@dataclass(frozen=True, slots=True)
class EspeakLanguage:
    """A row of the table. `suffix` ends the voice ids; `espeak` is the program's name; `language` is BCP 47."""

    suffix: str
    title: str
    espeak: str
    language: str
    scripts: frozenset[str]

    def voices(self) -> tuple[EspeakVoice, EspeakVoice]:
        male = Voice(f"{PREFIX}{self.suffix}", self.language, "male", "synthetic", "espeak")
        female = Voice(f"{PREFIX}{self.suffix}-female", self.language, "female", "synthetic", "espeak")
        return (
            EspeakVoice(male, self.espeak, self.scripts),
            EspeakVoice(female, f"{self.espeak}+{FEMALE_VARIANT}", self.scripts),
        )


@cache
def espeak_languages() -> tuple[EspeakLanguage, ...]:
    """The table in its order, read once."""
    content = tomllib.loads(files("vivavoce.speak").joinpath("espeak_voices.toml").read_text(encoding="utf-8"))
    rows = cast(dict[str, dict[str, str]], content)
    return tuple(
        EspeakLanguage(
            suffix,
            row["name"],
            row.get("espeak", suffix),
            row.get("language", suffix),
            frozenset({"LATIN", *row.get("script", "").split()}),
        )
        for suffix, row in rows.items()
    )


def espeak_voices() -> Mapping[str, EspeakVoice]:
    """All voices of the table by id."""
    return {one.voice.id: one for language in espeak_languages() for one in language.voices()}
