"""Networks built node by node from published weights and run by onnxruntime. Knows no particular network.

The weights are published for PyTorch, which weighs a gigabyte; the networks are small enough to be written down here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from vivavoce.errors import EngineFailed
from vivavoce.listen.speakers.tensors import Tensors
from vivavoce.onnx import onnxruntime

_onnx: Any = onnx
"""Its messages carry no types; this name is the one untyped spot."""

_OPSET = 17

Array = npt.NDArray[Any]


class Builder:
    """A network under construction. What nodes and weights are called is how they are joined: plain strings."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def weight(self, name: str) -> Array:
        """A tensor of the checkpoint. Raises `EngineFailed` where it has none of this name."""
        try:
            return self._tensors[name]
        except KeyError:
            raise EngineFailed(f"The checkpoint has no tensor {name}: it is of another network.") from None

    def constant(self, value: Array) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = _onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def given(self, *names: str) -> list[str]:
        """Tensors of the checkpoint, as constants."""
        return [self.constant(self.weight(name)) for name in names]

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def add(self, operation: str, *inputs: str, **attributes: object) -> str:
        """A node with one output; its name."""
        name = f"n{len(self._nodes)}"
        self._nodes.append(_onnx.helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def convolution(self, sound: str, name: str, **attributes: object) -> str:
        """`name`.weight, and `name`.bias where there is one."""
        bias = self.given(f"{name}.bias") if f"{name}.bias" in self._tensors else []
        return self.add("Conv", sound, *self.given(f"{name}.weight"), *bias, **attributes)

    def normalised(self, values: str, name: str) -> str:
        """Batch normalisation by the running mean and variance of `name`; without weights where it has none."""
        mean, variance = f"{name}.running_mean", f"{name}.running_var"
        if f"{name}.weight" in self._tensors:
            scale, bias = self.given(f"{name}.weight", f"{name}.bias")
        else:
            channels = self.weight(mean).shape
            scale, bias = self.constant(np.ones(channels, np.float32)), self.constant(np.zeros(channels, np.float32))
        return self.add("BatchNormalization", values, scale, bias, *self.given(mean, variance), epsilon=1e-5)

    def network(self, takes: tuple[str, list[int | None]], gives: str, threads: int) -> Network:
        """Ready to run: `takes` is the input's name with its shape, None where it varies."""
        floats = _onnx.TensorProto.FLOAT
        name, shape = takes
        graph = _onnx.helper.make_graph(
            self._nodes,
            "network",
            [_onnx.helper.make_tensor_value_info(name, floats, shape)],
            [_onnx.helper.make_tensor_value_info(gives, floats, None)],
            list(self._constants.values()),
        )
        opset = _onnx.helper.make_opsetid("", _OPSET)
        model = _onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
        return Network(model.SerializeToString(), name, threads)


class Network:
    """A network of one input and one output. Safe to call from several threads."""

    def __init__(self, model: bytes, takes: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                model, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EngineFailed(f"A network of the speakers engine can't be loaded: {error}") from error
        self._takes = takes

    def __call__(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Raises `EngineFailed`."""
        feed: Mapping[str, Array] = {self._takes: values}
        try:
            return self._session.run(None, feed)[0]
        except Exception as error:
            raise EngineFailed(f"A network of the speakers engine failed: {type(error).__name__}.") from error
