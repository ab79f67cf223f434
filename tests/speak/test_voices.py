"""The table of voices, the OpenAI names, and the page that people read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.speak.base import Voice
from vivavoce.speak.espeak_voices import espeak_languages, espeak_voices
from vivavoce.speak.voices import OPENAI_NAMES, quoted_list, resolve_voice, voice_table, voices_page

PAGE = Path(__file__).parents[2] / "docs" / "voices.md"


def test_there_are_54_voices_of_kokoro_in_nine_languages() -> None:
    voices = {name: voice for name, voice in voice_table().voices.items() if voice.engine == "kokoro"}
    assert len(voices) == 54
    assert {voice.language for voice in voices.values()} == {
        *("en-US", "en-GB", "es", "fr", "hi", "it", "ja", "pt-BR", "zh")
    }


def test_each_openai_name_has_a_voice_of_its_own() -> None:
    table = voice_table()
    assert set(table.openai) == set(OPENAI_NAMES)
    assert len(set(table.openai.values())) == 13
    assert set(table.openai.values()) <= set(table.voices)
    assert table.default in OPENAI_NAMES


def test_openai_names_and_own_ids_resolve() -> None:
    available = voice_table().voices
    assert resolve_voice("alloy", available) == voice_table().openai["alloy"]
    assert resolve_voice("zf_xiaobei", available) == "zf_xiaobei"


@pytest.mark.parametrize("name", OPENAI_NAMES)
def test_every_openai_name_is_answered_whatever_voices_there_are(name: str) -> None:
    espeak = {voice_id: one.voice for voice_id, one in espeak_voices().items()}
    gender = voice_table().voices[voice_table().openai[name]].gender
    assert espeak[resolve_voice(name, espeak)].gender == gender
    assert espeak[resolve_voice(name, espeak)].primary_language == "en"
    only = Voice("only", "de", "male", engine="own")
    assert resolve_voice(name, {"only": only}) == "only"
    # The first engine answers, although another has the table's own voice.
    assert resolve_voice(name, {"only": only, **voice_table().voices}) == "only"
    assert resolve_voice(name, {**voice_table().voices, "only": only}) == voice_table().openai[name]


def test_a_voice_of_a_missing_program_names_the_cure() -> None:
    with pytest.raises(InvalidValue, match=r"'espeak-de'.*install the program espeak-ng .*VIVA_SPEAK") as raised:
        resolve_voice("espeak-de", voice_table().voices)
    assert raised.value.param == "audio.voice"


def test_espeak_ids_and_languages_are_told_apart() -> None:
    languages = espeak_languages()
    assert len({row.language for row in languages}) == len(languages) > 100
    assert len(espeak_voices()) == 2 * len(languages)
    assert all(re.fullmatch(r"espeak-[a-z0-9-]+", voice_id) for voice_id in espeak_voices())
    assert all(re.fullmatch(r"[a-z]{2,3}(-([A-Z]{2}|[0-9]{3}))?(-scotland|-x-[a-z]+)?", r.language) for r in languages)


def test_an_unknown_voice_lists_all_and_names_the_field() -> None:
    with pytest.raises(InvalidValue) as raised:
        resolve_voice("x", voice_table().voices)
    message = raised.value.message
    assert message.startswith("Invalid value: 'x'. Supported values are: 'alloy', 'ash', ")
    assert message.endswith(", and 'zm_yunyang'.")
    assert all(f"'{name}'" in message for name in [*OPENAI_NAMES, *voice_table().voices])
    assert raised.value.param == "audio.voice"
    assert raised.value.code == "invalid_value"


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "'a'"), (["a", "b"], "'a' and 'b'"), (["a", "b", "c"], "'a', 'b', and 'c'")]
)
def test_lists_read_like_the_original(names: list[str], text: str) -> None:
    assert quoted_list(names) == text


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == voices_page()
