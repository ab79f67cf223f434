"""Recordings made with our own voices, whose words are known because we wrote them, and whose times because we joined
them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from speech_clips import joined, trimmed

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.resampling import resample
from vivavoce.speak.kokoro import KokoroSpeaker


async def said(models_dir: Path, texts: Sequence[str], voice: str) -> list[Samples]:
    """Each text by one voice, at 16 kHz, without silence around it."""
    speaker = KokoroSpeaker(next((models_dir / "kokoro-82m").glob("*.onnx")), models_dir / "kokoro-voices")
    try:
        return [trimmed(resample(await speaker.speak(text, voice), LISTEN_RATE_HZ)) for text in texts]
    finally:
        await speaker.close()


def one_recording(parts: list[Samples], pause_s: float) -> tuple[Audio, list[float], list[float]]:
    """The parts with pauses between, and the seconds at which each begins and ends."""
    audio, starts_s = joined(parts, pause_s)
    ends_s = [start_s + len(part) / LISTEN_RATE_HZ for start_s, part in zip(starts_s, parts, strict=True)]
    assert np.abs(audio.samples).max() > 0.05
    return audio, starts_s, ends_s
