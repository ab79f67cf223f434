"""A Piper voice (VITS) through onnxruntime: text of a clause to sound, several times faster than Kokoro.

Runs the network off the event loop, at most `calls` at a time; a cancelled clause stops inside its native call. Its
phonemes come from our own pronunciation, so it speaks American English only. Knows no settings, caches or wire names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vivavoce.audio import SPEAK_RATE_HZ, Audio, Samples
from vivavoce.errors import EngineFailed, InvalidValue, ModelNotInstalled
from vivavoce.resampling import resample
from vivavoce.speak.base import Voice
from vivavoce.speak.calls import Calls
from vivavoce.speak.g2p.languages import pronouncer
from vivavoce.speak.loudness import at_gain
from vivavoce.speak.onnx_graph import OnnxGraph, Stop
from vivavoce.speak.pieces import split_text
from vivavoce.speak.piper_symbols import piper_phonemes
from vivavoce.speak.silence import trim
from vivavoce.speak.stretch import stretch
from vivavoce.speak.voices import check_asked, voice_table

_START, _END, _PAD = "^", "$", "_"
_MAX_SYMBOLS = 400
"""Most symbols of one call: about 25 s of speech, so that its memory stays small."""

_NETWORK_SPEEDS = (0.7, 1.3)
"""Where the network's own speed is near what is asked, since it rounds lengths up; beyond, we stretch."""

_FIXED_S = 0.0085
"""Of each symbol's length, whatever the speed, because the network rounds lengths up: a third of what there is to hear.
From six clauses at speeds 0.7, 1 and 1.3 (7.5 to 9.4 ms)."""


@dataclass(frozen=True, slots=True)
class _Config:
    """What the voice's own file says: symbol -> input numbers, rate in Hz, spread of sound and of lengths."""

    symbols: Mapping[str, list[int]]
    rate_hz: int
    noise: float
    length_noise: float

    @classmethod
    def read(cls, path: Path) -> _Config:
        if not path.is_file():
            raise ModelNotInstalled(f"No voice description at {path}: run `viva models pull`.")
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            scales = content["inference"]
            return cls(
                content["phoneme_id_map"],
                int(content["audio"]["sample_rate"]),
                float(scales["noise_scale"]),
                float(scales["noise_w"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise EngineFailed(f"The voice file {path.name} is damaged: run `viva models verify`.") from error


class PiperSpeaker:
    """Implements `Speaker` for the one voice in `folder`, whose id in the table of voices is the folder's name.

    device: "cpu", "cuda" or "cuda:N". Raises `InvalidValue` for a voice that is not in the table, `ModelNotInstalled`
    when a file is missing and `EngineFailed` when the model can't be loaded.
    """

    def __init__(self, folder: Path, *, threads: int = 2, calls: int = 2, device: str = "cpu") -> None:
        if folder.name not in voice_table().voices:
            raise InvalidValue(f"'{folder.name}' is no Piper voice that we know: see docs/voices.md.", param="speak")
        self._config = _Config.read(folder / "config.json")
        self._graph = OnnxGraph(folder / "model.onnx", threads, device)
        self._voices = {folder.name: voice_table().voices[folder.name]}
        self._calls = Calls("piper", calls)

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        """See `Speaker.speak`. Cancelling the task ends the native call within one layer of the network."""
        check_asked(voice, speed, self._voices)
        stop = Stop()
        return await self._calls.run(lambda: self._render(text, voice, speed, stop), stop)

    async def close(self) -> None:
        await self._calls.close()

    def _render(self, text: str, voice: str, speed: float, stop: Stop) -> Audio:
        phonemes = piper_phonemes(pronouncer(self._voices[voice].language).phonemes(text))
        network_speed = min(max(speed, _NETWORK_SPEEDS[0]), _NETWORK_SPEEDS[1])
        parts: list[Samples] = []
        for piece in split_text(phonemes, _MAX_SYMBOLS):
            ids = self._ids(piece)
            sound = resample(Audio(self._run(ids, network_speed, stop), self._config.rate_hz), SPEAK_RATE_HZ)
            fixed_s = min(_FIXED_S * len(ids), sound.duration_s)
            plain_s = (sound.duration_s - fixed_s) * network_speed + fixed_s
            trimmed = trim(sound.samples, SPEAK_RATE_HZ)
            parts.append(stretch(trimmed, SPEAK_RATE_HZ, speed * sound.duration_s / plain_s) if plain_s else trimmed)
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return Audio(at_gain(samples, voice_table().gains_db[voice]), SPEAK_RATE_HZ)

    def _run(self, ids: list[int], speed: float, stop: Stop) -> Samples:
        """Sound of one piece at the voice's rate."""
        feed = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([self._config.noise, 1.0 / speed, self._config.length_noise], np.float32),
        }
        return self._graph.run(feed, stop)

    def _ids(self, phonemes: str) -> list[int]:
        """Input numbers: a start, an end, and a pad after every symbol; symbols that the voice lacks are left out."""
        symbols = self._config.symbols
        known = [symbol for symbol in phonemes if symbol in symbols]
        padded = [number for symbol in (_START, *known) for number in (*symbols[symbol], *symbols[_PAD])]
        return [*padded, *symbols[_END]]
