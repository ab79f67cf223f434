"""What is to be probed: one target by options, or several by a TOML file. A key is named, never written."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from vivavoce.errors import InvalidValue
from vivavoce.probe.grid import LEAST_EVERY_S, Grid, spread
from vivavoce.probe.question import ASK
from vivavoce.probe.rows import Key

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
NO_KEY = "none"
"""Sent where no key is named: the client wants one."""

MODEL = "gpt-4o-mini-audio-preview"


def seconds(told: object) -> object:
    """`30s`, `5m`, `24h` or `7d` in seconds; anything else as it is."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", told) if isinstance(told, str) else None
    return int(found[1]) * UNITS_S[found[2]] if found else told


def span(text: str) -> int:
    """`30s`, `5m`, `24h` or `7d` in seconds. Raises `InvalidValue`."""
    found = seconds(text)
    if not isinstance(found, int) or found <= 0:
        raise InvalidValue(f"{text!r} is no span of time: say 30s, 5m, 24h or 7d.")
    return found


Span = Annotated[int, BeforeValidator(seconds)]
Usd = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class Target(BaseModel):
    """What is asked, where, and how often. Times in seconds, in files `30s`, `5m`, `24h`.

    name: what reports call it; by default the host. every None: asked once, on no fixed times. offset: of its times
    from whole multiples of `every`; by default one of its own. key_env: the environment variable that holds its key.
    sound: a recording to ask with, or one of ours, in place of `ask` being spoken (by espeak-ng, or `speech_url`).
    expect: a pattern to be found in the answer's words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
    base_url: str = Field(pattern=r"^https?://")
    model: str = Field(MODEL, min_length=1, max_length=200)
    every: Span | None = Field(None, ge=LEAST_EVERY_S, le=7 * 86_400)
    offset: Span | None = Field(None, ge=0)
    timeout: Span = Field(60, ge=1, le=600)
    voice: str = "alloy"
    ask: str = Field(ASK, min_length=1, max_length=500)
    sound: str = ""
    speech_url: str = ""
    speech_key_env: str = ""
    expect: str = ""
    key_env: str = ""
    budget_per_day: Usd | None = None
    budget_per_month: Usd | None = None
    unpriced: bool = False

    @field_validator("base_url", "speech_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            secret = parts.username or parts.password or parts.query or parts.fragment
        except ValueError as error:
            raise ValueError("this is no URL") from error
        if secret:
            raise ValueError("a base URL ends with its path, as https://api.example.com/v1: keys go by key_env")
        return url.rstrip("/")

    @field_validator("expect")
    @classmethod
    def _is_pattern(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"this is no pattern: {error}") from error
        return pattern

    @property
    def title(self) -> str:
        return self.name or urlsplit(self.base_url).netloc

    @property
    def series(self) -> Key:
        """What its rows are counted under."""
        return self.title, self.model

    def grid(self, *, of_cron: bool = False) -> Grid | None:
        """Its due times; by default those of cron, or such as no other target has."""
        if self.every is None:
            return None
        default = 0 if of_cron else spread(self.title, self.every)
        return Grid(self.every, (default if self.offset is None else self.offset) % self.every)

    def key(self) -> str:
        """Raises `InvalidValue` where the variable that is named does not hold one."""
        return _key(self.key_env, self.title)

    def speech_key(self) -> str:
        """That of the speech endpoint: its own, or the target's where it is the same host. Raises as `key` does."""
        if self.speech_key_env:
            return _key(self.speech_key_env, self.title)
        same = urlsplit(self.speech_url)[:2] == urlsplit(self.base_url)[:2]
        return self.key() if same else NO_KEY


def _key(variable: str, title: str) -> str:
    if not variable:
        return NO_KEY
    if not (key := os.environ.get(variable, "")):
        raise InvalidValue(f"The key of {title} is to be in the environment variable {variable}, which is not set.")
    return key


def target(told: Mapping[str, Any]) -> Target:
    """Raises `InvalidValue` with the field that is wrong."""
    try:
        return Target(**told)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "target"
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            said = "there is no such setting"
            if "key" in name or "token" in name:
                said += "; name the environment variable that holds the key by key_env, and keep the key out of files"
        raise InvalidValue(f"{name}: {said}.", param=name) from error


def read_targets(file: Path) -> list[Target]:
    """The tables `[[target]]` of a TOML file; what stands above them holds for all. Raises `InvalidValue`."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidValue(f"The targets in {file} cannot be read: {error}.") from error
    tables: Any = told.pop("target", None)
    if (
        not isinstance(tables, list)
        or not tables
        or not all(isinstance(each, dict) for each in cast("list[Any]", tables))
    ):
        raise InvalidValue(f"{file} names no target: each begins with a line [[target]], and has a base_url.")
    found: list[Target] = []
    for number, table in enumerate(cast("list[dict[str, Any]]", tables), 1):
        try:
            found.append(target({"every": "5m"} | told | table))
        except InvalidValue as error:
            raise InvalidValue(f"{file}, target {number}: {error.message}", param=error.param) from error
    titles = [each.title for each in found]
    if twice := sorted({title for title in titles if titles.count(title) > 1}):
        raise InvalidValue(f"{file}: several targets are called {', '.join(twice)}; give each a name of its own.")
    return found
