"""What is known of each model without measuring it: `facts.toml`, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Facts:
    """See the head of `facts.toml`. Texts are empty and the rest is None where nobody says."""

    name: str
    title: str
    about: str
    maker: str = ""
    where: str = ""
    licence: str = ""
    profile: bool = False
    preview: bool = False
    aliases: tuple[str, ...] = ()
    context_tokens: int | None = None
    output_tokens: int | None = None
    longest_audio: str = ""
    audio_counted: str = ""
    released: date | None = None
    shut_down: date | None = None
    successor: str = ""
    sources: tuple[str, ...] = ()
    reviewed: date | None = None


@cache
def all_facts() -> Mapping[str, Facts]:
    """By name, in the order of the file."""
    table: dict[str, dict[str, Any]] = tomllib.loads(
        files("vivavoce.board").joinpath("facts.toml").read_text(encoding="utf-8")
    )
    return {name: _facts(name, entry) for name, entry in table.items()}


def facts_of(name: str) -> Facts | None:
    """Of a model, by its own name or a dated one."""
    known = all_facts()
    return known.get(name) or next((each for each in known.values() if name in each.aliases), None)


def _facts(name: str, entry: dict[str, Any]) -> Facts:
    lists: dict[str, Any] = {key: tuple(entry[key]) for key in ("aliases", "sources") if key in entry}
    return Facts(name=name, **{**entry, **lists})
