"""Features against an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from vivavoce.audio import LISTEN_RATE_HZ
from vivavoce.listen.mel import LogMel


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
