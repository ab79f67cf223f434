"""The hearing note: what is told, what goes without saying, and that it is short."""

from __future__ import annotations

import pytest

from vivavoce.languages import name_of
from vivavoce.listen.base import Heard, Segment
from vivavoce.listen.manner import CIRCUMPLEX, Prosody, Tone
from vivavoce.listen.note import hearing_note

PROSODY = Prosody(120.0, 4.0, -20.0, 4.0, 0, 0.0)


def heard(language: str | None = "en", sure: float = 0.99, **emotions: float) -> Heard:
    segment = Segment("yes", 0.0, 1.0, language, sure, 0.0)
    tones = (Tone(tuple(emotions.items()), PROSODY, 1.0),) if emotions else ()
    return Heard("yes", language, sure, 0.0, 1.0, (segment,), tones)


@pytest.mark.parametrize(
    ("what", "before", "note"),
    [
        (heard(), None, ""),
        (heard(neutral=1.0), "en", ""),
        (heard(anger=0.7, neutral=0.3), "en", "[sounds angry]"),
        (heard(anger=0.1, fear=0.7, neutral=0.2), None, "[sounds afraid]"),
        (heard(anger=0.4, fear=0.35, neutral=0.25), "en", "[sounds upset]"),
        (heard(anger=0.25, fear=0.2, neutral=0.55), "en", ""),
        (heard(anger=0.2, fear=0.15, sadness=0.35, neutral=0.3), "en", ""),
        (heard(happiness=0.7, neutral=0.3), "en", "[sounds happy]"),
        (heard(sadness=0.8, neutral=0.2), "en", ""),
        (heard(sadness=0.95, neutral=0.05), "en", "[sounds sad]"),
        (heard(boredom=1.0), "en", ""),
        (heard("de"), "en", "[in German]"),
        (heard("de"), None, ""),
        (heard("de", sure=0.5), "en", ""),
        (heard("de", anger=0.9, neutral=0.1), "en", "[in German, sounds angry]"),
        (heard(None, sure=0.0), "en", ""),
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
