"""A voice network as an ONNX graph: loads it, runs it, ends a run half way. Knows no engine, text or voice.

The one place of speaking that touches onnxruntime's untyped interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.audio import Samples
from vivavoce.errors import EngineFailed, ModelNotInstalled
from vivavoce.onnx import onnxruntime
from vivavoce.speak.signed_convolutions import has_vnni, with_signed_convolutions

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def has_cuda() -> bool:
    """Whether this onnxruntime was built for CUDA; says nothing of a GPU being there."""
    return _CUDA in onnxruntime.get_available_providers()


def providers(device: str) -> list[str | tuple[str, dict[str, int]]]:
    """`cpu`, `cuda` or `cuda:N` as onnxruntime wants it; what a GPU can't do stays on the processor."""
    name, _, index = device.partition(":")
    return [_CPU] if name == "cpu" else [(_CUDA, {"device_id": int(index or 0)}), _CPU]


class Stop:
    """A switch for native calls: calling it from any thread ends them between two layers, and those to come at once."""

    def __init__(self) -> None:
        self.options = onnxruntime.RunOptions()

    def __call__(self) -> None:
        self.options.terminate = True


class OnnxGraph:
    """`inputs` are the names of what the graph takes. device: "cpu", "cuda" or "cuda:N". as_published: leave it as it
    lies there, even where another form is quicker on this processor.

    Raises `ModelNotInstalled` when the file is missing and `EngineFailed` when it can't be loaded on that device.
    """

    def __init__(self, path: Path, threads: int, device: str = "cpu", *, as_published: bool = False) -> None:
        self._name = path.parent.name
        if not path.is_file():
            raise ModelNotInstalled(f"No model at {path}: run `viva models pull`.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning threads burn a core between layers, which the thinker on the same cores needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            quick = device == "cpu" and has_vnni() and not as_published
            network = with_signed_convolutions(path) if quick else str(path)
            self._session = onnxruntime.InferenceSession(network, sess_options=options, providers=providers(device))
        except Exception as error:
            raise EngineFailed(f"The model {path} can't be loaded: {error}") from error
        if device != "cpu" and _CUDA not in self._session.get_providers():
            # The library goes over to the processor with a warning that nobody reads.
            raise EngineFailed(
                f"onnxruntime could not use {device}, most often for want of CUDA 12 and cuDNN 9 libraries: install "
                "nvidia-cudnn-cu12 and its like, or set speak_device = cpu."
            )
        self.inputs: tuple[str, ...] = tuple(one.name for one in self._session.get_inputs())

    def run(self, feed: Mapping[str, npt.NDArray[Any]], stop: Stop) -> Samples:
        """The first output as float32 of shape (n,). Raises `EngineFailed`, also when `stop` was called."""
        try:
            output: npt.NDArray[np.float32] = self._session.run(None, dict(feed), stop.options)[0]
        except Exception as error:
            raise EngineFailed(f"The network {self._name} failed: {error}") from error
        return output.reshape(-1)
