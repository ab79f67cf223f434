"""The hearing note: what a thinker is told of an utterance besides its words, in a few of them.

Every token of it delays the first sound (0.02 s each on two cores), so nothing is said of what is not sure, or goes
without saying: a neutral voice in the language of the conversation has no note. Knows no thinker.
"""

from __future__ import annotations

from vivavoce.languages import name_of
from vivavoce.listen.base import Heard
from vivavoce.listen.manner import Tone

MOODS = {
    "anger": "angry",
    "boredom": "bored",
    "disgust": "disgusted",
    "fear": "afraid",
    "happiness": "happy",
    "sadness": "sad",
}
UPSET = "upset"
"""Where it is anger or fear, but not clear which."""

SURE = 0.6
"""Least probability of a tone that is told."""

SURE_LANGUAGE = 0.8
"""Least probability of a language that is told."""


def hearing_note(heard: Heard, language_before: str | None = None) -> str:
    """The note on what was heard, as `[in German, sounds angry]`; "" where there is nothing to tell.

    language_before: of the utterance before this one. At most 15 tokens.
    """
    told = [_language(heard, language_before), _tone(heard.tone)]
    return f"[{', '.join(filter(None, told))}]" if any(told) else ""


def _language(heard: Heard, before: str | None) -> str | None:
    changed = heard.language is not None and before not in (None, heard.language)
    return (
        f"in {name_of(heard.language)}"
        if heard.language and changed and heard.language_probability >= SURE_LANGUAGE
        else None
    )


def _tone(tone: Tone | None) -> str | None:
    if tone is None:
        return None
    if tone.emotion in MOODS and tone.probability(tone.emotion) >= SURE:
        return f"sounds {MOODS[tone.emotion]}"
    return f"sounds {UPSET}" if tone.urgency >= SURE else None
