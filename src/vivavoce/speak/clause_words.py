"""Word lists that `clauses` decides by: abbreviations, joining words, words that cling to the next one.

Knows no rule; the languages are the larger European ones that our voices speak, and German.
"""

from __future__ import annotations


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


JOINTS = _words(
    "and but or nor so yet because although though while when where which who that if unless until since than as",
    "with for from by at in on into over under about between during against around through before after without",
    "y o pero porque que cuando si para con et ou mais car quand pour avec e ma perché che quando per",
    "mas com und oder aber weil dass wenn für mit",
)
"""Words before which a long sentence can be divided: conjunctions and prepositions."""

CLINGING = _words(
    "a an the my your his her its our their this that these those of to in on at for with by from as and or but no",
    "not very so more most be is are was were will would can could i you he she we they it",
    "el la los las un una de del en le les des du il lo gli di da o os um uma der die das ein eine den dem zu",
)
"""Words that belong to the next one: no cut right after them."""

ABBREVIATIONS = _words(
    "mr mrs ms dr prof st sr jr rev gen col lt sgt capt hon messrs mmes mt ft vs etc cf approx ca dept inc ltd corp",
    "bros ave blvd tel ext sra dra ud uds bzw usw ggf sog evtl bspw dott sig mme mlle resp ung",
)
"""Written with a stop that rarely ends the sentence."""

NUMBERED_ABBREVIATIONS = _words(
    "no nos nr fig figs eq vol vols ch sec p pp op art abs jan feb mar apr jun jul aug sep sept oct nov dec",
)
"""The same, but only before a number: "No. 5", not "The answer is no. Then"."""
