"""The hearing note: what is told, what goes without saying, and that it is short."""

from __future__ import annotations

import pytest

from vivavoce.languages import name_of
from vivavoce.listen.base import Heard, Segment, Word
from vivavoce.listen.manner import CIRCUMPLEX, Prosody, Tone
from vivavoce.listen.note import asking_back, hearing_note, unclear

PROSODY = Prosody(120.0, 4.0, -20.0, 4.0, 0, 0.0)


def heard(language: str | None = "en", sure: float = 0.99, **emotions: float) -> Heard:
    segment = Segment("yes", 0.0, 1.0, language, sure, 0.0)
    tones = (Tone(tuple(emotions.items()), PROSODY, 1.0),) if emotions else ()
    return Heard("yes", language, sure, 0.0, 1.0, (segment,), tones)


def in_turn(*languages: str, sure: float = 0.9) -> Heard:
    return Heard.of([Segment("yes", n, n + 1.0, code, sure, 0.0) for n, code in enumerate(languages)], len(languages))


@pytest.mark.parametrize(
    ("what", "before", "note"),
    [
        (heard(), None, ""),
        (heard(neutral=1.0), "en", ""),
        (heard(anger=0.7, neutral=0.3), "en", "[sounds angry]"),
        (heard(anger=0.1, fear=0.7, neutral=0.2), None, "[sounds afraid]"),
        (heard(anger=0.4, fear=0.35, neutral=0.25), "en", "[sounds angry or afraid]"),
        (heard(anger=0.3, fear=0.4, happiness=0.3), "en", "[sounds afraid or angry]"),
        (heard(anger=0.25, fear=0.2, neutral=0.55), "en", ""),
        (heard(anger=0.2, fear=0.15, sadness=0.35, neutral=0.3), "en", ""),
        (heard(happiness=0.9, neutral=0.1), "en", ""),
        (heard(anger=0.25, fear=0.2, happiness=0.5, neutral=0.05), "en", ""),
        (heard(sadness=0.8, neutral=0.2), "en", ""),
        (heard(sadness=0.95, neutral=0.05), "en", "[sounds sad]"),
        (heard(boredom=1.0), "en", ""),
        (heard("de"), "en", "[in German]"),
        (heard("de"), None, ""),
        (heard("de", sure=0.5), "en", ""),
        (heard("de", anger=0.9, neutral=0.1), "en", "[in German, sounds angry]"),
        (heard(None, sure=0.0), "en", ""),
        (in_turn("de", "en"), None, "[in German then English]"),
        (in_turn("en", "de", "en"), "en", "[in English then German]"),
        (in_turn("de", "en", sure=0.5), "de", ""),
        (in_turn("de", "de"), "de", ""),
        (in_turn("de", "en", "pl", "fr"), "de", "[in several languages]"),
    ],
)
def test_what_is_sure_and_not_evident_is_told(what: Heard, before: str | None, note: str) -> None:
    assert hearing_note(what, before) == note


def test_no_note_is_long() -> None:
    """Half as many words as the tokens that are allowed."""
    for emotion in CIRCUMPLEX:
        for language in ("de", "zh", "ht"):
            note = hearing_note(heard(language, **{emotion: 1.0}), "en")
            assert len(note.split()) <= 7, (note, name_of(language))


def said(*words: tuple[str, float], language: str = "en") -> Heard:
    made = tuple(Word(text, number, number + 1.0, sure) for number, (text, sure) in enumerate(words))
    text = " ".join(word.text for word in made)
    return Heard(text, language, 0.99, 0.0, 9.0, (Segment(text, 0.0, 9.0, language, 0.99, 0.0, made),))


def test_unclear_words_that_matter_are_told_neighbours_together_and_the_least_sure_first() -> None:
    heard = said(("What", 0.9), ("grows", 0.4), ("in", 0.1), ("Cash", 0.3), ("Validation,", 0.2), ("Ohio?", 0.44))
    assert unclear(heard) == ["Cash Validation, Ohio", "grows"]
    assert hearing_note(heard) == '[unclear: "Cash Validation, Ohio", "grows"]'


def test_what_is_clear_or_too_short_to_matter_is_not_unclear() -> None:
    assert unclear(said(("What", 0.46), ("is", 0.1), ("it?", 0.2))) == []


def test_where_all_is_unclear_no_list_of_it_helps_but_asking_does() -> None:
    heard = said(*[("something", 0.1)] * 12)
    assert hearing_note(heard) == ""
    assert asking_back(heard) == "Did you say"


@pytest.mark.parametrize(
    ("heard", "beginning"),
    [
        (said(("Where", 0.9), ("is", 0.9), ("Riga?", 0.2)), "Did you say"),
        (said(("Wo", 0.9), ("liegt", 0.9), ("Riga?", 0.2), language="de"), "Sagten Sie"),
        (said(("Where", 0.9), ("is", 0.9), ("Riga?", 0.9)), ""),
        (said(("Seven.", 0.2)), ""),
        (said(("Where", 0.9), ("is", 0.9), ("Riga?", 0.2), language="haw"), ""),
    ],
)
def test_an_answer_begins_by_asking_where_that_helps(heard: Heard, beginning: str) -> None:
    assert asking_back(heard) == beginning
