"""How long the voice rests after a clause, by what ends it. Knows no engine.

The values are what Kokoro itself leaves at the same marks inside one utterance: medians measured at speed 1 over
three voices, less the margins that `silence` keeps; `docs/engines/speak.md` has the figures. A paragraph is our choice.
"""

from __future__ import annotations

COMMA_S = 0.12
CLAUSE_S = 0.20
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
