"""The answer's language, and the voice that stands in for it."""

from __future__ import annotations

import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from importlib.resources import files

import pytest

from vivavoce.errors import InvalidValue
from vivavoce.speak.base import Voice
from vivavoce.speak.clauses import ClauseSplitter
from vivavoce.speak.language import load, written_language
from vivavoce.speak.saying import Saying
from vivavoce.speak.voices import stand_ins, voice_table

KNOWN = ("en", "es", "fr", "it", "pt", "ja", "zh", "hi")
MORE = (
    "ar bg bs ca cs da de el et fa fi ga hr hu hy id is ka ko lt lv mk ms mt nl no pl ro ru sk sl sq sr sv sw ta te th "
    "tr uk ur vi"
)
MANY = (*KNOWN, *MORE.split())
VOICES = {name: voice for name, voice in voice_table().voices.items() if voice.engine == "kokoro"}


def first_clause(text: str) -> str:
    splitter = ClauseSplitter()
    return [*splitter.feed(text), *splitter.flush()][0].text


def first_clauses() -> list[tuple[str, str]]:
    """(language, what the first decision is made on) of the benchmark's sentences, which nothing was chosen by."""
    sentences = tomllib.loads(files("vivavoce.bench").joinpath("sentences.toml").read_text(encoding="utf-8"))
    return [(language, first_clause(text)) for language, texts in sentences.items() for text in texts]


@pytest.mark.parametrize(
    ("text", "likely", "language"),
    [
        ("The capital of Italy is Rome.", "en", "en"),
        ("Roma es la capital.", "es", "es"),
        ("La capital de Australia es Sydney.", "pl", "es"),
        ("Roma es la capital de Italia y está en el centro.", "en", "es"),
        ("Le chat dort sur le canapé du salon.", "en", "fr"),
        ("Il gatto dorme sul divano del soggiorno.", "en", "it"),
        ("O gato está dormindo no sofá da sala.", "en", "pt"),
        ("Die Katze schläft auf dem Sofa im Wohnzimmer.", "en", "de"),
        ("De kat slaapt op de bank in de woonkamer.", "de", "nl"),
        ("Kot śpi na kanapie w salonie.", "en", "pl"),
        ("Кошка спит на диване в гостиной.", "ru", "ru"),
        ("Кішка спить на дивані у вітальні.", "ru", "uk"),
        ("القطة تنام على الأريكة في غرفة المعيشة.", "en", "ar"),
        ("고양이가 거실 소파에서 자고 있어요.", "en", "ko"),
        ("แมวนอนอยู่บนโซฟาในห้องนั่งเล่น", "en", "th"),
        ("猫在客厅的沙发上睡觉。", "en", "zh"),
        ("猫は居間のソファで寝ています。", "zh", "ja"),
        ("京都", "ja", "ja"),
        ("京都", "zh", "zh"),
        ("बिल्ली बैठक में सोफ़े पर सो रही है।", "en", "hi"),
        ("The cat is asleep on the sofa.", "de", "en"),
        ("Zuerst öffnest du Visual Studio Code und klickst auf Run.", "de", "de"),
        ("Der Song Bohemian Rhapsody von Queen.", "de", "de"),
        ("The German word for cat is Katze.", "en", "en"),
    ],
)
def test_the_language_of_a_clause(text: str, likely: str | None, language: str | None) -> None:
    assert written_language(text, likely, MANY) == language


@pytest.mark.parametrize("text", ["", "!", "42", "3.14", "…", "🙂", "Berlin.", "OK!", "Queen.", "x = 1", "`git log`"])
@pytest.mark.parametrize("likely", ["fr", "de", "pl"])
def test_what_tells_no_language_is_left_to_the_prior(text: str, likely: str) -> None:
    assert written_language(text, likely, MANY) == likely


@pytest.mark.parametrize("text", ["", "!", "42", "OK!"])
def test_without_a_prior_what_tells_no_language_has_none(text: str) -> None:
    assert written_language(text, None, MANY) is None


