"""Prosody of sounds whose pitch, pace, level and pauses are known because they were made so."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.listen.manner import Prosody
from vivavoce.listen.prosody import FEATURES, measured


def buzz(hz: float | Samples, seconds: float = 3.0, syllables_per_s: float = 4.0, peak: float = 0.1) -> Samples:
    """A voice-like buzz of twelve harmonics that swells once a syllable. hz: of the pitch, constant or per sample."""
    times = np.arange(round(seconds * LISTEN_RATE_HZ)) / LISTEN_RATE_HZ
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, len(times))) / LISTEN_RATE_HZ
    tone = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 13))
    swell = 0.05 + 0.95 * np.sin(np.pi * syllables_per_s * times) ** 2
    return (peak * swell * tone).astype(np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * LISTEN_RATE_HZ), np.float32)


@pytest.mark.parametrize("hz", [75.0, 110.0, 220.0, 330.0, 450.0])
@pytest.mark.parametrize("syllables_per_s", [2.0, 4.0, 6.0])
def test_pitch_and_pace_are_those_of_the_voice(hz: float, syllables_per_s: float) -> None:
    prosody, _ = measured(buzz(hz, syllables_per_s=syllables_per_s))
    assert prosody.pitch_hz == pytest.approx(hz, rel=0.01)
    assert prosody.pitch_semitones == pytest.approx(12 * np.log2(hz / 100), abs=0.2)
    assert prosody.pitch_range_semitones < 0.3
    assert prosody.pace_syllables_per_s == pytest.approx(syllables_per_s, rel=0.05)


def test_the_range_of_a_glide_is_what_it_glides_over() -> None:
    glide = 150.0 * 2 ** np.linspace(0, 1, 4 * LISTEN_RATE_HZ)
    prosody, _ = measured(buzz(glide, 4.0))
    assert prosody.pitch_range_semitones == pytest.approx(0.8 * 12, abs=0.5)  # of an octave, from the 10th to the 90th


def test_loudness_follows_the_level_and_nothing_else_does() -> None:
    (loud, features), (soft, softer) = (measured(buzz(200.0, peak=peak)) for peak in (0.2, 0.002))
    assert loud.loudness_dbfs - soft.loudness_dbfs == pytest.approx(40.0, abs=0.1)
    np.testing.assert_allclose(features, softer, rtol=0.01, atol=0.01)


def test_pauses_are_counted_and_left_out_of_the_pace() -> None:
    sound = np.concatenate(
        [buzz(180.0, 2.0), silence(0.5), buzz(180.0, 2.0), silence(0.3), buzz(180.0, 1.0), silence(1)]
    )
    prosody, _ = measured(sound)
    assert prosody.pauses == 2
    assert prosody.pause_s == pytest.approx(0.8, abs=0.15)
    assert prosody.pace_syllables_per_s == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("samples", [silence(0), silence(0.001), silence(2)])
def test_silence_has_neither_pitch_nor_pace(samples: Samples) -> None:
    prosody, features = measured(samples)
    assert (prosody.pitch_hz, prosody.pitch_semitones, prosody.pace_syllables_per_s, prosody.pauses) == (
        None,
        None,
        0,
        0,
    )
    assert features.shape == (len(FEATURES),)
    assert not features.any()


def test_noise_has_no_pitch_worth_speaking_of() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * LISTEN_RATE_HZ).astype(np.float32)
    _, features = measured(noise)
    assert features[FEATURES.index("voiced_share")] < 0.02


def test_several_utterances_as_one() -> None:
    low, high = Prosody(100.0, 2.0, -20.0, 4.0, 1, 0.4), Prosody(200.0, 4.0, -20.0, 2.0, 2, 0.6)
    mute = Prosody(None, 0.0, -20.0, 0.0, 0, 0.0)
    whole = Prosody.over([low, high, mute], [0.25, 0.25, 0.5])
    assert whole.pitch_hz == pytest.approx(100 * 2**0.5)
    assert whole.loudness_dbfs == pytest.approx(-20.0)
    assert (whole.pace_syllables_per_s, whole.pauses, whole.pause_s) == (1.5, 3, 1.0)
