"""The table of voices: which there are, which answers to an OpenAI name, and which stands in for which.

Reads `voices.toml` beside it. Knows no engine; an engine says which of the voices it has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, cast

from vivavoce.errors import InvalidValue
from vivavoce.speak.base import MAX_SPEED, MIN_SPEED, Voice
from vivavoce.speak.espeak_program import CURE
from vivavoce.speak.espeak_voices import espeak_languages, espeak_voices

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
            voice_id: Voice(
                voice_id,
                str(row["language"]),
                str(row["gender"]),
                str(row["description"]),
                str(row.get("engine", "kokoro")),
            )
            for voice_id, row in rows.items()
        },
        gains_db={voice_id: float(row["gain_db"]) for voice_id, row in rows.items()},
        openai=cast(dict[str, str], content["openai"]),
        default=cast(str, content["default"]),
    )


def resolve_voice(name: str, voices: Mapping[str, Voice], *, param: str | None = "audio.voice") -> str:
    """The id in `voices`, those of a speaker, that a caller means by `name`: an OpenAI name or a voice's own id.

    OpenAI names are answered by the speaker's first engine: by the voice of the table, or else by the one nearest to it
    in accent and gender. `param` is the path of the field for the error. Raises `InvalidValue` that lists every name
    that would do, or says how to get the voice.
    """
    if name in voices:
        return name
    wanted = voice_table().openai.get(name)
    if wanted is not None and voices:
        return _nearest(voice_table().voices[wanted], voices)
    if name in espeak_voices():
        cure = f"{CURE}, and let VIVA_SPEAK name espeak:ng"
        raise InvalidValue(f"Invalid value: '{name}'. For this voice {cure}.", param=param)
    if name in voice_table().voices and voice_table().voices[name].engine == "piper":
        cure = f"run `viva models pull {name}`, and let VIVA_SPEAK name piper:{name}"
        raise InvalidValue(f"Invalid value: '{name}'. For this voice {cure}.", param=param)
    names = [*(OPENAI_NAMES if voices else ()), *sorted(voices)]
    raise InvalidValue(f"Invalid value: '{name}'. Supported values are: {quoted_list(names)}.", param=param)


def _nearest(wanted: Voice, voices: Mapping[str, Voice]) -> str:
    first = next(iter(voices.values())).engine
    return min(
        (voice for voice in voices.values() if voice.engine == first),
        key=lambda voice: (
            voice.id != wanted.id,
            voice.primary_language != wanted.primary_language,
            voice.gender != wanted.gender,
            voice.language != wanted.language,
        ),
    ).id


_ALSO_CALLED: Final = {"no": ("nb", "nn")}
"""Codes of languages that a voice of another code reads as well."""


def stand_ins(voice: str, voices: Mapping[str, Voice]) -> dict[str, str]:
    """Language (ISO 639-1, else its longer code) -> the voice that speaks it in place of `voice`: itself for its own.

    For another language, the speaker's first engine that has it; there a voice of the same gender, if it has one.
    Voices whose language can't be read on this machine are left out. The choice is the same every time.
    """
    engines = list(dict.fromkeys(other.engine for other in voices.values()))
    gender = voices[voice].gender
    ranked = sorted(voices.values(), key=lambda other: (engines.index(other.engine), other.gender != gender))
    chosen: dict[str, str] = {}
    for other in (voices[voice], *ranked):
        if other.readable:
            language = other.primary_language
            for code in (language, *_ALSO_CALLED.get(language, ())):
                chosen.setdefault(code, other.id)
    return chosen


def check_asked(voice: str, speed: float, voices: Mapping[str, Voice]) -> None:
    """Raises `InvalidValue` where `voice` is none of `voices`, listing them, or `speed` is out of range."""
    if voice not in voices:
        raise InvalidValue(
            f"Invalid value: '{voice}'. Supported values are: {quoted_list(sorted(voices))}.", param="voice"
        )
    if not MIN_SPEED <= speed <= MAX_SPEED:
        raise InvalidValue(f"Invalid value: {speed}. The speed is from {MIN_SPEED} to {MAX_SPEED}.", param="speed")


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
    """docs/voices.md: the tables for people."""
    table = voice_table()
    lines = [
        "# Voices",
        "",
        "Written from `voices.toml` and `espeak_voices.toml` in `src/vivavoce/speak/`; compared by a test. To renew:",
        "`python -c \"from vivavoce.speak.voices import voices_page; print(voices_page(), end='')\" > docs/voices.md`.",
        "",
        f"A request may name an OpenAI voice or the id of any voice below. The default is `{table.default}`.",
        "An answer in another language than the voice's is spoken by a voice of that language: of the first engine in",
        "`VIVA_SPEAK` that has one, and of the same gender if it can be.",
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
        "A voice `piper-…` is there after `viva models pull piper-…`, where `VIVA_SPEAK` names `piper:piper-…`.",
    ]
    for language, title in _LANGUAGE_NAMES.items():
        lines += ["", f"### {title} ({language})", "", "| id | gender | sound |", "|---|---|---|"]
        rows = [voice for voice in table.voices.values() if voice.language == language]
        lines += [f"| {voice.id} | {voice.gender} | {voice.description} |" for voice in rows]
    lines += [
        "",
        "### Any other language, through espeak-ng",
        "",
        "Where the program espeak-ng is installed, each of these is a male voice; with `-female` behind it, a female",
        "one. They are quick, and plain to hear as synthetic. An older program may lack a few.",
        "",
        "| id | language |",
        "|---|---|",
    ]
    lines += [f"| espeak-{language.suffix} | {language.title} |" for language in espeak_languages()]
    return "\n".join(lines) + "\n"
