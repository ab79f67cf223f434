"""A whole book chapter spoken with real weights: heard early, spoken to its last word, and not gathered in memory."""

from __future__ import annotations

import io
import re
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from chapter import chapter
from real_servers import RealServer, serving

from vivavoce.bench.scoring import score

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads the memory of processes from /proc"),
]

CHARACTERS = 20_000
RATE_HZ = 24_000
SAMPLE_S = 30
SETTLED = 0.4
"""Of the chapter: by then the engine has met clauses of most lengths, and has the memory that they take."""

ROOM_MB = {"worker": 10, "engine": 100}
"""How much each may grow from then on. What is still to come is 30 MB as samples of 16 bits, 60 MB in the engine;
the engine's own memory grows a little with each clause that is the longest so far."""


@contextmanager
def fast_voice() -> Iterator[RealServer]:
    engines = {"VIVA_SPEAK": "piper:piper-joe", "VIVA_THINK": "scripted:nothing", "VIVA_LISTEN": "whisper:whisper-base"}
    with serving(VIVA_MAX_SPEECH_CHARACTERS="100000", **engines) as server:
        yield server


def memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def as_wav(pcm: bytes) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(pcm)
    return buffer.getvalue()


def wrong_words(text: str, heard: str, at: float) -> float:
    """Word errors of `heard`, a stretch of what is said of `text` about `at` (0 its beginning, 1 its end), at the place
    of the text where it fits best."""
    words, length = text.split(), len(heard.split())
    middle, around = round(at * len(words)), round(0.05 * len(words)) + length
    starts = range(max(0, middle - around), max(1, min(middle + around, len(words) - length)))
    assert length > SAMPLE_S, "hardly anything was heard"
    return min(score(" ".join(words[start : start + length]), heard, "en").errors for start in starts) / length


@pytest.mark.proves("VIVA_MAX_SPEECH_CHARACTERS")
def test_a_chapter_is_spoken_wholly_and_soon() -> None:
    text = chapter(CHARACTERS)
    assert len(text) >= CHARACTERS
    with fast_voice() as server:
        processes = {"engine": server.engine_pid, "worker": server.worker_pid}
        settled: dict[str, float] = {}
        asked = {"model": "tts-1", "voice": "piper-joe", "input": text, "response_format": "pcm"}
        started_s, first_s, pcm = time.perf_counter(), 0.0, bytearray()
        with httpx.stream("POST", f"{server.url}/v1/audio/speech", json=asked, timeout=120) as answer:
            for piece in answer.iter_bytes():
                first_s = first_s or time.perf_counter() - started_s
                pcm += piece
                if not settled and len(pcm) > SETTLED * len(text) * 0.05 * 2 * RATE_HZ:
                    settled = {name: memory_mb(pid) for name, pid in processes.items()}
        whole_s = time.perf_counter() - started_s
        grown = {name: memory_mb(pid) - settled[name] for name, pid in processes.items()}
        sound_s = len(pcm) / 2 / RATE_HZ
        print(f"{len(text)} characters, {sound_s:.0f} s of sound: first bytes {first_s:.2f} s, all {whole_s:.0f} s")
        print(f"memory at the end, beside {SETTLED:.0%} of it: {grown}")
        assert first_s < whole_s / 20
        assert all(mb < ROOM_MB[name] for name, mb in grown.items())
        for at in (0.0, 0.5, 1.0):
            start = 2 * RATE_HZ * round(at * (sound_s - SAMPLE_S))
            stretch = bytes(pcm[start : start + 2 * RATE_HZ * SAMPLE_S])
            file = ("stretch.wav", as_wav(stretch))
            heard = server.client.audio.transcriptions.create(model="whisper-1", file=file).text
            wrong = wrong_words(text, heard, at)
            print(f"at {at:.0%}: {wrong:.1%} word errors")
            assert wrong < 0.12
    said = text.replace('"', "").split()
    # Piper never speaks twice alike, and a last word that dies away may be missed by the ear.
    assert heard.split()[-2:] in (said[-2:], said[-3:-1]), "it ends with the chapter's last words"
