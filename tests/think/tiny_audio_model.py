"""Audio-native models in miniature: random weights in llama.cpp's own file formats, written in a moment.

What they answer is noise; how they are loaded, fed with sound, counted and refused is what real ones go through.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import gguf
import numpy as np

Family = Literal["ultravox", "voxtral", "qwen2.5o"]
FAMILIES: tuple[Family, ...] = ("ultravox", "voxtral", "qwen2.5o")

TRAINED_TOKENS = 4096
WIDTH, FEED_FORWARD, LAYERS, HEADS = 64, 128, 2, 4
EAR_LAYERS, MEL_BINS = 1, 80
EAR_WIDTH = 40
"""No power of two, as Whisper's is none: llama.cpp's padding of stacked frames is right for such widths only."""
POSITIONS = 1500
"""Of the encoder: 30 s of sound."""
STACK = {"ultravox": 8, "voxtral": 4, "qwen2.5o": 1}

WORDS = ("▁one", "▁two", "▁three", "▁four", "▁five", "▁six", "▁seven", "▁eight", "▁nine", "▁ten", "▁yes", "▁no", ".")
CONTROLS = ("<|im_start|>", "<|im_end|>", "<|audio_bos|>", "<|audio_eos|>", "[BEGIN_AUDIO]", "[INST]", "[/INST]")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_model(folder: Path, family: Family | None = "ultravox", *, seed: int = 0) -> Path:
    """Write `model.gguf`, and with a family `mmproj.gguf`, into `folder`, which is made; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    _write_text_model(folder / "model.gguf", "qwen2vl" if family == "qwen2.5o" else "llama", random)
    if family is not None:
        write_projector(folder / "mmproj.gguf", family, seed=seed)
    return folder


def _write_text_model(path: Path, architecture: Literal["llama", "qwen2vl"], random: np.random.Generator) -> None:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("tiny")
    writer.add_context_length(TRAINED_TOKENS)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_dimension_sections([2, 3, 3, 0])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    tokens = _add_tokenizer(writer)
    writer.add_chat_template(TEMPLATE)

    def tensor(name: str, *shape: int, scale: float = 0.2) -> None:
        writer.add_tensor(name, _noise(random, shape, scale))

    tensor("token_embd.weight", len(tokens), WIDTH, scale=1.0)
    output = _noise(random, (len(tokens), WIDTH), 1.0)
    output[: len(tokens) - len(WORDS)] = 0.0  # noise, but noise of words: never half a letter, never the end
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
            if architecture == "qwen2vl" and part != "attn_output":
                tensor(f"blk.{layer}.{part}.bias", WIDTH)
        tensor(f"blk.{layer}.ffn_gate.weight", FEED_FORWARD, WIDTH)
        tensor(f"blk.{layer}.ffn_up.weight", FEED_FORWARD, WIDTH)
        tensor(f"blk.{layer}.ffn_down.weight", WIDTH, FEED_FORWARD)
        for part in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{part}.weight", np.ones(WIDTH, np.float32))
    _finish(writer)


def _add_tokenizer(writer: gguf.GGUFWriter) -> list[str]:
    """A SentencePiece vocabulary of single bytes, turn marks and a dozen words; returns its tokens."""
    kinds = gguf.TokenType
    special = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    special += [(text, kinds.CONTROL) for text in CONTROLS]
    raw = [(f"<0x{byte:02X}>", kinds.BYTE) for byte in range(256)]
    vocabulary = special + raw + [(word, kinds.NORMAL) for word in WORDS]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text for text, _ in vocabulary])
    writer.add_token_scores([0.0] * len(vocabulary))
    writer.add_token_types([kind for _, kind in vocabulary])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(3 + CONTROLS.index("<|im_end|>"))
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    return [text for text, _ in vocabulary]


