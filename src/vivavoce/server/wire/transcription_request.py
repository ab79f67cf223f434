"""The forms of `POST /v1/audio/transcriptions` and `/v1/audio/translations`, and what they ask the listener for.

Shapes only; knows no route and no engine.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from vivavoce.errors import InvalidValue
from vivavoce.languages import name_of, whisper_languages
from vivavoce.listen.base import Chunking, ListenOptions

TextFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
DIARIZED = ("diarized_json", "rttm")
"""Formats that tell who speaks; `rttm` is ours."""

MOST_KNOWN_SPEAKERS = 4
MOST_KEYWORDS = 1_000

_OWN_CODES = whisper_languages() | {"yue"}


def _object(value: Any) -> Any:
    """An object within a form: its type alone, or JSON, or what was put together from `name[key]`."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.lstrip().startswith("{") else {"type": value}
    except (ValueError, RecursionError):
        return value


def _none_if_blank(value: Any) -> Any:
    """What a form leaves empty is not filled in."""
    return None if value == "" else value


class ChunkingStrategy(BaseModel):
    """`auto`: as the listener does it."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["auto", "server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0, le=3_000)] | None = None


Language = Annotated[str, Field(max_length=64)]
SpeakerName = Annotated[str, Field(min_length=1, max_length=64)]
Blank = BeforeValidator(_none_if_blank)


class HeardForm(BaseModel):
    """What both forms have."""

    model_config = ConfigDict(extra="forbid")

    file: bytes
    model: str
    prompt: Annotated[str | None, Blank] = None
    response_format: Annotated[TextFormat | None, Blank] = None
    temperature: Annotated[Annotated[float, Field(ge=0, le=1)] | None, Blank] = None

    @property
    def format(self) -> str:
        return self.response_format or "json"

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """As the form is sent: lists are named `name[]`."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        fields: dict[str, Any] = schema["properties"]
        schema["properties"] = {
            f"{name}[]" if each.get("type") == "array" else name: each for name, each in fields.items()
        }
        return schema


class TranslationRequest(HeardForm):
    def options(self) -> ListenOptions:
        return ListenOptions(prompt=self.prompt, task="translate", temperature=self.temperature or 0.0)


class TranscriptionRequest(HeardForm):
    response_format: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride]
        TextFormat | Literal["diarized_json", "rttm"] | None, Blank
    ] = None
    language: Annotated[Language | None, Blank] = None
    languages: Annotated[list[Language], Field(max_length=100)] = Field(default_factory=list[str])
    keywords: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=MOST_KEYWORDS)] = Field(
        default_factory=list[str]
    )
    include: list[Literal["logprobs"]] = Field(default_factory=list[Literal["logprobs"]])
    timestamp_granularities: list[Literal["word", "segment"]] = Field(default_factory=list[Literal["word", "segment"]])
    chunking_strategy: Annotated[ChunkingStrategy | None, BeforeValidator(_object), Blank] = None
    stream: Annotated[bool | None, Blank] = None
    known_speaker_names: Annotated[list[SpeakerName], Field(max_length=MOST_KNOWN_SPEAKERS)] = Field(
        default_factory=list[str]
    )
    known_speaker_references: Annotated[list[str], Field(max_length=MOST_KNOWN_SPEAKERS)] = Field(
        default_factory=list[str]
    )
    channels: Annotated[Literal["mix", "speakers"] | None, Blank] = None
    """Ours. `speakers`: each channel is a speaker of its own; their names are `known_speaker_names`, in order."""

    @property
    def wants_logprobs(self) -> bool:
        return "logprobs" in self.include

    @property
    def granularities(self) -> set[str]:
        return set(self.timestamp_granularities) or {"segment"}

    def check_supported(self) -> None:
        """Raises `InvalidRequest` for what cannot be answered, or not together."""
        if self.stream and self.format not in ("json", "text", "diarized_json"):
            raise _not_with(self.format, "response_format", "'stream' goes with 'json', 'text' and 'diarized_json'")
        for name in ("known_speaker_names", "known_speaker_references", "channels"):
            if getattr(self, name) and not self.diarized and self.channels != "mix":
                raise _not_with(self.format, name, "it goes with 'diarized_json' and 'rttm'")
        self._check_speakers()
        if self.timestamp_granularities and self.format != "verbose_json":
            raise _not_with(self.format, "timestamp_granularities", "they go with 'verbose_json'")
        if self.include and self.format not in ("json", "verbose_json"):
            raise _not_with(self.format, "include", "it goes with 'json' and 'verbose_json'")
        if self.language and self.languages:
            raise InvalidValue("Send either 'language' or 'languages', not both.", param="languages")

    @property
    def diarized(self) -> bool:
        return self.format in DIARIZED

    @property
    def by_channel(self) -> bool:
        return self.channels == "speakers"

    def _check_speakers(self) -> None:
        names, clips = self.known_speaker_names, self.known_speaker_references
        if self.by_channel and clips:
            raise InvalidValue(
                "Invalid 'known_speaker_references': with 'channels' set to 'speakers' the channel tells who speaks.",
                param="known_speaker_references",
            )
        if not self.by_channel and len(names) != len(clips):
            raise InvalidValue(
                f"Invalid 'known_speaker_references': there are {len(names)} names and {len(clips)} clips. Send one "
                "clip for each name.",
                param="known_speaker_references",
            )
        if len({" ".join(name.split()) for name in names}) < len(names) or not all(map(str.strip, names)):
            raise InvalidValue(
                "Invalid 'known_speaker_names': each name must be there once, and not blank.",
                param="known_speaker_names",
            )

    def options(self) -> ListenOptions:
        """Raises `InvalidValue` for what is no language."""
        chunking = None
        if (asked := self.chunking_strategy) is not None and asked.type == "server_vad":
            chunking = Chunking(
                threshold=asked.threshold,
                silence_s=_seconds(asked.silence_duration_ms),
                padding_s=_seconds(asked.prefix_padding_ms),
            )
        return ListenOptions(
            language=read_language(self.language, "language") if self.language else None,
            languages=tuple(
                dict.fromkeys(read_language(each, f"languages[{n}]") for n, each in enumerate(self.languages))
            ),
            prompt=self.prompt,
            keywords=tuple(dict.fromkeys(word for each in self.keywords if (word := " ".join(each.split())))),
            token_logprobs=self.wants_logprobs,
            temperature=self.temperature or 0.0,
            chunking=chunking,
        )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _not_with(fmt: str, param: str, why: str) -> InvalidValue:
    return InvalidValue(
        f"Invalid '{param}' with response_format '{fmt}': {why}.", param=param, code="unsupported_value"
    )


def read_language(given: str, param: str) -> str:
    """ISO 639-1 of a code ("en", "EN", "en-US") or an English name ("english"). Raises `InvalidValue`."""
    asked = given.strip().lower()
    base = re.split("[-_]", asked)[0]
    for code in (asked, base):
        if code in _OWN_CODES:
            return code
    for code in sorted(_OWN_CODES):
        if name_of(code).lower() == asked:
            return code
    raise InvalidValue(
        f"Invalid '{param}': '{given}' is no language that is heard here. Use ISO 639-1, for example 'en'.", param=param
    )
