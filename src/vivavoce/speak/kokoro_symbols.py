"""The alphabet of Kokoro-82M v1.0: which phoneme symbol is which input number of the network.

A fact about the trained model, as its published configuration states it; numbers that are missing here were unused in
training. Knows nothing of languages: `g2p` writes strings of these symbols.
"""

from __future__ import annotations

PAD_ID = 0
"""Stands before and after every utterance."""

MAX_SYMBOLS = 510
"""Most symbols of one utterance without the two pads: the network's positions, and the rows of a voice."""

_RUNS: tuple[tuple[int, str], ...] = (
    (1, ";:,.!?"),
    (9, '—…"()“” \u0303ʣʥʦʨᵝ\uab67AI'),
    (31, "O"),
    (33, "Q"),
    (35, "ST"),
    (39, "W"),
    (41, "Yᵊabcdef"),
    (50, "hijklmnopqrstuvwxyzɑɐɒæ"),
    (75, "βɔɕç"),
    (80, "ɖðʤə"),
    (85, "ɚɛɜ"),
    (90, "ɟ"),
    (92, "ɡ"),
    (99, "ɥ"),
    (101, "ɨɪʝ"),
    (110, "ɯɰŋɳɲɴø"),
    (118, "ɸθœ"),
    (123, "ɹ"),
    (125, "ɾɻ"),
    (128, "ʁɽʂʃʈʧ"),
    (135, "ʊʋ"),
    (138, "ʌɣɤ"),
    (142, "χʎ"),
    (147, "ʒʔ"),
    (156, "ˈˌː"),
    (162, "ʰ"),
    (164, "ʲ"),
    (169, "↓"),
    (171, "→↗↘"),
    (177, "ᵻ"),
)

SYMBOL_IDS: dict[str, int] = {symbol: first + offset for first, run in _RUNS for offset, symbol in enumerate(run)}
"""Phoneme or punctuation mark -> input number (1..177)."""


def encode(phonemes: str) -> list[int]:
    """Input numbers of `phonemes`, without pads; symbols outside the alphabet are left out."""
    return [SYMBOL_IDS[symbol] for symbol in phonemes if symbol in SYMBOL_IDS]
