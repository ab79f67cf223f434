"""How an answer begins that asks back, by language: the thinker goes on from there with the words in question.

A small thinker reads past a note that words are unclear, and answers what it read. An answer that has begun as a
question it does finish as one. Knows no thinker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BEGINNINGS: Final[Mapping[str, str]] = {
    "cs": "Řekli jste",
    "da": "Sagde du",
    "de": "Sagten Sie",
    "en": "Did you say",
    "es": "¿Ha dicho",
    "fi": "Sanoitteko",
    "fr": "Avez-vous dit",
    "it": "Ha detto",
    "nl": "Zei u",
    "no": "Sa du",
    "pl": "Czy chodziło o",
    "pt": "Você disse",
    "ro": "Ați spus",
    "ru": "Вы сказали",
    "sv": "Sa du",
    "tr": "Şunu mu dediniz:",
    "uk": "Ви сказали",
}

LEAST_WORDS = 3
"""Shorter utterances ("yes", "number five") answer a question that the thinker knows: it is told, and decides."""
