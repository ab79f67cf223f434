"""One window of speech -> its `Voicing`: what the encoder made of it, pooled over the speech, and its prosody.

No second pass of any network: the states are those that the words are decoded from. Knows no model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.listen.manner import Voicing
from vivavoce.listen.prosody import measured
from vivavoce.listen.windows import Window

STATES_PER_S = 50
"""Encoder states a second: one for each 20 ms."""

Floats = npt.NDArray[np.float32]


def speech_of(sound: Samples, window: Window) -> Samples:
    """The speech in a window's sound (16 kHz), its margins left out."""
    first = round((window.speech_start_s - window.start_s) * LISTEN_RATE_HZ)
    return sound[max(0, first) : round((window.speech_end_s - window.start_s) * LISTEN_RATE_HZ)]


def pooled(states: Floats, window: Window) -> Floats:
    """Mean of `states`, shape (steps, width), over the window's speech: shape (width,)."""
    kept = np.zeros(len(states), np.bool_)
    kept[_steps(window, window.speech_start_s, window.speech_end_s)] = True
    for start_s, end_s in window.pauses:
        kept[_steps(window, start_s, end_s)] = False
    return (states[kept] if kept.any() else states).mean(axis=0)


def _steps(window: Window, start_s: float, end_s: float) -> slice:
    return slice(
        max(0, round((start_s - window.start_s) * STATES_PER_S)), max(0, round((end_s - window.start_s) * STATES_PER_S))
    )


def voicing_of(sound: Samples, states: Floats, window: Window) -> Voicing:
    """sound: the window's, at 16 kHz and at its own level. states: of the encoder, shape (steps, width)."""
    speech = speech_of(sound, window)
    prosody, features = measured(speech)
    mean = np.round(pooled(states, window), 4)
    return Voicing(prosody, len(speech) / LISTEN_RATE_HZ, tuple(features.tolist()), tuple(mean.tolist()))
