"""English words and sentences as Kokoro's phonemes: dictionary, context, endings, abbreviations, the unknown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.speak.g2p.english import EnglishPronouncer
from vivavoce.speak.kokoro_symbols import SYMBOL_IDS


@pytest.fixture(scope="module")
def american() -> EnglishPronouncer:
    return EnglishPronouncer("us")


@pytest.fixture(scope="module")
def british() -> EnglishPronouncer:
    return EnglishPronouncer("gb")


def test_a_published_sample_of_the_model_comes_out_as_it_was_trained(american: EnglishPronouncer) -> None:
    text = "The sky above the port was the color of television, tuned to a dead channel."
    expected = "ðə skˈI əbˈʌv ðə pˈɔɹt wʌz ðə kˈʌləɹ ʌv tˈɛləvˌɪʒən, tˈund tə ɐ dˈɛd ʧˈænᵊl."
    assert american.phonemes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the end", "ði ˈɛnd"),
        ("the car", "ðə kˈɑɹ"),
        ("to eat", "tʊ ˈit"),
        ("to go", "tə ɡˌO"),
        ("a pill", "ɐ pˈɪl"),
        ("vitamin A", "vˈITəmən ˈA"),
    ],
)
def test_function_words_lean_on_the_next_sound(american: EnglishPronouncer, text: str, expected: str) -> None:
    assert american.phonemes(text) == expected


@pytest.mark.parametrize(
    ("sentence", "other", "word"),
    [
        ("Please record it", "the record is old", "record"),
        ("I live in Rome", "a live show", "live"),
        ("He has read it", "I will read it", "read"),
        ("We use it daily", "the use of tools", "use"),
        ("You should close the door", "We are close to it", "close"),
        ("I used to sing", "I used the tool", "used"),
        ("He lives in Rome", "nine lives of cats", "lives"),
    ],
)
def test_words_with_two_readings_follow_their_neighbours(
    american: EnglishPronouncer, sentence: str, other: str, word: str
) -> None:
    def reading(text: str) -> str:
        return american.phonemes(text).split()[text.lower().split().index(word)]

    assert reading(sentence) != reading(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FBI", "ˌɛfbˌiˈI"),
        ("NASA", "nˈæsə"),
        ("APIs", "ˌApˌiˈIz"),
        ("STOP", "stˈɑp"),
        ("JSON", "ʤˈAsən"),
        ("PostgreSQL", "pˈOstɡɹɛs"),
    ],
)
def test_capitals_are_spelled_unless_they_are_a_word(american: EnglishPronouncer, text: str, expected: str) -> None:
    assert american.phonemes(text) == expected


def test_endings_follow_the_sound_of_the_stem(american: EnglishPronouncer) -> None:
    assert american.phonemes("Przybylski's").endswith("z")
    assert american.phonemes("webhooks") == american.phonemes("webhook") + "s"
    assert american.phonemes("tokenizes").endswith("ᵻz")


@pytest.mark.parametrize("name", ["Przybylski", "Xqzt", "Nguyen", "Mbappé", "Łódź", "Brobdingnagish"])
def test_an_unknown_name_comes_out_as_something(
    american: EnglishPronouncer, british: EnglishPronouncer, name: str
) -> None:
    for pronouncer in (american, british):
        said = pronouncer.phonemes(name)
        assert len(said) >= 3
        assert set(said) <= set(SYMBOL_IDS)


@pytest.mark.parametrize("text", ["", "   ", "你好", "😀", "...", "\n\n", "—", "'", "-", "()", "مرحبا"])
def test_what_cannot_be_read_is_silence(american: EnglishPronouncer, text: str) -> None:
    assert american.phonemes(text) == ""


def test_foreign_script_inside_a_sentence_is_left_out(american: EnglishPronouncer) -> None:
    assert american.phonemes("Say 你好 now") == american.phonemes("Say now")


def test_marks_stay_with_their_word(american: EnglishPronouncer) -> None:
    assert american.phonemes("Well, yes!") == "wˈɛl, jˈɛs!"
    assert american.phonemes("Wait... what?") == "wˈAt… wˌʌt?"


def test_the_accents_differ(american: EnglishPronouncer, british: EnglishPronouncer) -> None:
    assert american.phonemes("water") == "wˈɔTəɹ"
    assert british.phonemes("water") == "wˈɔːtə"


@given(st.text(max_size=80) | st.text(alphabet="aAzZ'-.,!?0189 \n", max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_yields_only_symbols_that_the_model_knows(text: str) -> None:
    for accent in ("us", "gb"):
        assert set(EnglishPronouncer(accent).phonemes(text)) <= set(SYMBOL_IDS)
