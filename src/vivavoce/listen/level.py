"""Bring a quiet recording to a normal level before it is heard.

Both networks mind the level: voice activity scores a spoken digit 0.02 instead of 0.9 when it is 30 dB softer, and
Whisper's features bottom out. Knows no network.
"""

from __future__ import annotations

import numpy as np

from vivavoce.audio import Samples

_QUIET_PEAK = 0.1
_NORMAL_PEAK = 0.5
_MOST_GAIN = 200.0


def gain_for(samples: Samples) -> np.float32:
    """What to multiply `samples` by so that their loudest is half of full scale, if it is below a tenth; else 1.

    At most 46 dB, so that the last bits of a silent recording don't become noise of normal level.
    """
    peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
    if peak >= _QUIET_PEAK or peak == 0.0:
        return np.float32(1.0)
    return np.float32(min(_MOST_GAIN, _NORMAL_PEAK / peak))
