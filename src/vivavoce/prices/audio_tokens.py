"""How many tokens vendors make of a second of sound: we count as OpenAI does, `audio_tokens.toml` has who does not."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from vivavoce.usage import INPUT_TOKENS_PER_S, OUTPUT_TOKENS_PER_S


@dataclass(frozen=True, slots=True)
class AudioTokens:
    """Per second of what is heard and of what is spoken; output_per_s None: not known, or it does not speak."""

    input_per_s: int
    output_per_s: int | None
    source: str | None = None
    seen_on: date | None = None


OURS = AudioTokens(INPUT_TOKENS_PER_S, OUTPUT_TOKENS_PER_S)


def audio_tokens(model: str) -> AudioTokens:
    """As the vendor of `model` counts them; `OURS` where nothing else is known."""
    return next((counted for patterns, counted in _counted() if any(fnmatchcase(model, p) for p in patterns)), OURS)


@cache
def _counted() -> tuple[tuple[list[str], AudioTokens], ...]:
    entries = tomllib.loads((Path(__file__).parent / "audio_tokens.toml").read_text(encoding="utf-8"))["counted"]
    return tuple(
        (
            entry["models"],
            AudioTokens(entry["input_per_s"], entry.get("output_per_s"), entry["source"], entry["seen_on"]),
        )
        for entry in entries
    )
