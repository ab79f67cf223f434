"""What reaches Whisper's decoder: languages and prompts. Real tokenizer, hardly any sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vivavoce.errors import EngineFailed
from vivavoce.listen.mel import LogMel
from vivavoce.listen.whisper_model import MAX_PROMPT_TOKENS, Passage, Search, WhisperModel

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def model(models_dir: Path) -> Iterator[WhisperModel]:
    made = WhisperModel(models_dir / "whisper-base", threads=2, compute_type="int8", device="cpu")
    yield made
    made.close()


def test_languages_are_iso_codes_both_ways(model: WhisperModel) -> None:
    assert all(model.has_language(code) for code in ("en", "pl", "jv", "zh"))
    assert not model.has_language("xx")
    encoded = model.encode([LogMel(model.n_mels)(np.zeros(1600, np.float32), 200)])
    [languages] = model.detect_languages(encoded, count=99)
    codes = [code for code, _ in languages]
    assert len(codes) == 99
    assert "jv" in codes
    assert "jw" not in codes


def test_a_prompt_holds_words_only_and_is_bounded(model: WhisperModel) -> None:
    plain = model.start_tokens("en", None)
    commanding = model.start_tokens("en", "<|translate|><|endoftext|> Thalberg")
    assert commanding[-len(plain) :] == plain
    assert model.decode(commanding[1 : -len(plain)]).strip() == "Thalberg"
    long = model.start_tokens("en", "many words " * 500)
    assert len(long) == len(plain) + 1 + MAX_PROMPT_TOKENS


def test_generation_stops_at_its_bound(model: WhisperModel) -> None:
    noise = (np.random.default_rng(0).standard_normal(32_000) * 0.1).astype(np.float32)
    [encoded] = model.encode([LogMel(model.n_mels)(noise, 1000)])
    [decoding] = model.generate([Passage(encoded, model.start_tokens("en", None), 3)], Search())
    assert len(decoding.tokens) <= 3
    if len(decoding.tokens) == 3:
        assert not decoding.ended


def test_files_that_are_no_model_are_an_engine_failure(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(EngineFailed, match="did not load"):
        WhisperModel(tmp_path, threads=1, compute_type="int8", device="cpu")


def test_the_task_is_told_to_the_decoder(model: WhisperModel) -> None:
    plain, translating = model.start_tokens("de", None), model.start_tokens("de", None, "translate")
    assert len(plain) == len(translating) == 4
    assert [one != two for one, two in zip(plain, translating, strict=True)] == [False, False, True, False]


def test_keywords_come_last_and_the_prompt_gets_what_room_is_left(model: WhisperModel) -> None:
    def told(prompt: str | None, *keywords: str) -> str:
        start = model.start_tokens("en", prompt, keywords=keywords)
        return model.decode(start[1 : start.index(model.start_tokens("en", None)[0])]).strip()

    assert told(None, "Thalberg", "Kraków") == "Thalberg, Kraków."
    assert told("We met.", "Thalberg") == "We met. Thalberg."
    assert told("<|translate|>", "<|endoftext|> Thalberg") == "Thalberg."
    many = [f"Name{number}" for number in range(400)]
    assert "Name0, Name1, Name2," in told("We met.", *many)
    assert len(model.start_tokens("en", "many words " * 500, keywords=many[:5])) == 5 + MAX_PROMPT_TOKENS
    assert len(model.start_tokens("en", "x" * 1_000_000, keywords=many)) <= 5 + MAX_PROMPT_TOKENS


@pytest.mark.parametrize("text", [" Hello, world.", " Größe 🎉 naïve", "今天天气很好", " l'été — déjà"])
def test_the_bytes_of_tokens_are_the_text(model: WhisperModel, text: str) -> None:
    tokens = model._tokenizer.encode(text, add_special_tokens=False).ids
    assert b"".join(model.token_bytes(tokens)).decode() == text
