"""Which voices are active when, within ten seconds: the PyanNet network of pyannote segmentation 3.0.

It tells apart at most three voices in a window, two of them at once, and says of each frame which of the seven
combinations is heard. Which voice of one window is which of the next it does not know: see `clustering.py`.

Architecture: Bredin, "pyannote.audio 2.1" (Interspeech 2023); Plaquet and Bredin, "Powerset multi-class cross entropy
loss for neural speaker diarization" (Interspeech 2023); filters: Ravanelli and Bengio, "Speaker recognition from raw
waveform with SincNet" (2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.listen.speakers.base import WINDOW_SAMPLES, Probabilities
from vivavoce.listen.speakers.graph import Array, Builder, Network
from vivavoce.listen.speakers.tensors import read_tensors

VOICES = 3
_POWERSET = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]],
    np.float32,
)
"""Which voices each of the seven classes holds."""

_LSTM_LAYERS = 4
_HIDDEN = 128
_LEAK = 0.01


@dataclass(frozen=True, slots=True)
class Activity:
    """What is heard in one window, frame by frame. voices: how probable each voice is, shape (frames, VOICES).

    spoken: that anybody speaks. overlapped: that two do.
    """

    voices: npt.NDArray[np.float32]
    spoken: Probabilities
    overlapped: Probabilities

    def __getitem__(self, frames: slice) -> Activity:
        return Activity(self.voices[frames], self.spoken[frames], self.overlapped[frames])


class Segmentation:
    """Holds no state between calls, so safe in any thread. Raises as `read_tensors` does."""

    def __init__(self, path: Path, threads: int) -> None:
        self._network = _network(Builder(read_tensors(path)), threads)

    def __call__(self, window: Samples) -> Activity:
        """`window`: WINDOW_SAMPLES of sound."""
        classes = np.exp(self._network(window[None, None, :])[0])
        several = _POWERSET.sum(axis=1) > 1
        return Activity(classes @ _POWERSET, 1.0 - classes[:, 0], classes[:, several].sum(axis=1))


def padded(samples: Samples) -> Samples:
    """`samples` with silence to the length of a window."""
    window = np.zeros(WINDOW_SAMPLES, np.float32)
    window[: len(samples)] = samples
    return window


def _network(build: Builder, threads: int) -> Network:
    values = _instance_normalised(build, "sound", "sincnet.wav_norm1d")
    values = build.add("Conv", values, build.constant(_sinc_filters(build)), strides=[10])
    values = build.add("Abs", values)
    for layer in range(3):
        if layer:
            values = build.convolution(values, f"sincnet.conv1d.{layer}")
        values = build.add("MaxPool", values, kernel_shape=[3], strides=[3])
        values = build.add("LeakyRelu", _instance_normalised(build, values, f"sincnet.norm1d.{layer}"), alpha=_LEAK)
    values = build.add("Transpose", values, perm=[2, 0, 1])  # (batch, channels, frames) -> (frames, batch, channels)
    for layer in range(_LSTM_LAYERS):
        values = _both_ways(build, values, layer)
    for layer in range(2):
        values = build.add("LeakyRelu", _linear(build, values, f"linear.{layer}"), alpha=_LEAK)
    values = build.add("LogSoftmax", _linear(build, values, "classifier"), axis=-1)
    values = build.add("Transpose", values, perm=[1, 0, 2])
    return build.network(("sound", [None, 1, None]), values, threads)


def _instance_normalised(build: Builder, values: str, name: str) -> str:
    return build.add("InstanceNormalization", values, *build.given(f"{name}.weight", f"{name}.bias"), epsilon=1e-5)


def _linear(build: Builder, values: str, name: str) -> str:
    product = build.add("MatMul", values, build.constant(build.weight(f"{name}.weight").T))
    return build.add("Add", product, *build.given(f"{name}.bias"))


def _both_ways(build: Builder, values: str, layer: int) -> str:
    """One bidirectional LSTM layer, (frames, batch, in) -> (frames, batch, 2 x hidden)."""
    ends = (f"l{layer}", f"l{layer}_reverse")

    def stacked(kind: str) -> Array:
        return np.stack([_gates(build.weight(f"lstm.{kind}_{end}")) for end in ends])

    bias = np.concatenate([stacked("bias_ih"), stacked("bias_hh")], axis=1)
    out = build.add(
        "LSTM",
        values,
        build.constant(stacked("weight_ih")),
        build.constant(stacked("weight_hh")),
        build.constant(bias),
        hidden_size=_HIDDEN,
        direction="bidirectional",
    )  # (frames, directions, batch, hidden)
    out = build.add("Transpose", out, perm=[0, 2, 1, 3])
    return build.add("Reshape", out, build.integers(0, 0, 2 * _HIDDEN))


def _gates(weights: Array) -> Array:
    """PyTorch's order of gates (input, forget, cell, output) in that of ONNX (input, output, forget, cell)."""
    enter, forget, cell, leave = np.split(weights, 4)
    return np.concatenate([enter, leave, forget, cell])


def _sinc_filters(build: Builder) -> npt.NDArray[np.float32]:
    """80 band-pass filters of 251 samples, shape (80, 1, 251): 40 even ones, then 40 odd ones of the same bands."""
    name = "sincnet.conv1d.0.filterbank"
    low_hz = 50.0 + np.abs(build.weight(f"{name}.low_hz_"))
    high_hz = np.clip(low_hz + 50.0 + np.abs(build.weight(f"{name}.band_hz_")), 50.0, LISTEN_RATE_HZ / 2)
    times, window = build.weight(f"{name}.n_"), build.weight(f"{name}.window_")
    low, high, band_hz = low_hz @ times, high_hz @ times, high_hz - low_hz
    even = (np.sin(high) - np.sin(low)) / (times / 2) * window
    odd = (np.cos(low) - np.cos(high)) / (times / 2) * window
    evens = np.concatenate([even, 2 * band_hz, even[:, ::-1]], axis=1)
    odds = np.concatenate([odd, np.zeros_like(band_hz), -odd[:, ::-1]], axis=1)
    filters = np.concatenate([evens, odds]) / (2 * np.tile(band_hz, (2, 1)))
    return filters[:, None, :].astype(np.float32)
