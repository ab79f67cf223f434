"""The hearing note: what a thinker is told of an utterance besides its words, in a few of them.

Every token of it delays the first sound (0.02 s each on two cores), so nothing is said of what is not sure, or goes
without saying: clear words in a neutral voice, in the language of the conversation, have no note. More can be told
here, each as a few words or None: who speaks. Knows no thinker.
"""

from __future__ import annotations

from vivavoce.languages import name_of
from vivavoce.listen.asking_back import BEGINNINGS, LEAST_WORDS
from vivavoce.listen.base import SOLID, Heard
from vivavoce.listen.doubt import UNCLEAR, matters
from vivavoce.listen.manner import URGENT, Tone

MOODS = {"anger": ("angry", 0.5), "fear": ("afraid", 0.5), "sadness": ("sad", 0.9)}
"""What is told of an emotion that is the likeliest, and the least probability from which on it is. Read speech in
corpora that a head has not heard sounds so in at most 3 of 100 recordings. Boredom and disgust are not told, which
often seem to be in it, nor happiness: of speakers that a head has not heard, half of those who seem happy are not."""

SURE_UPSET = 0.4
"""Anger or fear, where together they are likeliest, but it is not clear which. Both are named, the likelier first:
"upset" was taken for sad."""

MOST_UNCLEAR, LONGEST_UNCLEAR = 2, 24
"""Stretches that are told, and characters of each: a note is short, and where all is unclear none of it helps."""

_MARKS = ".,;:!?¿¡…\"'()"

SURE_LANGUAGE = 0.8
"""Least probability of a language that is told."""

MOST_LANGUAGES = 3
"""Languages of one utterance that are told by name, in the order in which they begin."""


def hearing_note(heard: Heard, language_before: str | None = None) -> str:
    """The note on what was heard, as `[in German, sounds angry, unclear: "cash in"]`; "" where nothing is to be told.

    language_before: of the utterance before this one. At most 15 tokens.
    """
    told = [_language(heard, language_before), _tone(heard.tone), _doubt(heard)]
    return f"[{', '.join(filter(None, told))}]" if any(told) else ""


def unclear(heard: Heard) -> list[str]:
    """Stretches of what was heard that matter and are less likely right than `UNCLEAR`, the least sure first."""
    stretches: list[tuple[float, list[str]]] = []
    went_on = False
    for word in heard.words:
        doubtful = word.probability < UNCLEAR and matters(word.text)
        if doubtful and went_on:
            least, words = stretches[-1]
            stretches[-1] = min(least, word.probability), [*words, word.text]
        elif doubtful:
            stretches.append((word.probability, [word.text]))
        went_on = doubtful
    between = "" if heard.language in SOLID else " "
    return [between.join(words).strip(_MARKS) for _, words in sorted(stretches, key=lambda each: each[0])]


def asking_back(heard: Heard) -> str:
    """How the answer begins that asks whether it was heard right; "" where there is no doubt, or no such beginning."""
    if len(heard.words) < LEAST_WORDS or not unclear(heard):
        return ""
    return BEGINNINGS.get(heard.language or "", "")


def _doubt(heard: Heard) -> str | None:
    told = [f'"{words}"' for words in unclear(heard)[:MOST_UNCLEAR] if len(words) <= LONGEST_UNCLEAR]
    return f"unclear: {', '.join(told)}" if told else None


def _language(heard: Heard, before: str | None) -> str | None:
    sure = [each.language for each in heard.segments if each.language_probability >= SURE_LANGUAGE]
    several = list(dict.fromkeys(code for code in sure if code is not None))
    if len(several) > 1:
        told = " then ".join(map(name_of, several))
        return f"in {told}" if len(several) <= MOST_LANGUAGES else "in several languages"
    changed = before is not None and before != heard.language
    if heard.language is None or not changed or heard.language_probability < SURE_LANGUAGE:
        return None
    return f"in {name_of(heard.language)}"


def _tone(tone: Tone | None) -> str | None:
    if tone is None:
        return None
    mood, sure = MOODS.get(tone.emotion, ("", 2.0))
    if tone.probability(tone.emotion) >= sure:
        return f"sounds {mood}"
    others = max(probability for name, probability in tone.emotions if name not in URGENT)
    if tone.urgency < max(SURE_UPSET, others):
        return None
    either = sorted(URGENT, key=tone.probability, reverse=True)
    return "sounds " + " or ".join(MOODS[name][0] for name in either)
