"""How long the voice rests after a clause, by what ends it. Knows no engine.

Set beside what Kokoro itself leaves at the same marks inside one utterance (six utterances of three voices at speed 1:
comma up to 0.11 s, semicolon 0.12 to 0.15 s, full stop 0.28 to 0.51 s, median 0.40 s), less the 0.09 s of margin that
`silence` keeps at a join. Lines and paragraphs are our choice.
"""

from __future__ import annotations

COMMA_S = 0.08
CLAUSE_S = 0.12
"""After a semicolon, colon or dash."""

SENTENCE_S = 0.30
LINE_S = 0.35
"""After a line that ends without a mark: a list item, a heading."""

PARAGRAPH_S = 0.60
NONE_S = 0.0
"""Where a long sentence is divided between two words."""

_AFTER_MARK_S = {
    **dict.fromkeys(",،、，", COMMA_S),
    **dict.fromkeys(";:—–-；：", CLAUSE_S),
    **dict.fromkeys(".!?…。！？।؟۔", SENTENCE_S),
}


def pause_after_s(mark: str, gap: str) -> float:
    """Rest after a clause that ends in `mark` ("" for none) and is followed by the white space `gap`."""
    breaks = gap.count("\n")
    if breaks >= 2:
        return PARAGRAPH_S
    return max(_AFTER_MARK_S.get(mark, NONE_S), LINE_S if breaks else NONE_S)
