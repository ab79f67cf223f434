"""A voice as 192 numbers: the CAM++ speaker encoder, built from its published weights.

Architecture: Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking"
(Interspeech 2023). Knows no recording and no cluster.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vivavoce.listen.speakers.base import Embedding
from vivavoce.listen.speakers.fbank import Features
from vivavoce.listen.speakers.graph import Builder, Network
from vivavoce.listen.speakers.tensors import read_tensors

BANDS = 80
LEAST_FRAMES = 20
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers of each dense block, and their dilation."""

_POOLED_FRAMES = 100
"""Frames whose mean is one segment's context."""


class CampplusEncoder:
    """Holds no state between calls, so safe in any thread. Raises as `read_tensors` does."""

    bands = BANDS
    least_frames = LEAST_FRAMES

    def __init__(self, path: Path, threads: int) -> None:
        self._network = _network(Builder(read_tensors(path)), threads)

    def __call__(self, features: Features) -> Embedding:
        """Of length 1. `features`: of one voice alone, at least `least_frames` frames, shape (frames, 80)."""
        levelled = features - features.mean(axis=0)
        embedding = self._network(levelled.T[None]).reshape(-1)
        return embedding / max(float(np.linalg.norm(embedding)), 1e-9)


def _network(build: Builder, threads: int) -> Network:
    values = _head(build)
    values = build.convolution(values, "xvector.tdnn.linear", strides=[2], pads=[2, 2])
    values = _relu_normalised(build, values, "xvector.tdnn.nonlinear.batchnorm")
    for number, (layers, dilation) in enumerate(_BLOCKS, start=1):
        for layer in range(1, layers + 1):
            more = _dense_layer(build, values, f"xvector.block{number}.tdnnd{layer}", dilation)
            values = build.add("Concat", values, more, axis=1)
        values = _relu_normalised(build, values, f"xvector.transit{number}.nonlinear.batchnorm")
        values = build.convolution(values, f"xvector.transit{number}.linear")
    values = _relu_normalised(build, values, "xvector.out_nonlinear.batchnorm")
    values = build.convolution(_statistics(build, values), "xvector.dense.linear")
    values = build.normalised(values, "xvector.dense.nonlinear.batchnorm")
    return build.network(("features", [None, BANDS, None]), values, threads)


def _relu_normalised(build: Builder, values: str, name: str) -> str:
    return build.add("Relu", build.normalised(values, name))


def _head(build: Builder) -> str:
    """Two-dimensional convolutions over bands and frames: (n, 80, frames) -> (n, 320, frames)."""
    values = build.add("Unsqueeze", "features", build.integers(1))
    values = _convolved(build, values, "head.conv1", "head.bn1", [1, 1])
    values = build.add("Relu", values)
    for layer in (1, 2):
        for block in (0, 1):
            values = _residual(build, values, f"head.layer{layer}.{block}", 2 if block == 0 else 1)
    values = build.add("Relu", _convolved(build, values, "head.conv2", "head.bn2", [2, 1]))
    return build.add("Reshape", values, build.integers(0, 320, -1))


def _convolved(build: Builder, values: str, convolution: str, norm: str, strides: list[int]) -> str:
    return build.normalised(build.convolution(values, convolution, strides=strides, pads=[1, 1, 1, 1]), norm)


def _residual(build: Builder, values: str, name: str, stride: int) -> str:
    inner = build.add("Relu", _convolved(build, values, f"{name}.conv1", f"{name}.bn1", [stride, 1]))
    inner = _convolved(build, inner, f"{name}.conv2", f"{name}.bn2", [1, 1])
    if stride > 1:
        values = build.convolution(values, f"{name}.shortcut.0", strides=[stride, 1])
        values = build.normalised(values, f"{name}.shortcut.1")
    return build.add("Relu", build.add("Add", inner, values))


def _dense_layer(build: Builder, values: str, name: str, dilation: int) -> str:
    """32 more channels, each masked by what is heard around it and in the whole."""
    values = build.convolution(_relu_normalised(build, values, f"{name}.nonlinear1.batchnorm"), f"{name}.linear1")
    values = _relu_normalised(build, values, f"{name}.nonlinear2.batchnorm")
    pads = [dilation, dilation]
    local = build.convolution(values, f"{name}.cam_layer.linear_local", dilations=[dilation], pads=pads)
    context = build.add("Add", build.add("ReduceMean", values, axes=[-1], keepdims=1), _segment_means(build, values))
    context = build.add("Relu", build.convolution(context, f"{name}.cam_layer.linear1"))
    mask = build.add("Sigmoid", build.convolution(context, f"{name}.cam_layer.linear2"))
    return build.add("Mul", local, mask)


def _segment_means(build: Builder, values: str) -> str:
    """In place of each frame the mean of its hundred, the last ones perhaps fewer. Same shape."""
    means = build.add(
        "AveragePool", values, kernel_shape=[_POOLED_FRAMES], strides=[_POOLED_FRAMES], ceil_mode=1, count_include_pad=0
    )
    column = build.add("Unsqueeze", means, build.integers(3))
    spread = build.add("Expand", column, build.integers(1, 1, 1, _POOLED_FRAMES))
    flat = build.add("Reshape", spread, build.integers(0, 0, -1))
    frames = build.add("Shape", values, start=2, end=3)
    return build.add("Slice", flat, build.integers(0), frames, build.integers(2))


def _statistics(build: Builder, values: str) -> str:
    """Mean and standard deviation over frames, (n, channels, frames) -> (n, 2 x channels, 1)."""
    mean = build.add("ReduceMean", values, axes=[-1], keepdims=1)
    off = build.add("Sub", values, mean)
    squares = build.add("ReduceSum", build.add("Mul", off, off), build.integers(-1), keepdims=1)
    frames = build.add("Cast", build.add("Shape", values, start=2, end=3), to=1)
    others = build.add("Sub", frames, build.constant(np.ones(1, np.float32)))
    deviation = build.add("Sqrt", build.add("Div", squares, others))
    return build.add("Concat", mean, deviation, axis=1)
