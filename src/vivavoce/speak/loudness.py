"""Brings a voice to the common loudness without ever clipping. Knows no engine and no voice.

Gain per voice, not per clause: a clause keeps its own emphasis. Rare spikes are bent, not the whole clause turned down.
"""

from __future__ import annotations

import numpy as np

from vivavoce.audio import Samples

KNEE = 0.75
"""Samples up to here pass unchanged; above, the curve bends towards full scale and never reaches it."""


def at_gain(samples: Samples, gain_db: float) -> Samples:
    """`samples` times the gain, peaks bent smoothly to below 1: x above the knee k becomes
    k + (1 - k) tanh((x - k) / (1 - k)), whose slope at the knee is 1."""
    scaled = samples * np.float32(10 ** (gain_db / 20))
    magnitude = np.abs(scaled)
    bent = KNEE + (0.999 - KNEE) * np.tanh((magnitude - KNEE) / (0.999 - KNEE))
    return np.where(magnitude > KNEE, np.sign(scaled) * bent, scaled).astype(np.float32)
