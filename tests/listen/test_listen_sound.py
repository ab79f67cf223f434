"""Features and resampling against independent implementations."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from faster_whisper.feature_extractor import FeatureExtractor

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.listen.mel import LogMel
from vivavoce.listen.resample import resample, to_listen_rate


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 3.0, 30.0])
def test_features_agree_with_the_reference_implementation(n_mels: int, seconds: float) -> None:
    sound = (np.random.default_rng(1).standard_normal(round(seconds * LISTEN_RATE_HZ)) * 0.1).astype(np.float32)
    whole = np.pad(sound, (0, 30 * LISTEN_RATE_HZ - len(sound)))
    expected = FeatureExtractor(feature_size=n_mels)(whole)[:, :3000]
    got = LogMel(n_mels)(sound, 3000)
    assert got.dtype == np.float32
    assert got.shape == (n_mels, 3000)
    assert np.abs(got - expected).max() < 1e-3


def test_a_shorter_window_is_the_beginning_of_the_full_one() -> None:
    sound = (np.random.default_rng(2).standard_normal(LISTEN_RATE_HZ) * 0.1).astype(np.float32)
    mel = LogMel(80)
    assert np.allclose(mel(sound, 500), mel(sound, 3000)[:, :500], atol=1e-5)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
def test_resampling_agrees_with_soxr(rate_hz: int) -> None:
    times = np.arange(rate_hz) / rate_hz
    tones = (np.sin(2 * np.pi * 440 * times) + 0.5 * np.sin(2 * np.pi * 3000 * times)).astype(np.float32)
    got = resample(tones, rate_hz, LISTEN_RATE_HZ)
    expected = soxr.resample(tones, rate_hz, LISTEN_RATE_HZ)
    assert len(got) == pytest.approx(LISTEN_RATE_HZ, abs=1)
    inner = slice(400, min(len(got), len(expected)) - 400)
    assert np.abs(got[inner] - expected[inner]).max() < 1e-3


def test_resampling_lets_no_alias_through() -> None:
    times = np.arange(48_000) / 48_000
    above = np.sin(2 * np.pi * 9_500 * times).astype(np.float32)
    assert np.abs(resample(above, 48_000, LISTEN_RATE_HZ)[400:-400]).max() < 1e-3


def test_sound_at_the_right_rate_is_not_copied() -> None:
    audio = Audio(np.ones(5, np.float32), LISTEN_RATE_HZ)
    assert to_listen_rate(audio) is audio.samples


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_hardly_any_samples_are_fine(count: int) -> None:
    assert len(resample(np.ones(count, np.float32), 48_000, LISTEN_RATE_HZ)) == count // 3
