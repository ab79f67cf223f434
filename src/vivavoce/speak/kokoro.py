"""Kokoro-82M (54 voices, 9 languages) through onnxruntime: text of a clause to 24 kHz sound.

Runs the network off the event loop, at most `calls` at a time; a cancelled clause stops inside its native call.
Knows no settings, caches, clauses or wire names: paths and voice ids only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]

from vivavoce.audio import SPEAK_RATE_HZ, Audio, Samples
from vivavoce.errors import EngineFailed, InvalidValue, ModelNotInstalled
from vivavoce.speak.base import Voice
from vivavoce.speak.g2p.languages import pronouncer
from vivavoce.speak.kokoro_symbols import MAX_SYMBOLS, PAD_ID, encode
from vivavoce.speak.loudness import at_gain
from vivavoce.speak.pieces import split_phonemes
from vivavoce.speak.silence import trim
from vivavoce.speak.stretch import stretch
from vivavoce.speak.voices import quoted_list, voice_table

_ORT: Any = onnxruntime
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_STYLE_SIZE = 256
_NETWORK_SPEEDS = (0.7, 1.2)
"""Where the network's own speed keeps every word (docs/engines/speak.md has the figures); beyond, we stretch."""

MIN_SPEED: Final = 0.25
MAX_SPEED: Final = 4.0


class KokoroSpeaker:
    """Implements `Speaker`.

    `voices_dir` holds one `<voice id>.bin` per voice: float32 of shape (510, 1, 256), a style per utterance length.
    device: "cpu", "cuda" or "cuda:N". Raises `ModelNotInstalled` when a file is missing and `EngineFailed` when the
    model can't be loaded, or not on that device.
    """

    def __init__(
        self, model_path: Path, voices_dir: Path, *, threads: int = 2, calls: int = 2, device: str = "cpu"
    ) -> None:
        self._network = _Network(model_path, threads, device)
        self._voices_dir = voices_dir
        self._styles: dict[str, npt.NDArray[np.float32]] = {}
        self._voices = {
            voice_id: voice
            for voice_id, voice in voice_table().voices.items()
            if (voices_dir / f"{voice_id}.bin").is_file()
        }
        if not self._voices:
            raise ModelNotInstalled(f"No Kokoro voices in {voices_dir}: run `viva models pull`.")
        self._workers = ThreadPoolExecutor(max_workers=calls, thread_name_prefix="kokoro")

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        """See `Speaker.speak`. Cancelling the task ends the native call within one layer of the network."""
        if voice not in self._voices:
            raise InvalidValue(
                f"Invalid value: '{voice}'. Supported values are: {quoted_list(sorted(self._voices))}.",
                param="voice",
            )
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise InvalidValue(f"Invalid value: {speed}. The speed is from {MIN_SPEED} to {MAX_SPEED}.", param="speed")
        stop = new_stop()
        work = asyncio.get_running_loop().run_in_executor(self._workers, self._render, text, voice, speed, stop)
        try:
            return await work
        except asyncio.CancelledError:
            stop.terminate = True
            raise

    async def close(self) -> None:
        await asyncio.to_thread(self._workers.shutdown, cancel_futures=True)

    def _render(self, text: str, voice: str, speed: float, stop: Any) -> Audio:
        phonemes = pronouncer(self._voices[voice].language).phonemes(text)
        network_speed = min(max(speed, _NETWORK_SPEEDS[0]), _NETWORK_SPEEDS[1])
        parts: list[Samples] = []
        for piece in split_phonemes(phonemes, MAX_SYMBOLS):
            symbols = encode(piece)
            if symbols:
                style = self._style(voice)[min(len(symbols), MAX_SYMBOLS) - 1]
                parts.append(trim(self._network.run(symbols, style, network_speed, stop), SPEAK_RATE_HZ))
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        samples = stretch(samples, SPEAK_RATE_HZ, speed / network_speed)
        return Audio(at_gain(samples, voice_table().gains_db.get(voice, 0.0)), SPEAK_RATE_HZ)

    def _style(self, voice: str) -> npt.NDArray[np.float32]:
        """The styles of a voice, shape (510, 256), read on first use."""
        if voice not in self._styles:
            path = self._voices_dir / f"{voice}.bin"
            styles = np.fromfile(path, "<f4")
            if styles.size != MAX_SYMBOLS * _STYLE_SIZE:
                raise EngineFailed(f"The voice file {path.name} is damaged: run `viva models verify`.")
            self._styles[voice] = styles.reshape(MAX_SYMBOLS, _STYLE_SIZE)
        return self._styles[voice]


def has_cuda() -> bool:
    """Whether this onnxruntime was built for CUDA; says nothing of a GPU being there."""
    return _CUDA in _ORT.get_available_providers()


def new_stop() -> Any:
    """A switch for one native call: setting `terminate` on it ends the call between two layers."""
    return _ORT.RunOptions()


def providers(device: str) -> list[str | tuple[str, dict[str, int]]]:
    """`cpu`, `cuda` or `cuda:N` as onnxruntime wants it; what a GPU can't do stays on the processor."""
    name, _, index = device.partition(":")
    return [_CPU] if name == "cpu" else [(_CUDA, {"device_id": int(index or 0)}), _CPU]


class _Network:
    """The ONNX graph. The one place that touches onnxruntime's untyped interface."""

    def __init__(self, model_path: Path, threads: int, device: str) -> None:
        if not model_path.is_file():
            raise ModelNotInstalled(f"No Kokoro model at {model_path}: run `viva models pull`.")
        options = _ORT.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Spinning threads burn a core between layers, which the thinker on the same cores needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = _ORT.InferenceSession(str(model_path), sess_options=options, providers=providers(device))
        except Exception as error:
            raise EngineFailed(f"The Kokoro model can't be loaded: {error}") from error
        if device != "cpu" and _CUDA not in self._session.get_providers():
            # The library goes over to the processor with a warning that nobody reads.
            raise EngineFailed(
                f"onnxruntime could not use {device}, most often for want of CUDA 12 and cuDNN 9 libraries: install "
                "nvidia-cudnn-cu12 and its like, or set speak_device = cpu."
            )
        # Two exports of the same network are about, which differ in the name of the first input.
        self._symbols_input = next(i.name for i in self._session.get_inputs() if i.name in ("tokens", "input_ids"))

    def run(self, symbols: list[int], style: npt.NDArray[np.float32], speed: float, stop: Any) -> Samples:
        """Sound of 1 to 510 symbols, float32 at 24 kHz. Setting `stop.terminate` from elsewhere ends the call."""
        feed = {
            self._symbols_input: np.array([[PAD_ID, *symbols, PAD_ID]], np.int64),
            "style": style.reshape(1, _STYLE_SIZE),
            "speed": np.array([speed], np.float32),
        }
        try:
            output: npt.NDArray[np.float32] = self._session.run(None, feed, stop)[0]
        except Exception as error:
            raise EngineFailed(f"Kokoro failed on {len(symbols)} symbols: {error}") from error
        return output.reshape(-1)
