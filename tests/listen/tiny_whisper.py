"""A Whisper of Whisper large-v3's shape but for its size: 128 mel bands, 100 languages, random weights, 3 MB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2 import specs

WIDTH, HEADS, MELS = 16, 2, 128
TEXT_TOKENS = 50257
LANGUAGES = ("en", "zh", "jw", *(f"x{number}" for number in range(96)), "yue")
TIMES = tuple(f"<|{step / 50:.2f}|>" for step in range(1501))
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{code}|>" for code in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
    *TIMES,
)
VOCABULARY = (*(f"t{number}" for number in range(TEXT_TOKENS - 1)), "", *SPECIAL)
"""CTranslate2 knows a multilingual model by the empty token before <|endoftext|>."""


def write_tiny_whisper(folder: Path) -> None:
    """model.bin, config.json, vocabulary.json and tokenizer.json as a converter would write them."""
    random = np.random.default_rng(0)

    def weights(*shape: int) -> Any:
        return (random.standard_normal(shape) * 0.1).astype(np.float32)

    def fill_linear(spec: Any, outputs: int, inputs: int) -> None:
        spec.weight, spec.bias = weights(outputs, inputs), weights(outputs)

    def fill_norm(spec: Any) -> None:
        spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def fill_layer(spec: Any) -> None:
        fill_norm(spec.self_attention.layer_norm)
        fill_linear(spec.self_attention.linear[0], 3 * WIDTH, WIDTH)
        fill_linear(spec.self_attention.linear[1], WIDTH, WIDTH)
        if hasattr(spec, "attention"):
            fill_norm(spec.attention.layer_norm)
            for linear, outputs in zip(spec.attention.linear, (WIDTH, 2 * WIDTH, WIDTH), strict=True):
                fill_linear(linear, outputs, WIDTH)
        fill_norm(spec.ffn.layer_norm)
        fill_linear(spec.ffn.linear_0, 4 * WIDTH, WIDTH)
        fill_linear(spec.ffn.linear_1, WIDTH, 4 * WIDTH)

    spec: Any = specs.WhisperSpec(1, HEADS, 1, HEADS)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights(WIDTH, MELS, 3), weights(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = weights(WIDTH, WIDTH, 3), weights(WIDTH)
    encoder.position_encodings.encodings = weights(1500, WIDTH)
    decoder.embeddings.weight = weights(len(VOCABULARY), WIDTH)
    decoder.position_encodings.encodings = weights(448, WIDTH)
    decoder.projection.weight = decoder.embeddings.weight
    for half in (encoder, decoder):
        fill_norm(half.layer_norm)
        for layer in half.layer:
            fill_layer(layer)
    first = VOCABULARY.index("<|en|>")
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], [TEXT_TOKENS]
    spec.config.lang_ids = list(range(first, first + len(LANGUAGES)))
    spec.config.alignment_heads = [(0, 0), (0, 1)]
    spec.register_vocabulary(list(VOCABULARY))
    spec.validate()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer()))


def _tokenizer() -> dict[str, object]:
    added = [
        {"id": TEXT_TOKENS + place, "content": token, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for place, token in enumerate(SPECIAL)
    ]
    return {
        "version": "1.0",
        "added_tokens": added,
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {
            "type": "WordLevel",
            "vocab": {token: place for place, token in enumerate(VOCABULARY)},
            "unk_token": "t0",
        },
    }
