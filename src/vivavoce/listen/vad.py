"""Voice activity: 16 kHz samples -> probability of speech per 32 ms, by the Silero v6 network in onnxruntime.

The network file ships inside the installed faster-whisper package. Knows nothing of words, windows or Whisper; what to
make of the probabilities is `windows.py`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Samples
from vivavoce.errors import MissingDependency
from vivavoce.onnx import onnxruntime

FRAME_SAMPLES = 512
FRAME_S = FRAME_SAMPLES / LISTEN_RATE_HZ
_CONTEXT_SAMPLES = 64
_BLOCK_FRAMES = 938
"""About 30 s of sound a call: some 60 ms of work, so that a long recording can be abandoned in between."""

Probabilities = npt.NDArray[np.float32]


def default_model_path() -> Path:
    """Where the installed faster-whisper keeps the network, found without importing it.

    Raises `MissingDependency`.
    """
    spec = find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "assets" / "silero_vad_v6.onnx"
        if path.is_file():
            return path
    raise MissingDependency("The voice activity network is missing; reinstall the package faster-whisper.")


class VoiceActivity:
    """Speech probability frame by frame. Holds no state between calls, so safe in any thread."""

    def __init__(self, model_path: Path | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session: Any = onnxruntime.InferenceSession(
            str(model_path or default_model_path()), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def blocks(self, samples: Samples, gain: np.float32) -> Iterator[Probabilities]:
        """Probabilities in [0, 1], one per started 32 ms frame, in blocks of about 30 s; each `next` is one call.

        The network takes quiet speech for silence: `gain` is what brings `samples` to a normal level (`level.py`).
        """
        frames = -(-len(samples) // FRAME_SAMPLES)
        hidden: Any = np.zeros((1, 1, 128), np.float32)
        cell: Any = np.zeros((1, 1, 128), np.float32)
        for first in range(0, frames, _BLOCK_FRAMES):
            count = min(_BLOCK_FRAMES, frames - first)
            rows = _frames_with_context(samples, first, count) * gain
            out, hidden, cell = self._session.run(None, {"input": rows, "h": hidden, "c": cell})
            yield np.asarray(out, np.float32).reshape(-1)


def _frames_with_context(samples: Samples, first: int, count: int) -> Samples:
    """Rows of 64 samples of context and 512 of the frame, shape (count, 576); zeros beyond both ends."""
    start, end = first * FRAME_SAMPLES - _CONTEXT_SAMPLES, (first + count) * FRAME_SAMPLES
    piece = np.zeros(end - start, np.float32)
    inside = samples[max(0, start) : end]
    offset = max(0, start) - start
    piece[offset : offset + len(inside)] = inside
    rows = np.lib.stride_tricks.sliding_window_view(piece, _CONTEXT_SAMPLES + FRAME_SAMPLES)
    return np.ascontiguousarray(rows[::FRAME_SAMPLES])
