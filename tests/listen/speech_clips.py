"""Real recordings for the tests here: reading the manifest, decoding, joining at known offsets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faster_whisper import decode_audio

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples


@dataclass(frozen=True, slots=True)
class Recorded:
    id: str
    language: str
    text: str
    audio: Audio


def recorded(shared_speech: Path, prefix: str, count: int, max_duration_s: float = 10.0) -> list[Recorded]:
    """The first `count` clips with a text whose id starts with `prefix`."""
    found: list[Recorded] = []
    for line in (shared_speech / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["id"].startswith(prefix) and row.get("text") and row["duration_s"] <= max_duration_s:
            found.append(Recorded(row["id"], row["language"], row["text"], sound(shared_speech / row["path"])))
        if len(found) == count:
            return found
    raise AssertionError(f"the manifest has only {len(found)} clips {prefix}")


def sound(path: Path) -> Audio:
    return Audio(np.asarray(decode_audio(str(path)), np.float32), LISTEN_RATE_HZ)


def trimmed(audio: Audio, floor: float = 0.02) -> Samples:
    """Without the silence around it, so that an offset in a joined recording is the start of a word."""
    loud = np.flatnonzero(np.abs(audio.samples) > floor * np.abs(audio.samples).max())
    return audio.samples[loud[0] : loud[-1] + 1]


def joined(parts: list[Samples], pause_s: float) -> tuple[Audio, list[float]]:
    """Parts one after another with pauses between, and the second at which each part begins."""
    pause = np.zeros(round(pause_s * LISTEN_RATE_HZ), np.float32)
    starts_s: list[float] = []
    pieces: list[Samples] = [pause]
    for part in parts:
        starts_s.append(sum(len(piece) for piece in pieces) / LISTEN_RATE_HZ)
        pieces += [part, pause]
    return Audio(np.concatenate(pieces), LISTEN_RATE_HZ), starts_s
