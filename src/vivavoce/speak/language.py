"""Which of a few languages a clause is written in, so that the right voice reads it.

By its script, then by its commonest words, then by the language of the question. Knows no voice and no engine.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_KANA = re.compile(r"[\u3040-\u30ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
_WORDS = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

_COMMONEST: Final = {
    "en": (
        "the of and to is are was were you your it's i'm i this that with for have has not what which they we can "
        "because there it in on by from as be yes an"
    ),
    "es": (
        "el los las de que y en un una es son del al por con para su se lo no está qué hay más muy como pero sí "
        "porque tiene puede usted"
    ),
    "fr": (
        "le les des et est sont une dans que qui pour pas vous nous avec sur du au aux ce cette je il elle c'est "
        "n'est oui mais parce ont"
    ),
    "it": (
        "il lo gli di che e è sono un una per non con del della nel nella ma più come si questo questa perché ha "
        "sì mi ti ci dei delle"
    ),
    "pt": (
        "o os as de que e é são um uma em do da no na dos das para com não por você mais mas como isso sim seu sua "
        "está tem porque ao"
    ),
}
COMMON_WORDS: Final = {code: frozenset(words.split()) for code, words in _COMMONEST.items()}
"""Words that make up much of any text and differ between these languages; chosen by hand."""


def written_language(text: str, likely: str | None, known: Collection[str]) -> str | None:
    """The ISO 639-1 code among `known` that `text` is in, or `likely` where the text does not tell.

    `likely` is the language to expect (of the question, or of the voice); it also wins a tie.
    """
    for pattern, language in ((_KANA, "ja"), (_HAN, "zh"), (_DEVANAGARI, "hi")):
        if pattern.search(text):
            # Chinese characters alone may be Japanese too; a Japanese question settles it.
            found = "ja" if language == "zh" and likely == "ja" else language
            return found if found in known else likely
    words = [word.lower() for word in _WORDS.findall(text)]
    scores = {code: sum(word in common for word in words) for code, common in COMMON_WORDS.items() if code in known}
    best = max(scores.values(), default=0)
    if best == 0 or scores.get(likely or "") == best:
        return likely
    return max(scores, key=lambda code: scores[code])
