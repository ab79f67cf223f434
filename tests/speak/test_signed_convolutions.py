"""Signed convolutions: quicker, and not one sample different."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vivavoce.onnx import onnxruntime
from vivavoce.speak import signed_convolutions
from vivavoce.speak.kokoro import KokoroSpeaker
from vivavoce.speak.signed_convolutions import has_vnni, with_signed_convolutions

needs_vnni = pytest.mark.skipif(not has_vnni(), reason="this processor has no VNNI, so networks stay as they are")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Two convolutions of one quantised sound, with weights over the whole range of a byte."""
    weights = [np.random.default_rng(n).integers(0, 256, (8, 4, 3)).astype(np.uint8) for n in range(2)]
    stored = [numpy_helper.from_array(each, f"w{n}") for n, each in enumerate(weights)]
    stored.append(numpy_helper.from_array(np.array(77, np.uint8), "wz"))
    nodes = [helper.make_node("DynamicQuantizeLinear", ["sound"], ["q", "scale", "zero"])]
    nodes += [
        helper.make_node("ConvInteger", ["q", f"w{n}", "zero", "wz"], [f"sums{n}"], kernel_shape=[3], pads=[1, 1])
        for n in range(2)
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, [1, 4, "time"])],
        [helper.make_tensor_value_info(f"sums{n}", TensorProto.INT32, None) for n in range(2)],
        stored,
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), str(path))
    return path


def sums(model: str | bytes, sound: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"sound": sound})


@needs_vnni
@pytest.mark.parametrize("low", [-1.0, 0.0, -1000.0])
def test_sums_are_the_same(network: Path, low: float) -> None:
    sound = np.random.default_rng(3).uniform(low, 1.0, (1, 4, 500)).astype(np.float32)
    for was, now in zip(sums(str(network), sound), sums(with_signed_convolutions(network), sound), strict=True):
        assert np.abs(was).max() > 10_000
        assert np.array_equal(was, now)


def test_one_sound_is_made_signed_once(network: Path) -> None:
    nodes = onnx.load_from_string(with_signed_convolutions(network)).graph.node
    made = [node for node in nodes if node.op_type == "QuantizeLinear"]
    assert len(made) == 1
    assert [node.input[0] for node in nodes if node.op_type == "ConvInteger"] == [made[0].output[0]] * 2


def test_a_network_without_such_convolutions_is_only_read(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Neg", ["a"], ["b"])],
        "one",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, [1])],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), str(path))
    assert with_signed_convolutions(path) == path.read_bytes()


@pytest.mark.parametrize(
    ("told", "has"),
    [
        ("processor: 0\nflags\t\t: fpu avx2 avx512_vnni\n", True),
        ("flags : avx_vnni\n", True),
        ("flags : avx2 avx512f\n", False),
        ("Features : asimddp\n", False),
        (None, False),
    ],
)
def test_only_a_processor_that_says_so_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, has: bool
) -> None:
    path = tmp_path / "cpuinfo"
    if told is not None:
        path.write_text(told, encoding="utf-8")
    monkeypatch.setattr(signed_convolutions, "_CPU_INFO", path)
    assert signed_convolutions.has_vnni.__wrapped__() is has


@needs_vnni
@pytest.mark.real
async def test_kokoro_says_the_same_to_the_last_sample(models_dir: Path) -> None:
    network, voices = models_dir / "kokoro-82m" / "model.onnx", models_dir / "kokoro-voices"
    published = KokoroSpeaker(network, voices, as_published=True)
    ours = KokoroSpeaker(network, voices)
    for text, voice in (("Where is the library?", "af_heart"), ("It is 20 past 8, I think.", "bm_george")):
        was, now = await published.speak(text, voice), await ours.speak(text, voice)
        assert np.abs(was.samples).max() > 0.05
        assert np.array_equal(was.samples, now.samples)
    await published.close()
    await ours.close()
