"""Other languages through the espeak-ng program, where it is installed: one short-lived process per phrase.

Kokoro learnt Spanish, French, Hindi, Italian and Portuguese from its phonemes, so only a few sounds are rewritten.
Knows no engine.
"""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache

from vivavoce.errors import EngineFailed
from vivavoce.speak.espeak_program import PROGRAM, espeak_path
from vivavoce.speak.g2p.marks import join_phonemes, split_marks

_TIMEOUT_S = 10.0
_TIE = "^"
_JOINED = {
    **{"a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "s^s": "S"},
    **{"t^s": "ʦ", "t^ʃ": "ʧ", "ɔ^ɪ": "Y"},
}
"""Sounds of two symbols that Kokoro's alphabet writes as one."""

_LANGUAGE_SWITCH = re.compile(r"\([a-z^-]+\)")


class EspeakPronouncer:
    """Implements `Pronouncer` for one espeak-ng voice (`es`, `fr-fr`, `hi`, `it`, `pt-br`).

    Raises `MissingDependency` when the program is not installed.
    """

    def __init__(self, espeak_voice: str) -> None:
        self._command = (espeak_path(), "-q", "--ipa", f"--tie={_TIE}", "-v", espeak_voice, "--stdin")
        self._phrase = lru_cache(maxsize=2_000)(self._run)

    def phonemes(self, text: str) -> str:
        return join_phonemes(mark or self._phrase(phrase) for phrase, mark in split_marks(text))

    def _run(self, phrase: str) -> str:
        try:
            done = subprocess.run(
                self._command, input=phrase, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise EngineFailed(f"{PROGRAM} failed: {error}") from error
        return _rewritten(done.stdout)


def _rewritten(ipa: str) -> str:
    phonemes = _LANGUAGE_SWITCH.sub("", ipa)
    for pair, symbol in _JOINED.items():
        phonemes = phonemes.replace(pair, symbol)
    return " ".join(phonemes.replace(_TIE, "").replace("-", "").split())
