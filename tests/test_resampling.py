"""Resampling: exact lengths, no alias, nothing copied for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.resampling import resample


def tone(hertz: float, rate_hz: int, seconds: float = 1.0) -> Audio:
    times = np.arange(round(rate_hz * seconds)) / rate_hz
    return Audio(np.sin(2 * np.pi * hertz * times).astype(np.float32), rate_hz)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_a_tone_stays_the_tone_it_was(rate_hz: int) -> None:
    got = resample(tone(440, rate_hz), LISTEN_RATE_HZ).samples
    expected = tone(440, LISTEN_RATE_HZ).samples[: len(got)]
    assert len(got) == LISTEN_RATE_HZ
    assert np.abs(got - expected)[400:-400].max() < 1e-3


def test_no_alias_comes_through() -> None:
    assert np.abs(resample(tone(9_500, 48_000), LISTEN_RATE_HZ).samples[400:-400]).max() < 1e-3


def test_sound_at_the_right_rate_is_not_copied() -> None:
    audio = tone(440, LISTEN_RATE_HZ)
    assert resample(audio, LISTEN_RATE_HZ) is audio


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_hardly_any_samples_are_fine(count: int) -> None:
    assert len(resample(Audio(np.ones(count, np.float32), 48_000), LISTEN_RATE_HZ).samples) == count // 3
