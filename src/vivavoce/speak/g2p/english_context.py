"""Which reading of a word its neighbours ask for: "to record" or "the record", "the end" or "the car".

A few rules over the words before and after, in place of a part-of-speech tagger: they decide only between readings
that a dictionary lists. Knows no phonemes but the sets that tell vowels from consonants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

VOWEL_SYMBOLS = frozenset("AIOQWYaeiouæɑɐɒɔəɚɛɜɪʊʌᵊᵻ")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DETERMINERS = _words(
    "a an the my your his her its our their this that these those no some any each every another such what which "
    "whose much many few several most more all both either neither"
)
_PREPOSITIONS = _words(
    "of in on for with by from without at about into onto over under between among during against through as per via"
)
_MODALS = _words(
    "to will would can could shall should may might must cannot can't won't don't doesn't didn't wouldn't couldn't "
    "shouldn't not never do does did let's let please help i'll you'll we'll they'll he'll she'll it'll i'd you'd "
    "we'd they'd also then always usually often just simply and or"
)
_SUBJECTS = _words("i you we they who people")
_HAVE_BE = _words(
    "have has had having i've you've we've they've be been being is are was were am isn't aren't wasn't weren't "
    "it's he's she's haven't hasn't hadn't"
)
_BE = _words(
    "be been being is are was were am isn't aren't wasn't weren't it's that's he's she's i'm you're we're they're"
)
_OBJECTS = _words("the a an my your his its our their it them him us me these those this everything something")
_PLACES = _words("in at on with near there here together alone longer for under by among happily through without")
_DEGREES = _words("very so too more most quite rather really fairly as")
_PAST_SIGNS = _words("yesterday ago last already earlier once when before recently after then")


@dataclass(frozen=True, slots=True)
class Context:
    """What stands around a word. Words in lower case; "" across punctuation or at an end.

    next_is_vowel: whether the next sound is a vowel; None at the end of a phrase. clause: all words, lower case.
    """

    previous: str = ""
    following: str = ""
    next_is_vowel: bool | None = None
    clause: frozenset[str] = frozenset()

    @property
    def ends_phrase(self) -> bool:
        return self.next_is_vowel is None


def choose_reading(word: str, readings: Mapping[str, str | None], context: Context) -> str | None:
    """One of a dictionary's readings of `word` (lower case). None means: spell its letters."""
    if "None" in readings:
        return readings["None" if context.ends_phrase else "DEFAULT"]
    special = _SPECIAL.get(word)
    if special is not None and special[0] in readings:
        tag, holds = special
        return readings[tag if holds(context) else "DEFAULT"]
    for tag, holds in (("VERB", _is_verb), ("NOUN", _is_noun), ("ADJ", _is_adjective)):
        if tag in readings and holds(context):
            return readings[tag] or readings["DEFAULT"]
    return readings["DEFAULT"]


def _is_verb(context: Context) -> bool:
    if context.previous in _DETERMINERS | _PREPOSITIONS | _DEGREES:
        return False
    return context.previous in _MODALS | _SUBJECTS or context.following in _OBJECTS


def _is_noun(context: Context) -> bool:
    if context.previous in _MODALS | _SUBJECTS and context.following != "of":
        return False
    return context.previous in _DETERMINERS | _PREPOSITIONS or context.following in _BE | {"of"}


def _is_adjective(context: Context) -> bool:
    return context.previous in _DETERMINERS | _DEGREES | _BE


def _read_is_past(context: Context) -> bool:
    if context.previous in _HAVE_BE | {"he", "she", "it"}:
        return True
    if context.previous in _MODALS - {"and", "then", "just", "also", "often", "never", "always"}:
        return False
    return bool(context.clause & _PAST_SIGNS) and context.previous not in ("", "and")


def _live_is_verb(context: Context) -> bool:
    return _lives_where(context, _SUBJECTS | _MODALS)


def _lives_is_verb(context: Context) -> bool:
    return _lives_where(context, _words("he she it who that which"))


def _lives_where(context: Context, subjects: frozenset[str]) -> bool:
    if context.previous in _DETERMINERS:
        return False
    return context.previous in subjects or (context.following in _PLACES and context.previous not in _BE)


def _used_is_habit(context: Context) -> bool:
    """ "used to live", "I'm used to it"; but "is used to cut"."""
    return context.following == "to" and context.previous not in _BE - {"i'm", "you're", "we're", "they're"}


def _follows_have_or_person(context: Context) -> bool:
    return context.previous in _HAVE_BE | {"he", "she", "it"}


def _that_points(context: Context) -> bool:
    return context.ends_phrase or context.following in _BE


_SPECIAL: Mapping[str, tuple[str, Callable[[Context], bool]]] = {
    "read": ("VBD", _read_is_past),
    "used": ("VBD", _used_is_habit),
    "wound": ("VBD", _follows_have_or_person),
    "reread": ("VBD", _follows_have_or_person),
    "that": ("DT", _that_points),
    "live": ("VERB", _live_is_verb),
    "lives": ("VERB", _lives_is_verb),
}
"""Words with a rule of their own: the tag of the marked reading, and when it holds."""


def function_word(word: str, written: str, context: Context, *, british: bool) -> str | None:
    """Words whose sound depends on the next one, as Kokoro was trained to read them; None for all others."""
    if written == "I":
        return "ˌI"
    if word == "a":
        is_article = written == "a" or not context.previous
        return "ɐ" if is_article and not context.ends_phrase else "ˈA"
    forms = _FORMS.get(word)
    if forms is None:
        return None
    at_end, before_vowel, before_consonant = forms
    chosen = at_end if context.ends_phrase else before_vowel if context.next_is_vowel else before_consonant
    return chosen.replace("tu", "tuː").replace("æm", "am") if british else chosen


_FORMS = {
    "an": ("ɐn", "ɐn", "ɐn"),
    "the": ("ðə", "ði", "ðə"),
    "to": ("tu", "tʊ", "tə"),
    "in": ("ˈɪn", "ɪn", "ɪn"),
    "am": ("æm", "ɐm", "ɐm"),
}
"""At the end of a phrase, before a vowel, before a consonant."""
