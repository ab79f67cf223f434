"""Kokoro-82M (54 voices, 9 languages) through onnxruntime: text of a clause to 24 kHz sound.

Runs the network off the event loop, at most `calls` at a time; a cancelled clause stops inside its native call.
Knows no settings, caches, clauses or wire names: paths and voice ids only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vivavoce.audio import SPEAK_RATE_HZ, Audio, Samples
from vivavoce.errors import EngineFailed, ModelNotInstalled
from vivavoce.speak.base import Voice
from vivavoce.speak.calls import Calls
from vivavoce.speak.g2p.languages import pronouncer, readable
from vivavoce.speak.kokoro_symbols import MAX_SYMBOLS, PAD_ID, encode
from vivavoce.speak.loudness import at_gain
from vivavoce.speak.onnx_graph import OnnxGraph, Stop
from vivavoce.speak.pieces import split_text
from vivavoce.speak.silence import trim
from vivavoce.speak.stretch import stretch
from vivavoce.speak.voices import check_asked, voice_table

_STYLE_SIZE = 256
_NETWORK_SPEEDS = (0.7, 1.2)
"""Where the network's own speed keeps every word (docs/engines/speak.md has the figures); beyond, we stretch."""


class KokoroSpeaker:
    """Implements `Speaker`.

    `voices_dir` holds one `<voice id>.bin` per voice: float32 of shape (510, 1, 256), a style per utterance length.
    device: "cpu", "cuda" or "cuda:N". as_published: see `OnnxGraph`. Raises `ModelNotInstalled` when a file is missing
    and `EngineFailed` when the model can't be loaded, or not on that device.
    """

    def __init__(
        self,
        model_path: Path,
        voices_dir: Path,
        *,
        threads: int = 2,
        calls: int = 2,
        device: str = "cpu",
        as_published: bool = False,
    ) -> None:
        self._graph = OnnxGraph(model_path, threads, device, as_published=as_published)
        # Two exports of the same network are about, which differ in the name of the first input.
        self._symbols_input = next(name for name in self._graph.inputs if name in ("tokens", "input_ids"))
        self._voices_dir = voices_dir
        self._styles: dict[str, npt.NDArray[np.float32]] = {}
        self._voices = {
            voice_id: replace(voice, readable=readable(voice.language))
            for voice_id, voice in voice_table().voices.items()
            if (voices_dir / f"{voice_id}.bin").is_file()
        }
        if not self._voices:
            raise ModelNotInstalled(f"No Kokoro voices in {voices_dir}: run `viva models pull`.")
        self._calls = Calls("kokoro", calls)

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
        phonemes = pronouncer(self._voices[voice].language).phonemes(text)
        network_speed = min(max(speed, _NETWORK_SPEEDS[0]), _NETWORK_SPEEDS[1])
        parts: list[Samples] = []
        for piece in split_text(phonemes, MAX_SYMBOLS):
            symbols = encode(piece)
            if symbols:
                style = self._style(voice)[min(len(symbols), MAX_SYMBOLS) - 1]
                parts.append(trim(self._run(symbols, style, network_speed, stop), SPEAK_RATE_HZ))
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        samples = stretch(samples, SPEAK_RATE_HZ, speed / network_speed)
        return Audio(at_gain(samples, voice_table().gains_db.get(voice, 0.0)), SPEAK_RATE_HZ)

    def _run(self, symbols: list[int], style: npt.NDArray[np.float32], speed: float, stop: Stop) -> Samples:
        """Sound of 1 to 510 symbols at 24 kHz."""
        feed = {
            self._symbols_input: np.array([[PAD_ID, *symbols, PAD_ID]], np.int64),
            "style": style.reshape(1, _STYLE_SIZE),
            "speed": np.array([speed], np.float32),
        }
        return self._graph.run(feed, stop)

    def _style(self, voice: str) -> npt.NDArray[np.float32]:
        """The styles of a voice, shape (510, 256), read on first use."""
        if voice not in self._styles:
            path = self._voices_dir / f"{voice}.bin"
            styles = np.fromfile(path, "<f4")
            if styles.size != MAX_SYMBOLS * _STYLE_SIZE:
                raise EngineFailed(f"The voice file {path.name} is damaged: run `viva models verify`.")
            self._styles[voice] = styles.reshape(MAX_SYMBOLS, _STYLE_SIZE)
        return self._styles[voice]