def test_an_expected_language_that_the_model_does_not_know_gives_way_to_a_clear_answer_only() -> None:
    assert written_language("The cat is asleep on the sofa.", "haw", (*MANY, "haw")) == "en"
    assert written_language("Ke hiamoe nei ka pōpoki.", "haw", (*MANY, "haw")) == "haw"


def test_first_clauses_of_many_languages() -> None:
    clauses = first_clauses()
    wrongly_switched = [(code, text) for code, text in clauses if written_language(text, code, MANY) != code]
    assert len(wrongly_switched) <= 0.01 * len(clauses), wrongly_switched
    foreign = [(code, text) for code, text in clauses if code != "en"]
    missed = [(code, text) for code, text in foreign if written_language(text, "en", MANY) != code]
    assert len(missed) <= 0.06 * len(foreign), missed
    english = [text for code, text in clauses if code == "en"]
    stuck = [(code, text) for code in MANY for text in english if written_language(text, code, MANY) != "en"]
    assert len(stuck) <= 0.03 * len(english) * len(MANY), stuck


def test_deciding_is_quick_and_loads_nothing_until_asked() -> None:
    code = "import sys, vivavoce.turn; sys.exit('py3langid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    load()
    clauses = first_clauses()
    started_s = time.process_time()
    for language, clause in clauses:
        written_language(clause, language, MANY)
    assert (time.process_time() - started_s) / len(clauses) < 0.002


def test_a_language_nobody_can_speak_is_left_to_the_voice_that_was_asked_for() -> None:
    assert written_language("你好", "en", ("en", "es")) == "en"
    saying = Saying("af_heart", stand_ins={"en": "af_heart"})
    assert saying.suited_to("你好。", "zh") == saying
    assert saying.suited_to("Guten Morgen, wie geht es dir?", "de") == saying
    unspeakable = [(code, text) for code, text in first_clauses() if code not in KNOWN]
    misread = [text for _, text in unspeakable if written_language(text, "en", KNOWN) != "en"]
    assert len(misread) <= 0.02 * len(unspeakable), misread


def test_stand_ins_keep_the_voice_for_its_own_language_and_its_gender_for_others() -> None:
    chosen = stand_ins("am_michael", VOICES)
    assert chosen["en"] == "am_michael"
    assert set(chosen) == set(KNOWN)
    for language in ("es", "hi", "it", "ja", "pt", "zh"):
        assert VOICES[chosen[language]].gender == "male"
        assert VOICES[chosen[language]].language.split("-")[0] == language
    unread = {name: replace(voice, readable=voice.language != "fr") for name, voice in VOICES.items()}
    assert "fr" not in stand_ins("am_michael", unread)


def test_the_first_engine_that_has_a_language_stands_in_then_the_gender_counts() -> None:
    voices = dict(VOICES)
    for engine, language in (("b", "en-US"), ("c", "fr"), ("c", "de"), ("c", "no")):
        for gender in ("male", "female"):
            voices[f"{engine}-{language}-{gender}"] = Voice(
                f"{engine}-{language}-{gender}", language, gender, engine=engine
            )
    chosen = stand_ins("am_michael", voices)
    assert chosen["fr"] == "ff_siwis"  # a woman of the first engine before a man of another
    assert (chosen["de"], stand_ins("af_heart", voices)["de"]) == ("c-de-male", "c-de-female")
    assert chosen["no"] == chosen["nb"] == chosen["nn"] == "c-no-male"
    assert stand_ins("c-de-female", voices)["en"][:2] == "af"
    assert stand_ins("b-en-US-male", voices)["en"] == "b-en-US-male"


def test_an_answer_in_another_language_gets_another_voice_once() -> None:
    saying = Saying.with_voice("alloy", VOICES)
    spanish = saying.suited_to("La respuesta es que no lo sé.", "es")
    assert (spanish.voice[:2], spanish.language) == ("ef", "es")
    assert saying.suited_to("The answer is no.", "en") == saying


def test_an_unknown_voice_lists_the_names() -> None:
    with pytest.raises(InvalidValue, match="'alloy', 'ash'") as caught:
        Saying.with_voice("gandalf", VOICES, param="audio.voice")
    assert caught.value.param == "audio.voice"
