"""The table of voices, the OpenAI names, and the page that people read."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.speak.voices import OPENAI_NAMES, quoted_list, resolve_voice, voice_table, voices_page

PAGE = Path(__file__).parents[2] / "docs" / "voices.md"


def test_there_are_54_voices_in_nine_languages() -> None:
    voices = voice_table().voices
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


def test_an_openai_name_whose_voice_is_missing_is_not_offered() -> None:
    with pytest.raises(InvalidValue) as raised:
        resolve_voice("alloy", ["bm_george"])
    assert raised.value.message == "Invalid value: 'alloy'. Supported values are: 'ballad' and 'bm_george'."


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
