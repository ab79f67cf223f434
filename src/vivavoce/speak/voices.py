"""The table of voices: Kokoro's 54, and which of them answers to each OpenAI voice name.

Reads `voices.toml` beside it. Knows no engine; an engine says which of the voices it has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, cast

from vivavoce.errors import InvalidValue
from vivavoce.speak.base import Voice

OPENAI_NAMES: Final = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "fable",
    "nova",
    "onyx",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
"""The 13 voice names of OpenAI's speech endpoints, in their order."""


@dataclass(frozen=True, slots=True)
class VoiceTable:
    """What `voices.toml` says. `gains_db` is the level correction of each voice; `openai` maps name -> voice id."""

    voices: Mapping[str, Voice]
    gains_db: Mapping[str, float]
    openai: Mapping[str, str]
    default: str


@cache
def voice_table() -> VoiceTable:
    """The table, read once."""
    content = tomllib.loads(files("vivavoce.speak").joinpath("voices.toml").read_text(encoding="utf-8"))
    rows = cast(dict[str, dict[str, str | float]], content["voices"])
    return VoiceTable(
        voices={
            voice_id: Voice(voice_id, str(row["language"]), str(row["gender"]), str(row["description"]))
            for voice_id, row in rows.items()
        },
        gains_db={voice_id: float(row["gain_db"]) for voice_id, row in rows.items()},
        openai=cast(dict[str, str], content["openai"]),
        default=cast(str, content["default"]),
    )


def resolve_voice(name: str, available: Collection[str], *, param: str | None = "audio.voice") -> str:
    """The id in `available` that a caller means by `name`: an OpenAI name or a voice's own id.

    `param` is the path of the field for the error. Raises `InvalidValue` that lists every name that would do.
    """
    table = voice_table()
    wanted = table.openai.get(name, name)
    if wanted in available:
        return wanted
    names = [openai for openai in OPENAI_NAMES if table.openai.get(openai) in available]
    names += sorted(voice for voice in available if voice not in names)
    raise InvalidValue(f"Invalid value: '{name}'. Supported values are: {quoted_list(names)}.", param=param)


def stand_ins(voice: str, voices: Mapping[str, Voice], readable: Callable[[str], bool]) -> dict[str, str]:
    """Language (ISO 639-1) -> the voice that speaks it in place of `voice`: itself for its own, else one of its gender.

    Languages for which `readable` (asked with BCP 47) says no are left out. The choice is the same every time.
    """
    chosen: dict[str, str] = {}
    ranked = sorted(voices.values(), key=lambda other: (other.gender != voices[voice].gender, other.id))
    for other in (voices[voice], *ranked):
        if readable(other.language):
            chosen.setdefault(other.language.split("-")[0], other.id)
    return chosen


def quoted_list(names: Sequence[str]) -> str:
    """`'a', 'b', and 'c'`, as OpenAI's own messages list values."""
    quoted = [f"'{name}'" for name in names]
    if len(quoted) <= 2:
        return " and ".join(quoted)
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}"


_LANGUAGE_NAMES = {
    **{"en-US": "English, American", "en-GB": "English, British", "es": "Spanish", "fr": "French", "hi": "Hindi"},
    **{"it": "Italian", "ja": "Japanese", "pt-BR": "Portuguese, Brazilian", "zh": "Chinese, Mandarin"},
}


def voices_page() -> str:
    """docs/voices.md: the table for people, written from `voices.toml`."""
    table = voice_table()
    lines = [
        "# Voices",
        "",
        "Written from `src/vivavoce/speak/voices.toml`; a test compares the two. Change the table there, then run",
        "`python -c \"from vivavoce.speak.voices import voices_page; print(voices_page(), end='')\" > docs/voices.md`.",
        "",
        f"A request may name an OpenAI voice or the id of any voice below. The default is `{table.default}`.",
        "",
        "## OpenAI names",
        "",
        "| name | answered by | language | gender | sound |",
        "|---|---|---|---|---|",
    ]
    for name in OPENAI_NAMES:
        voice = table.voices[table.openai[name]]
        lines.append(f"| {name} | {voice.id} | {voice.language} | {voice.gender} | {voice.description} |")
    lines += [
        "",
        "## All voices",
        "",
        "Pitch is the median of one sentence; pace is given for English. French, Hindi and Portuguese need the program",
        "espeak-ng, Japanese kanji the package pyopenjtalk-plus, Chinese the package pypinyin (docs/engines/speak.md).",
    ]
    for language, title in _LANGUAGE_NAMES.items():
        lines += ["", f"### {title} ({language})", "", "| id | gender | sound |", "|---|---|---|"]
        rows = [voice for voice in table.voices.values() if voice.language == language]
        lines += [f"| {voice.id} | {voice.gender} | {voice.description} |" for voice in rows]
    return "\n".join(lines) + "\n"
