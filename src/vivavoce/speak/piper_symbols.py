"""Our American phonemes in the alphabet of Piper's voices: the IPA that espeak-ng writes.

Kokoro's alphabet has one letter for a diphthong and no length marks; espeak-ng writes both out, and has signs of its
own for the sounds before r. Knows no network and no text.
"""

from __future__ import annotations

import re
from typing import Final

_VOWELS: Final = "AIOWYaeiouæɐɑɔəɚɛɜɪʊʌᵊᵻ"

_RULES: Final = tuple(
    (re.compile(pattern), written)
    for pattern, written in (
        (r"tn\b", "ʔn\u0329"),  # button
        (rf"ɜɹ(?![ˈˌ]?[{_VOWELS}])", "ɜː"),  # bird, but hurry keeps its r
        (r"ɜɹ", "ɜːɹ"),
        (rf"[əᵊ]ɹ(?![ˈˌ]?[{_VOWELS}])", "ɚ"),  # letter
        (r"[əᵊ]ɹ", "ɚɹ"),  # watering
        (r"(?<![^\W_])ə(?=\w)", "ɐ"),  # about
        (r"ɑ", "ɑː"),
        (r"ɔ", "ɔː"),
        (r"u", "uː"),
        (r"(?<=[ˈˌ])i", "iː"),  # fleece, but not happy
        (r"A", "eɪ"),
        (r"I", "aɪ"),
        (r"O", "oʊ"),
        (r"W", "aʊ"),
        (r"Y", "ɔɪ"),
        (r"ʧ", "tʃ"),
        (r"ʤ", "dʒ"),
        (r"T", "ɾ"),
        (r"ᵊ", "ə"),
        (r"[—(]", ","),
        (r"\)", ","),
        (r"…", "."),
    )
)


def piper_phonemes(phonemes: str) -> str:
    """American `phonemes` in Kokoro's alphabet as espeak-ng would write them, with Piper's punctuation."""
    for pattern, written in _RULES:
        phonemes = pattern.sub(written, phonemes)
    return phonemes
