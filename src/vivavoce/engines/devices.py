"""Which device each engine runs on: `auto`, `cpu`, `cuda` or `cuda:N` become plain values of an `EngineSpec`.

Decided once, when engines are built, by what each engine's library can use on this machine. `auto` takes a GPU where
there is one; `cuda` without one is an error with its cure, never a quiet fall back to the processor. Knows no model.
As a program (`python -m vivavoce.engines.devices`, spec as JSON on standard input) it says so in a process of its own,
so that a server learns it without loading the libraries.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from vivavoce.engines.spec import GPU_STAGES, EngineSpec, Stage
from vivavoce.errors import EngineFailed, InvalidValue, MissingDependency, VivaError, all_errors

CHECK_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """A library that runs engines, as it finds this machine. gpus: how many CUDA GPUs it can use.

    compute_types: the number formats it has for a device, where it has a choice. cure: how to make it see a GPU.
    """

    library: str
    gpus: int
    cure: str
    compute_types: Callable[[str], frozenset[str]] | None = None


def _ctranslate2() -> Runtime:
    from vivavoce.listen.whisper_model import compute_types, cuda_gpus

    return Runtime(
        "CTranslate2",
        cuda_gpus(),
        "It has CUDA built in; it needs an NVIDIA driver for CUDA 12 and, when it runs, the packages "
        "nvidia-cublas-cu12 and nvidia-cudnn-cu12.",
        compute_types,
    )


def _llamacpp() -> Runtime:
    from vivavoce.think.llamacpp_server import cuda_gpus

    return Runtime(
        "xllamacpp",
        cuda_gpus(),
        "The package that pip installs by itself is for processors: install the CUDA wheel of the same version that "
        "the xllamacpp project publishes.",
    )


def _onnxruntime() -> Runtime:
    from vivavoce.listen.whisper_model import cuda_gpus
    from vivavoce.speak.onnx_graph import has_cuda

    # This library says what it was built for, not what the machine has: the number of GPUs is another's.
    return Runtime(
        "onnxruntime",
        cuda_gpus() if has_cuda() else 0,
        "Replace the package: pip uninstall onnxruntime, then pip install onnxruntime-gpu.",
    )


RUNTIMES: dict[str, Callable[[], Runtime]] = {
    "whisper": _ctranslate2,
    "llamacpp": _llamacpp,
    "kokoro": _onnxruntime,
    "piper": _onnxruntime,
}
"""What runs each kind of engine that can use a GPU."""


def placed(
    spec: EngineSpec, stages: Sequence[Stage] = GPU_STAGES, runtimes: Mapping[str, Callable[[], Runtime]] = RUNTIMES
) -> EngineSpec:
    """`spec` with a device for each of `stages`, a compute type and a number of layers: nothing is left to choose.

    Raises `MissingDependency` where CUDA is asked for and cannot be had, `InvalidValue` for a GPU or a compute type
    that is not there. The result placed again is itself.
    """
    for stage in stages:
        # Of several speakers, the first that can use a GPU decides for all of them.
        kinds = [name.partition(":")[0] for name in spec.engines(stage)]
        kind = next((kind for kind in kinds if kind in runtimes), kinds[0])
        runtime = runtimes[kind]() if kind in runtimes else None
        device = _device(stage, kind, spec, runtime)
        if stage == "listen":
            spec = replace(spec, listen_device=device, listen_compute_type=_compute_type(spec, device, runtime))
        elif stage == "think":
            layers = ALL_LAYERS if on_gpu(device) else 0
            unset = spec.think_gpu_layers is None
            spec = replace(spec, think_device=device, think_gpu_layers=layers if unset else spec.think_gpu_layers)
        else:
            spec = replace(spec, speak_device=device)
    return spec


ALL_LAYERS = 999
"""More layers than any model has: llama.cpp puts all of them on the GPU."""


def on_gpu(device: str) -> bool:
    return device.startswith("cuda")


def gpu_index(device: str | None) -> int | None:
    """N of `cuda:N`; None where no single GPU is named."""
    _, _, index = (device or "").partition(":")
    return int(index) if index else None


def _device(stage: Stage, kind: str, spec: EngineSpec, runtime: Runtime | None) -> str:
    own = spec.stage_device(stage)
    asked = own or spec.device
    if runtime is None:
        if own is not None and on_gpu(own):
            raise InvalidValue(f"{stage}_device = {own}: '{kind}' has no way to use a GPU.", param=f"{stage}_device")
        return "cpu"
    if asked == "cpu" or (asked == "auto" and runtime.gpus == 0):
        return "cpu"
    if runtime.gpus == 0:
        raise MissingDependency(
            f"{asked} is asked for, but {runtime.library}, which is to {stage}, sees no CUDA GPU here. {runtime.cure} "
            f"`viva doctor` shows what is seen; {stage}_device = cpu leaves this stage on the processor."
        )
    if asked == "auto":
        return "cuda"
    if (gpu_index(asked) or 0) >= runtime.gpus:
        raise InvalidValue(
            f"There is no {asked}: {runtime.library} sees {runtime.gpus} GPU(s), counted from 0.",
            param=f"{stage}_device" if own else "device",
        )
    return asked


def _compute_type(spec: EngineSpec, device: str, runtime: Runtime | None) -> str:
    asked = spec.listen_compute_type
    if runtime is None or runtime.compute_types is None:
        return asked
    supported = runtime.compute_types(device)
    if asked == "auto":
        wanted = ("float16", "int8_float16", "int8") if on_gpu(device) else ("int8",)
        return next((kind for kind in wanted if kind in supported), "float32")
    if asked not in supported:
        raise InvalidValue(
            f"listen_compute_type = {asked} cannot be had on {device}; there is: {', '.join(sorted(supported))}.",
            param="listen_compute_type",
        )
    return asked


def summary(spec: EngineSpec) -> str:
    """Where the engines of a placed spec run, in a few words for a log."""
    words = [f"listen {spec.listen_device} {spec.listen_compute_type}"] if spec.listen.startswith("whisper:") else []
    words += [
        f"{stage} {spec.stage_device(stage)}"
        for stage in ("think", "speak")
        if any(name.partition(":")[0] in RUNTIMES for name in spec.engines(stage))
    ]
    return ", ".join(words)


def require_devices(spec: EngineSpec) -> None:
    """Raises what `placed` raises, found out in a process of its own. Quick where no GPU is asked for by name."""
    if not any(on_gpu(spec.stage_device(stage) or spec.device) for stage in GPU_STAGES):
        return
    try:
        done = subprocess.run(
            [sys.executable, "-m", "vivavoce.engines.devices"],
            input=spec.to_json(),
            capture_output=True,
            text=True,
            timeout=CHECK_TIMEOUT_S,
            check=True,
        )
        answer: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise EngineFailed(f"Looking for a GPU failed ({type(error).__name__}); `viva doctor` may say more.") from error
    if "error" in answer:
        raise all_errors().get(answer["error"], EngineFailed)(answer["message"])


def main() -> None:
    try:
        answer = {"placed": summary(placed(EngineSpec.from_json(sys.stdin.read())))}
    except VivaError as error:
        answer = {"error": type(error).__name__, "message": error.message}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
