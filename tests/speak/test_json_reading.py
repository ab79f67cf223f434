"""JSON answers read out: in words, while they are written, and never as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.speak.json_reading import JsonReading


def read(text: str, step: int = 1) -> str:
    reading = JsonReading()
    return "".join(reading.feed(text[at : at + step]) for at in range(0, len(text), step))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"total_price": 12, "paid": True}, "Total price: 12. Paid: yes. "),
        ({"answer": "The capital is Paris."}, "The capital is Paris. "),
        ({"city": "Paris", "sure": False, "note": None}, "City: Paris. Sure: no. Note: none. "),
        ({"tags": ["red", "green", "blue"]}, "Tags: red, green, blue. "),
        (
            {"days": [{"day": "Monday", "high": 21.5}, {"day": "Tuesday", "high": -3}]},
            "Days: Day: Monday. High: 21.5. Day: Tuesday. High: -3. ",
        ),
        ({"userName": "Ana", "home-town": "Cork"}, "User name: Ana. Home town: Cork. "),
        ({"text": 'He said "hi".\nBye!'}, 'He said "hi".\nBye! '),
        ({"a": {"b": {"c": 1}}, "d": []}, "A: B: C: 1. D: "),
        ({"": "x", "y": "z"}, "x. Y: z. "),
        (["x", "y"], "x, y. "),
        ({}, ""),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_it_is_read_as_somebody_would(value: object, words: str, step: int) -> None:
    assert read(json.dumps(value), step) == words
    assert read(json.dumps(value, indent=2), step) == words


def test_a_long_text_is_said_before_its_end() -> None:
    assert read('{"answer": "One thing is clear. And') == "One thing is clear. And"


def test_characters_that_were_spelt_out_are_said() -> None:
    assert read('{"text": "caf\\u00e9 \\ud83d\\ude00"}') == "café . "


@given(st.text())
def test_nothing_is_raised_whatever_comes(text: str) -> None:
    read(text)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(categories=["L"]), min_size=1),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(st.text(st.characters(categories=["Ll"]), min_size=1), inside, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(st.characters(categories=["Ll"]), min_size=1), ANY_JSON))
def test_no_punctuation_of_json_is_left(value: object) -> None:
    assert not set(read(json.dumps(value, ensure_ascii=False))) & set('{}[]"')