def write_projector(
    path: Path, family: Family, *, ear_width: int = EAR_WIDTH, model_width: int = WIDTH, seed: int = 0
) -> Path:
    """Write an audio encoder of Whisper's shape with the projector of `family`; returns `path`."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_audio_encoder", True)
    writer.add_bool("clip.has_vision_encoder", False)
    writer.add_bool("clip.use_gelu", True)
    writer.add_string("clip.projector_type", family)
    writer.add_uint32("clip.audio.embedding_length", ear_width)
    writer.add_uint32("clip.audio.feed_forward_length", 2 * ear_width)
    writer.add_uint32("clip.audio.block_count", EAR_LAYERS)
    writer.add_uint32("clip.audio.attention.head_count", 2)
    writer.add_float32("clip.audio.attention.layer_norm_epsilon", 1e-5)
    writer.add_uint32("clip.audio.projection_dim", model_width)
    writer.add_uint32("clip.audio.num_mel_bins", MEL_BINS)
    writer.add_uint32("clip.audio.projector.stack_factor", STACK[family])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)

    def tensor(name: str, *shape: int) -> None:
        writer.add_tensor(name, _noise(random, shape, 0.2))

    def linear(name: str, rows: int, columns: int, *, bias: bool = True) -> None:
        tensor(f"{name}.weight", rows, columns)
        if bias:
            tensor(f"{name}.bias", rows)

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(ear_width, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(ear_width, np.float32))

    tensor("a.position_embd.weight", POSITIONS, ear_width)
    for number, columns in ((1, MEL_BINS), (2, ear_width)):
        kernel = _noise(random, (ear_width, columns, 3), 0.2).astype(np.float16)  # the only type its convolution takes
        writer.add_tensor(f"a.conv1d.{number}.weight", kernel)
        tensor(f"a.conv1d.{number}.bias", ear_width, 1)
    norm("a.post_ln")
    for layer in range(EAR_LAYERS):
        block = f"a.blk.{layer}"
        for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
            linear(f"{block}.{part}", ear_width, ear_width, bias=part != "attn_k")
        norm(f"{block}.ln1")
        norm(f"{block}.ln2")
        linear(f"{block}.ffn_up", 2 * ear_width, ear_width)
        linear(f"{block}.ffn_down", ear_width, 2 * ear_width)
    stacked = STACK[family] * ear_width
    if family == "ultravox":
        writer.add_tensor("mm.a.norm_pre.weight", np.ones(stacked, np.float32))
        linear("mm.a.mlp.1", 2 * model_width, stacked, bias=False)
        writer.add_tensor("mm.a.norm_mid.weight", np.ones(model_width, np.float32))
        linear("mm.a.mlp.2", model_width, model_width, bias=False)
    elif family == "voxtral":
        linear("mm.a.mlp.1", model_width, stacked, bias=False)
        linear("mm.a.mlp.2", model_width, model_width, bias=False)
    else:
        linear("mm.a.fc", model_width, ear_width)
    _finish(writer)
    return path


def write_picture_projector(path: Path) -> Path:
    """Write a projector that sees and does not hear; returns `path`."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.has_audio_encoder", False)
    writer.add_bool("clip.use_gelu", True)
    writer.add_string("clip.projector_type", "mlp")
    sizes = {"image_size": 28, "patch_size": 14, "embedding_length": EAR_WIDTH, "feed_forward_length": 2 * EAR_WIDTH}
    for name, value in (sizes | {"block_count": 1, "attention.head_count": 2, "projection_dim": WIDTH}).items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    for name in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{name}", [0.5, 0.5, 0.5])
    shapes: dict[str, tuple[int, ...]] = {
        "v.class_embd": (EAR_WIDTH,),
        "v.patch_embd.weight": (EAR_WIDTH, 3, 14, 14),
        "v.position_embd.weight": (5, EAR_WIDTH),
        "v.blk.0.ffn_up.weight": (2 * EAR_WIDTH, EAR_WIDTH),
        "v.blk.0.ffn_down.weight": (EAR_WIDTH, 2 * EAR_WIDTH),
        "mm.0.weight": (WIDTH, EAR_WIDTH),
        "mm.0.bias": (WIDTH,),
        "mm.2.weight": (WIDTH, WIDTH),
        "mm.2.bias": (WIDTH,),
    }
    shapes |= {f"v.blk.0.attn_{part}.weight": (EAR_WIDTH, EAR_WIDTH) for part in ("q", "k", "v", "out")}
    norms = ("v.pre_ln", "v.post_ln", "v.blk.0.ln1", "v.blk.0.ln2")
    shapes |= {f"{norm}.{half}": (EAR_WIDTH,) for norm in norms for half in ("weight", "bias")}
    for name, shape in shapes.items():
        writer.add_tensor(name, _noise(random, shape, 0.2))
    _finish(writer)
    return path


def _noise(random: np.random.Generator, shape: Sequence[int], scale: float) -> np.ndarray:
    return (random.standard_normal(shape) * scale).astype(np.float32)


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
