"""Which device each engine gets: with the real libraries of a machine without a GPU, and with made-up ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.devices import ALL_LAYERS, Runtime, gpu_index, placed, require_devices, summary
from vivavoce.engines.registry import LISTENERS, SPEAKERS, THINKERS
from vivavoce.engines.spec import EngineSpec
from vivavoce.errors import InvalidValue, MissingDependency
from vivavoce.listen import whisper_model
from vivavoce.settings import load_settings
from vivavoce.speak.onnx_graph import providers
from vivavoce.think import llamacpp_server

CPU_TYPES, GPU_TYPES = frozenset({"int8", "float32"}), frozenset({"int8", "float16", "int8_float16", "float32"})

no_gpu = pytest.mark.skipif(whisper_model.cuda_gpus() > 0, reason="this machine has a GPU")


def spec(**settings: Any) -> EngineSpec:
    return load_settings(profile="gpu", **settings).engine_spec()


def machine(gpus: int, onnx: bool = True) -> dict[str, Callable[[], Runtime]]:
    def types(device: str) -> frozenset[str]:
        return GPU_TYPES if device.startswith("cuda") else CPU_TYPES

    return {
        "whisper": lambda: Runtime("CTranslate2", gpus, "Get a driver.", types),
        "llamacpp": lambda: Runtime("xllamacpp", gpus, "Get the CUDA wheel."),
        "kokoro": lambda: Runtime("onnxruntime", gpus if onnx else 0, "Get onnxruntime-gpu."),
    }


@no_gpu
def test_here_auto_is_the_processor() -> None:
    found = placed(spec())
    assert (found.listen_device, found.think_device, found.speak_device) == ("cpu", "cpu", "cpu")
    assert (found.listen_compute_type, found.think_gpu_layers) == ("int8", 0)
    assert summary(found) == "listen cpu int8, think cpu, speak cpu"
    assert found.threads == spec().threads


@no_gpu
@pytest.mark.parametrize(
    ("setting", "library", "cure"),
    [
        ("device", "CTranslate2", "NVIDIA driver"),
        ("listen_device", "CTranslate2", "NVIDIA driver"),
        ("think_device", "xllamacpp", "CUDA wheel"),
        ("speak_device", "onnxruntime", "pip install onnxruntime-gpu"),
    ],
)
def test_here_cuda_is_an_error_with_its_cure(setting: str, library: str, cure: str) -> None:
    with pytest.raises(MissingDependency, match=rf"cuda is asked for, but {library}.*{cure}"):
        placed(spec(**{setting: "cuda"}))


@no_gpu
def test_a_server_learns_it_before_it_starts_and_without_loading_anything() -> None:
    with pytest.raises(MissingDependency, match=r"onnxruntime-gpu.*viva doctor"):
        require_devices(spec(speak_device="cuda:0"))
    require_devices(spec())
    require_devices(spec(device="cpu"))


def test_with_a_gpu_auto_takes_it_for_all_that_can() -> None:
    found = placed(spec(), runtimes=machine(1))
    assert (found.listen_device, found.think_device, found.speak_device) == ("cuda", "cuda", "cuda")
    assert (found.listen_compute_type, found.think_gpu_layers) == ("float16", ALL_LAYERS)
    found = placed(spec(), runtimes=machine(1, onnx=False))
    assert (found.think_device, found.speak_device) == ("cuda", "cpu")


def test_a_stage_of_its_own_beats_the_common_device() -> None:
    found = placed(
        spec(device="cuda", speak_device="cpu", think_device="cuda:1", listen_device="auto"), runtimes=machine(2)
    )
    assert (found.listen_device, found.think_device, found.speak_device) == ("cuda", "cuda:1", "cpu")
    assert [gpu_index(device) for device in ("cuda:1", "cuda", "cpu", None)] == [1, None, None, None]


def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidValue, match="no cuda:2: xllamacpp sees 2") as caught:
        placed(spec(think_device="cuda:2"), runtimes=machine(2))
    assert caught.value.param == "think_device"


def test_compute_type_and_layers_can_be_set() -> None:
    found = placed(spec(listen_compute_type="int8_float16", think_gpu_layers=20), runtimes=machine(1))
    assert (found.listen_compute_type, found.think_gpu_layers) == ("int8_float16", 20)
    with pytest.raises(InvalidValue, match="float16 cannot be had on cpu; there is: float32, int8"):
        placed(spec(listen_compute_type="float16"), runtimes=machine(0))


def test_one_stage_can_be_placed_without_asking_for_the_others() -> None:
    found = placed(spec(), ("speak",), {"kokoro": machine(1)["kokoro"]})
    assert (found.listen_device, found.think_device, found.speak_device) == (None, None, "cuda")


def test_engines_without_a_way_to_use_a_gpu_are_left_alone() -> None:
    away = EngineSpec("scripted:a", "openai:m", "scripted:b", "none", device="cuda")
    found = placed(away, runtimes=machine(1))
    assert (found.listen_device, found.think_device, found.speak_device) == ("cpu", "cpu", "cpu")
    assert summary(found) == "" and found.think_gpu_layers == 0
    with pytest.raises(InvalidValue, match="'openai' has no way to use a GPU"):
        placed(EngineSpec("scripted:a", "openai:m", "scripted:b", "none", think_device="cuda"), runtimes=machine(1))


def test_a_placed_spec_crosses_a_process_boundary_and_is_its_own_placement() -> None:
    found = placed(spec(think_device="cuda:1"), runtimes=machine(2))
    assert EngineSpec.from_json(found.to_json()) == found
    assert placed(found, runtimes=machine(2)) == found


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CUDA"])
def test_a_device_that_does_not_exist_is_refused(device: str) -> None:
    with pytest.raises(InvalidValue, match="Setting 'device'"):
        load_settings(device=device)


@pytest.mark.parametrize(
    ("device", "wanted"),
    [
        ("cpu", ["CPUExecutionProvider"]),
        ("cuda", [("CUDAExecutionProvider", {"device_id": 0}), "CPUExecutionProvider"]),
        ("cuda:3", [("CUDAExecutionProvider", {"device_id": 3}), "CPUExecutionProvider"]),
    ],
)
def test_the_speaker_asks_for_its_gpu_by_number(device: str, wanted: list[object]) -> None:
    assert providers(device) == wanted


def test_each_engine_is_given_its_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, dict[str, Any]] = {}

    def taker(name: str) -> Callable[..., object]:
        return lambda *_, **options: given.setdefault(name, options)

    monkeypatch.setattr("vivavoce.listen.whisper.WhisperListener", taker("listen"))
    monkeypatch.setattr("vivavoce.think.llamacpp.LlamaCppThinker", taker("think"))
    monkeypatch.setattr("vivavoce.speak.kokoro.KokoroSpeaker", taker("speak"))
    monkeypatch.setattr("vivavoce.models.store.ModelStore.path", lambda self, name: tmp_path)
    (tmp_path / "model.gguf").write_bytes(b"")
    for found in (placed(spec(think_device="cuda:1"), runtimes=machine(2)), placed(spec(), runtimes=machine(0))):
        given.clear()
        LISTENERS["whisper"](found, "m")
        THINKERS["llamacpp"](found, "m")
        SPEAKERS["kokoro"](found, "m")
        assert given["listen"]["device"] == found.listen_device
        assert given["listen"]["compute_type"] == found.listen_compute_type
        assert (given["think"]["gpu_layers"], given["think"]["gpu"]) == (
            (ALL_LAYERS, 1) if found.think_device == "cuda:1" else (0, None)
        )
        assert given["think"]["batch_tokens"] == (512 if found.think_device == "cuda:1" else 32)
        assert given["speak"]["device"] == found.speak_device
        assert {options["threads"] for options in given.values()} == {found.threads}


def test_whisper_is_given_device_and_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    given: dict[str, Any] = {}

    def whisper(*_: object, **options: object) -> None:
        given.update(options)
        raise RuntimeError("enough seen")

    monkeypatch.setattr(whisper_model._ct2.models, "Whisper", whisper)
    with pytest.raises(Exception, match="enough seen"):
        whisper_model.WhisperModel(tmp_path, threads=4, compute_type="float16", device="cuda:1")
    assert (given["device"], given["device_index"], given["compute_type"]) == ("cuda", 1, "float16")


def test_llama_is_given_layers_and_its_one_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    native = llamacpp_server._xllamacpp()
    given: list[Any] = []

    def server(params: Any) -> None:
        given.append(params)
        raise RuntimeError("enough seen")

    monkeypatch.setattr(native, "Server", server)
    (tmp_path / "model.gguf").write_bytes(b"")
    sizes: dict[str, Any] = {
        "slots": 1,
        "context_tokens": 512,
        "threads": 1,
        "batch_tokens": 512,
        "prompt_cache_mib": 0,
    }
    for gpu in (None, 1):
        with pytest.raises(Exception, match="could not load"):
            llamacpp_server.LlamaServer(tmp_path / "model.gguf", gpu_layers=ALL_LAYERS, gpu=gpu, **sizes)
    spread, single = given
    assert spread.n_gpu_layers == single.n_gpu_layers == ALL_LAYERS
    assert spread.split_mode != native.llama_split_mode.LLAMA_SPLIT_MODE_NONE
    assert (single.split_mode, single.main_gpu) == (native.llama_split_mode.LLAMA_SPLIT_MODE_NONE, 1)
