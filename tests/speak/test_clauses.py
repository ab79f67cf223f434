"""Clauses: nothing lost, nothing cut in two that belongs together, the same however the text arrives."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.speak.clauses import Clause, ClauseSplitter

PARAGRAPH_S = 0.6


def clauses_of(text: str, chunks: list[str] | None = None) -> list[Clause]:
    splitter = ClauseSplitter()
    found: list[Clause] = []
    for chunk in chunks if chunks is not None else [text]:
        found += splitter.feed(chunk)
    return found + splitter.flush()


def texts_of(text: str) -> list[str]:
    return [clause.text for clause in clauses_of(text)]


FRAGMENTS = st.sampled_from(
    [
        *(
            "word",
            "the",
            "and",
            "A",
            "I",
            "Paris",
            "3.14",
            "1,000",
            "Dr.",
            "e.g.",
            "U.S.",
            "https://a.b/c,d?e=1",
            "你好",
        ),
        *(
            " ",
            " ",
            " ",
            "\n",
            "\n\n",
            "\n```\n",
            "```python",
            "`a. b`",
            "`",
            "~~~",
            "- ",
            "1. ",
            "* ",
            "**",
            "—",
            " - ",
        ),
        *(
            ". ",
            ", ",
            "! ",
            "? ",
            "; ",
            ": ",
            "...",
            "…",
            '."',
            ".) ",
            "。",
            "，",
            "”",
            "“",
            "(",
            "#",
            "5. ",
            "\t",
            "é",
            "?!",
        ),
    ]
)
ANSWERS = st.lists(FRAGMENTS, max_size=60).map("".join) | st.text(max_size=200)


@st.composite
def chunked_answers(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(ANSWERS)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=30)))
    edges = [0, *cuts, len(text)]
    return text, [text[a:b] for a, b in pairwise(edges)]


@given(chunked_answers())
@settings(max_examples=400, deadline=None)
def test_clauses_join_to_the_answer_and_do_not_depend_on_how_it_arrived(case: tuple[str, list[str]]) -> None:
    text, chunks = case
    found = clauses_of(text, chunks)
    assert "".join(clause.text for clause in found) == text
    position = 0
    for clause in found:
        assert clause.span == (position, position + len(clause.text))
        assert clause.text
        position = clause.span[1]
    assert found == clauses_of(text)
    assert found == clauses_of(text, list(text))


def test_a_long_answer_of_one_word_after_another_still_comes_out_in_pieces() -> None:
    text = " ".join(f"word{number}" for number in range(300))
    found = clauses_of(text)
    assert len(found[0].text.split()) <= 8
    assert all(len(clause.text) <= 260 for clause in found)


def test_text_without_any_space_comes_out_in_pieces() -> None:
    assert [len(text) for text in texts_of("x" * 2500)] == [1000, 1000, 500]


def test_the_first_clause_comes_while_the_sentence_is_still_being_written() -> None:
    splitter = ClauseSplitter()
    answer = "The capital of France is Paris which lies on the river Seine"
    words = answer.split()
    came_after = next(n for n, word in enumerate(words) if splitter.feed(word + " "))
    assert came_after <= 8


def test_the_first_clause_is_no_stub_and_each_next_one_may_be_longer() -> None:
    text = "Yes. " + "It works well, and it does so every day without any trouble at all for everybody here, " * 5
    lengths = [len(clause.split()) for clause in texts_of(text)]
    assert 3 <= lengths[0] <= 8
    assert lengths[1] <= 14
    assert max(lengths) <= 40


@pytest.mark.parametrize(
    "whole",
    [
        "3.14 or 1,000",
        "until 10:30 today",
        "Dr. Smith met Mrs. Jones",
        "J. R. R. Tolkien",
        "e.g. the hammer",
        "The U.S. Army",
        "No. 5 is alive",
        "see https://example.com/a,b.html?x=1:2;y",
        "wait . . . what",
        "run `a. b, c` now",
        "3 - 4 years",
    ],
)
def test_what_belongs_together_is_not_cut(whole: str) -> None:
    text = f"We know it. {whole} and that is it. So there."
    spans = [clause.text for clause in clauses_of(text)]
    assert any(whole in span for span in spans), spans


def test_a_stop_that_only_looks_like_an_abbreviation_ends_its_sentence() -> None:
    assert texts_of("My final answer is no. Then we left the room.") == [
        "My final answer is no. ",
        "Then we left the room.",
    ]


def test_closing_quotes_and_brackets_stay_with_their_sentence() -> None:
    text = 'She said "I will not go." (He did not like it.) **They left at once.** The end came.'
    assert texts_of(text) == [
        'She said "I will not go." ',
        "(He did not like it.) ",
        "**They left at once.** ",
        "The end came.",
    ]


def test_a_question_inside_a_sentence_does_not_end_it() -> None:
    assert texts_of('"Are you coming home?" he asked. She was not.')[0] == '"Are you coming home?" he asked. '


def test_a_code_block_is_a_clause_of_its_own() -> None:
    text = "Look at this:\n\n```python\nprint('a. b, c')\n\n# x. y\n```\n\nThat is all of it."
    found = clauses_of(text)
    assert [clause.text for clause in found] == [
        "Look at this:\n\n",
        "```python\nprint('a. b, c')\n\n# x. y\n```\n\n",
        "That is all of it.",
    ]
    assert found[1].pause_s == PARAGRAPH_S


def test_a_code_block_that_never_closes_comes_out_at_the_end() -> None:
    assert texts_of("Here you are:\n```\na = 1. b\nc = 2. d") == ["Here you are:\n", "```\na = 1. b\nc = 2. d"]


def test_list_items_and_headings_are_clauses() -> None:
    text = "# The plan\n\n1. First do this thing.\n2. Then do that one.\n- and the rest of it\n- nothing else at all"
    assert texts_of(text) == [
        "# The plan\n\n",
        "1. First do this thing.\n",
        "2. Then do that one.\n",
        "- and the rest of it\n",
        "- nothing else at all",
    ]


def test_chinese_and_japanese_marks_need_no_space() -> None:
    assert texts_of("你好，世界。今天天气很好！我们去公园吧，好不好？“好的。”他说。") == [
        "你好，世界。今天天气很好！",
        "我们去公园吧，好不好？",
        "“好的。”他说。",
    ]


def test_rests_follow_the_mark_and_none_comes_after_the_last_clause() -> None:
    text = "When it rains, we stay in. Do you see?\n\nThen it stops; we go out and look at the garden"
    found = clauses_of(text)
    rests = [clause.pause_s for clause in found]
    assert rests[-1] == 0
    comma, sentence, paragraph = rests[0], rests[1], rests[2]
    assert 0 < comma < sentence < paragraph == PARAGRAPH_S


def test_empty_and_blank_answers() -> None:
    assert clauses_of("") == []
    assert [clause.text for clause in clauses_of(" \n ")] == [" \n "]


def test_a_first_clause_counts_numbers_as_they_are_read() -> None:
    written = "The moon is approximately 384,400 kilometers away from the earth at its mean distance."
    read = "The moon is approximately three hundred thousand kilometers away from the earth at its mean distance."
    assert clauses_of(written)[0].text == "The moon is approximately 384,400 "
    assert len(clauses_of(read)[0].text.split()) == 8


def test_a_bracket_opens_a_new_clause() -> None:
    assert clauses_of("The moon is far (about a second for light) from the earth.")[0].text == "The moon is far "
