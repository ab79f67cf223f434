"""The answer's language, and the voice that stands in for it."""

from __future__ import annotations

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.speak.language import written_language
from vivavoce.speak.saying import Saying
from vivavoce.speak.voices import stand_ins, voice_table

KNOWN = ("en", "es", "fr", "it", "pt", "ja", "zh", "hi")
VOICES = voice_table().voices


@pytest.mark.parametrize(
    ("text", "likely", "language"),
    [
        ("The capital of France is Paris.", "en", "en"),
        ("La capital de Francia es París.", "es", "es"),
        ("La capital de Francia es París y está en el norte.", "en", "es"),
        ("La capitale de la France est Paris, c'est une grande ville.", "en", "fr"),
        ("La capitale della Francia è Parigi.", "en", "it"),
        ("A capital da França é Paris, uma cidade muito grande no norte do país.", "en", "pt"),
        ("你好，我很好。", "en", "zh"),
        ("東京", "ja", "ja"),
        ("こんにちは、元気です。", "en", "ja"),
        ("नमस्ते, मैं ठीक हूँ।", "en", "hi"),
        ("The answer is yes, of course.", "es", "en"),
        ("Paris.", "fr", "fr"),
        ("Paris.", "en", "en"),
        ("42", "es", "es"),
        ("", "en", "en"),
        ("", None, None),
    ],
)
def test_the_language_of_a_clause(text: str, likely: str | None, language: str | None) -> None:
    assert written_language(text, likely, KNOWN) == language


def test_a_language_nobody_can_speak_is_left_to_the_voice_that_was_asked_for() -> None:
    assert written_language("你好", "en", ("en", "es")) == "en"
    saying = Saying("af_heart", stand_ins={"en": "af_heart"})
    assert saying.suited_to("你好。", "zh") == saying
    assert saying.suited_to("Guten Morgen, wie geht es dir?", "de") == saying


def test_stand_ins_keep_the_voice_for_its_own_language_and_its_gender_for_others() -> None:
    chosen = stand_ins("am_michael", VOICES, lambda language: True)
    assert chosen["en"] == "am_michael"
    assert set(chosen) == set(KNOWN)
    for language in ("es", "hi", "it", "ja", "pt", "zh"):
        assert VOICES[chosen[language]].gender == "male"
        assert VOICES[chosen[language]].language.split("-")[0] == language
    assert "fr" not in stand_ins("am_michael", VOICES, lambda language: language != "fr")


def test_an_answer_in_another_language_gets_another_voice_once() -> None:
    saying = Saying.with_voice("alloy", VOICES)
    spanish = saying.suited_to("La respuesta es que no lo sé.", "es")
    assert (spanish.voice[:2], spanish.language) == ("ef", "es")
    assert saying.suited_to("The answer is no.", "en") == saying


def test_an_unknown_voice_lists_the_names() -> None:
    with pytest.raises(InvalidValue, match="'alloy', 'ash'") as caught:
        Saying.with_voice("gandalf", VOICES, param="audio.voice")
    assert caught.value.param == "audio.voice"
