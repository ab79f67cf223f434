"""How an English word that no dictionary knows is probably said: names, coinages, foreign words.

A small encoder-decoder network (GRU, 128 units; the `g2p-en` weights, Apache-2.0, trained on the CMU dictionary), run
here in NumPy. The weights are a data file inside the package `piper-plus-g2p` (MIT); its code is never imported. Gives
ARPAbet sounds and writes them in Kokoro's alphabet. Knows no dictionary and no sentence.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from vivavoce.speak.g2p.lexicon import Accent, package_file

_Array = npt.NDArray[np.float32]

_WEIGHTS = ("piper-plus-g2p", "piper_plus_g2p/_vendor/g2p_en/checkpoint20.npz")

# Order of the network's inputs and outputs, fixed in training; the first entries are control marks.
_UNKNOWN_LETTER, _END_LETTER, _FIRST_LETTER = 1, 2, 3
_START_SOUND, _END_SOUND, _FIRST_SOUND = 2, 3, 4
_SOUND_NAMES = (
    "AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 B CH D DH EH0 EH1 EH2 ER0 ER1 ER2 "
    "EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG OW0 OW1 OW2 OY0 OY1 OY2 P R S SH T TH UH0 UH1 UH2 "
    "UW UW0 UW1 UW2 V W Y Z ZH"
)
_SOUNDS = tuple(_SOUND_NAMES.split())

_CONSONANTS = {
    **{sound: sound.lower() for sound in "BDFKLMNPSTVWZ"},
    **{"CH": "ʧ", "DH": "ð", "G": "ɡ", "HH": "h", "JH": "ʤ", "NG": "ŋ", "R": "ɹ", "SH": "ʃ", "TH": "θ"},
    **{"Y": "j", "ZH": "ʒ"},
}
_VOWELS: dict[Accent, dict[str, str]] = {
    "us": {
        **{
            "AA": "ɑ",
            "AE": "æ",
            "AH": "ʌ",
            "AO": "ɔ",
            "AW": "W",
            "AY": "I",
            "EH": "ɛ",
            "ER": "ɜɹ",
            "EY": "A",
        },
        **{"IH": "ɪ", "IY": "i", "OW": "O", "OY": "Y", "UH": "ʊ", "UW": "u"},
    },
    "gb": {
        **{
            "AA": "ɑː",
            "AE": "a",
            "AH": "ʌ",
            "AO": "ɔː",
            "AW": "W",
            "AY": "I",
            "EH": "ɛ",
            "ER": "ɜː",
            "EY": "A",
        },
        **{"IH": "ɪ", "IY": "iː", "OW": "Q", "OY": "Y", "UH": "ʊ", "UW": "uː"},
    },
}
_UNSTRESSED: dict[Accent, dict[str, str]] = {
    "us": {"AH": "ə", "ER": "əɹ"},
    "gb": {"AH": "ə", "ER": "ə", "IY": "i"},
}
_STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}


class LetterToSound:
    """Predicts sounds from letters, one word at a time. Immutable once loaded, so safe in threads."""

    def __init__(self) -> None:
        with np.load(package_file(*_WEIGHTS), allow_pickle=False) as stored:
            self._weights: dict[str, _Array] = {name: stored[name] for name in stored.files}

    def sounds(self, word: str) -> list[str]:
        """ARPAbet sounds (vowels with their stress digit) of a word in letters a-z; others count as unknown."""
        letters = [ord(c) - ord("a") + _FIRST_LETTER if "a" <= c <= "z" else _UNKNOWN_LETTER for c in word.lower()]
        state = np.zeros(self._weights["enc_w_hh"].shape[1], np.float32)
        for letter in [*letters, _END_LETTER]:
            state = self._step("enc", letter, state)
        found: list[str] = []
        last = _START_SOUND
        for _ in range(2 * len(letters) + 4):
            state = self._step("dec", last, state)
            last = int(np.argmax(self._weights["fc_w"] @ state + self._weights["fc_b"]))
            if last == _END_SOUND:
                break
            if last >= _FIRST_SOUND:
                found.append(_SOUNDS[last - _FIRST_SOUND])
        return found

    def _step(self, part: str, symbol: int, state: _Array) -> _Array:
        """One step of a gated recurrent unit (Cho et al. 2014, in the form with the reset gate after the product)."""
        w = self._weights
        from_input = w[f"{part}_w_ih"] @ w[f"{part}_emb"][symbol] + w[f"{part}_b_ih"]
        from_state = w[f"{part}_w_hh"] @ state + w[f"{part}_b_hh"]
        input_reset, input_update, input_new = np.split(from_input, 3)
        state_reset, state_update, state_new = np.split(from_state, 3)
        reset = 1 / (1 + np.exp(-(input_reset + state_reset)))
        update = 1 / (1 + np.exp(-(input_update + state_update)))
        new = np.tanh(input_new + reset * state_new)
        return ((1 - update) * new + update * state).astype(np.float32, copy=False)


@cache
def letter_to_sound() -> LetterToSound:
    """The network, loaded once. Raises `MissingDependency`."""
    return LetterToSound()


def guess(word: str, accent: Accent) -> str:
    """The probable phonemes of `word` (letters a-z) in Kokoro's alphabet; "" if there are none."""
    return from_arpabet(letter_to_sound().sounds(word), accent)


def from_arpabet(sounds: list[str], accent: Accent) -> str:
    """ARPAbet in Kokoro's alphabet: stress directly before its vowel, British without r before consonants."""
    written: list[str] = []
    for index, sound in enumerate(sounds):
        following = sounds[index + 1] if index + 1 < len(sounds) else ""
        vowel = sound.rstrip("012")
        if vowel in _VOWELS[accent]:
            stress = _STRESS[sound[-1]] if sound[-1].isdigit() else ""
            weak = _UNSTRESSED[accent].get(vowel) if not stress else None
            written.append(stress + (weak or _VOWELS[accent][vowel]))
        elif sound == "R" and accent == "gb" and following.rstrip("012") not in _VOWELS["gb"]:
            continue
        else:
            written.append(_CONSONANTS[sound])
    return "".join(written)
