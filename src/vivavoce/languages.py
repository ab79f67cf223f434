"""Languages by code: their English names, and which of them Whisper tells apart. Knows no engine."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads(files("vivavoce").joinpath("languages.toml").read_text(encoding="utf-8"))


def whisper_languages() -> frozenset[str]:
    """The 99 languages that Whisper's multilingual models tell apart."""
    return frozenset(_tables()["heard_by_whisper"])


def name_of(language: str) -> str:
    """The English name of an ISO 639 code, or the code itself."""
    return str(_tables()["names"].get(language, language))


def code_of(name: str) -> str | None:
    """The code of a language that Whisper hears, by its code or its English name, in any case; None for any other."""
    asked = name.strip().lower()
    if asked in whisper_languages():
        return asked
    named = (code for code in sorted(whisper_languages()) if name_of(code).split(",")[0].lower() == asked)
    return next(named, None)
