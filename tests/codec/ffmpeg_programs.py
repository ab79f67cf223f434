"""The `ffmpeg` and `ffprobe` programs: an opinion on our files, and a maker of files, that owes nothing to PyAV."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import SPEAK_RATE_HZ, Audio

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None, reason="needs the programs ffmpeg and ffprobe"
)
RAW = ("-f", "s16le", "-ar", str(SPEAK_RATE_HZ), "-ac", "1")
"""How the programs are told of pcm16, which says nothing of itself."""


def made_by_ffmpeg(source: Path, arguments: str, target: Path) -> bytes:
    _run("ffmpeg", "-y", "-i", str(source), *arguments.split(), str(target))
    return target.read_bytes()


def decoded_by_ffmpeg(file: Path, *how: str) -> tuple[Audio, str]:
    """The sound at 24 kHz, and what ffmpeg said about the file at level "warning" and above."""
    out = ("-f", "f32le", "-ar", str(SPEAK_RATE_HZ), "-ac", "1", "-")
    done = _run("ffmpeg", "-v", "warning", *how, "-i", str(file), *out)
    return Audio(np.frombuffer(done.stdout, "<f4").astype(np.float32), SPEAK_RATE_HZ), done.stderr.decode()


def duration_by_ffprobe(file: Path, *how: str) -> float | None:
    """What a player shows, in seconds; None where the file does not say."""
    done = _run("ffprobe", "-v", "error", *how, "-show_entries", "format=duration", "-of", "json", str(file))
    stated = json.loads(done.stdout)["format"].get("duration")
    return None if stated is None else float(stated)


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, check=True, timeout=60)
