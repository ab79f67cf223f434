"""What differs in Whisper large-v3: 128 mel bands, a hundredth language, special tokens one further on.

With a model of that shape and random weights, so that no download is needed; it hears nothing sensible.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from tiny_whisper import LANGUAGES, VOCABULARY, write_tiny_whisper

from vivavoce.audio import Audio
from vivavoce.listen.base import ListenOptions
from vivavoce.listen.mel import LogMel, mel_bands
from vivavoce.listen.whisper import WhisperListener
from vivavoce.listen.whisper_model import Passage, Search, WhisperModel


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny-whisper")
    write_tiny_whisper(made)
    return made


@pytest.fixture(scope="module")
def model(folder: Path) -> Iterator[WhisperModel]:
    made = WhisperModel(folder, threads=1, compute_type="float32", device="cpu")
    yield made
    made.close()


def test_the_number_of_mel_bands_is_the_models(model: WhisperModel) -> None:
    assert model.n_mels == 128
    features = LogMel(model.n_mels)(np.zeros(16_000, np.float32), 200)
    assert features.shape == (128, 200)
    [encoded] = model.encode([features])
    assert encoded.states.shape == [1, 100, 16]


def test_the_bands_are_those_of_the_reference() -> None:
    reference = FeatureExtractor(feature_size=128).mel_filters
    np.testing.assert_allclose(mel_bands(128), reference, atol=1e-6)


def test_all_hundred_languages_are_known(model: WhisperModel) -> None:
    [encoded] = model.encode([LogMel(model.n_mels)(np.zeros(16_000, np.float32), 200)])
    [languages] = model.detect_languages([encoded], count=200)
    heard = {code for code, _ in languages}
    assert len(heard) == len(LANGUAGES) == 100
    assert {"yue", "jv"} <= heard and "jw" not in heard
    assert model.has_language("yue") and not model.has_language("xx")


def test_special_tokens_are_found_by_name_and_not_by_number(model: WhisperModel) -> None:
    names = [VOCABULARY[token] for token in model.start_tokens("yue", None)]
    assert names == ["<|startoftranscript|>", "<|yue|>", "<|transcribe|>", "<|notimestamps|>"]
    assert VOCABULARY.index("<|transcribe|>") == 50_360, "one further on than in the models before"
    assert VOCABULARY[model.start_tokens("en", "t1 t2")[0]] == "<|startofprev|>"


def test_words_are_decoded_and_aligned_within_bounds(model: WhisperModel) -> None:
    [encoded] = model.encode([LogMel(model.n_mels)(np.zeros(16_000, np.float32), 200)])
    [decoding] = model.generate([Passage(encoded, model.start_tokens("yue", None), 5)], Search())
    assert len(decoding.tokens) <= 5 and all(token < VOCABULARY.index("<|endoftext|>") for token in decoding.tokens)
    alignment = model.align(encoded, "yue", decoding.tokens, 1.0)
    assert max(step for _, step in alignment.pairs) < 50
    assert len(alignment.token_probabilities) == len(decoding.tokens)


async def test_a_recording_goes_through_to_the_end(folder: Path) -> None:
    listener = WhisperListener(folder, threads=1, compute_type="auto", device="cpu")
    noise = (np.random.default_rng(0).standard_normal(32_000) * 0.1).astype(np.float32)
    segments = [segment async for segment in listener.listen(Audio(noise, 16_000), ListenOptions(language="yue"))]
    await listener.close()
    assert segments
