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
