"""`viva transcribe` with real weights: word times over chunks, speakers of the whole, memory that stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.resampling import resample
from vivavoce.speak.kokoro import KokoroSpeaker

pytestmark = [pytest.mark.real, pytest.mark.slow]

SENTENCES = (
    ("af_heart", "Good morning, and welcome back to the harbour office."),
    ("am_michael", "Thank you, I have come about the boat that was moored here yesterday."),
    ("af_heart", "Which of the boats do you mean, the white one or the green one?"),
    ("am_michael", "The green one, with the broken window at the back."),
    ("af_heart", "That one left at seven, before the fog came in."),
    ("am_michael", "Then I will have to wait until the evening, I suppose."),
)
PAUSES_S = (0.5, 0.9, 1.7, 0.7)
LENGTH_S = 300.0


def trimmed(samples: Samples) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


@pytest.fixture(scope="module")
def said(models_dir: Path) -> list[Samples]:
    import asyncio

    async def speak() -> list[Samples]:
        speaker = KokoroSpeaker(next((models_dir / "kokoro-82m").glob("*.onnx")), models_dir / "kokoro-voices")
        try:
            made = [await speaker.speak(text, voice) for voice, text in SENTENCES]
        finally:
            await speaker.close()
        return [trimmed(resample(audio, LISTEN_RATE_HZ).samples) for audio in made]

    return asyncio.run(speak())


def write(path: Path, said: list[Samples], length_s: float) -> list[tuple[int, float, float]]:
    """The sentences by turns until `length_s` is full: (sentence, start_s, end_s)."""
    places: list[tuple[int, float, float]] = []
    position = LISTEN_RATE_HZ // 2
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, LISTEN_RATE_HZ, 0, "NONE", ""))
        file.writeframes(Audio.silence(0.5, LISTEN_RATE_HZ).to_pcm16())
        while position < length_s * LISTEN_RATE_HZ:
            number = len(places) % len(said)
            samples, pause_s = said[number], PAUSES_S[len(places) % len(PAUSES_S)]
            places.append((number, position / LISTEN_RATE_HZ, (position + len(samples)) / LISTEN_RATE_HZ))
            file.writeframes(Audio(samples, LISTEN_RATE_HZ).to_pcm16())
            file.writeframes(Audio.silence(pause_s, LISTEN_RATE_HZ).to_pcm16())
            position += len(samples) + round(pause_s * LISTEN_RATE_HZ)
    return places


def transcribe(path: Path, out: Path, *options: str) -> None:
    command = [sys.executable, "-m", "vivavoce.cli", "transcribe", str(path), "-o", str(out), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=280, env=os.environ | {"VIVA_OFFLINE": "1"})


def test_words_and_speakers_have_their_times_over_all_chunks(tmp_path: Path, said: list[Samples]) -> None:
    places = write(tmp_path / "talk.wav", said, LENGTH_S)
    formats = ("-f", "verbose_json", "-f", "rttm", "-f", "srt")
    transcribe(tmp_path / "talk.wav", tmp_path, "--speakers", "--language", "en", *formats)
    words = json.loads((tmp_path / "talk.verbose.json").read_text())["words"]
    starts, ends = np.array([word["start"] for word in words]), np.array([word["end"] for word in words])
    off_start = [float(np.abs(starts - start_s).min()) for _, start_s, _ in places]
    off_end = [float(np.abs(ends - end_s).min()) for _, _, end_s in places]
    for name, off in (("start", off_start), ("end", off_end)):
        print(
            f"{len(off)} sentences, {name}: median {np.median(off) * 1000:.0f} ms, worst {max(off) * 1000:.0f} ms off"
        )
        assert np.median(off) <= 0.1
    turns = [line.split() for line in (tmp_path / "talk.rttm").read_text().splitlines()]
    right = 0
    for number, start_s, end_s in places:
        seconds: dict[str, float] = {}
        for turn in turns:
            begin_s, length_s = float(turn[3]), float(turn[4])
            shared_s = max(0.0, min(end_s, begin_s + length_s) - max(start_s, begin_s))
            seconds[turn[7]] = seconds.get(turn[7], 0.0) + shared_s
        speaker = "A" if SENTENCES[number][0] == "af_heart" else "B"
        right += max(seconds, key=lambda name: seconds[name]) == speaker
    print(f"{right} of {len(places)} sentences are given to their speaker")
    assert right >= 0.95 * len(places)
    lines = (tmp_path / "talk.srt").read_text().splitlines()
    assert max(map(len, lines)) <= 60


def peak_mib(path: Path, out: Path, *options: str) -> float:
    """Of a process that transcribes, as the kernel tells it of this process alone."""
    arguments = ["transcribe", str(path), "-o", str(out), *options]
    code = (
        "from collections import deque; from vivavoce import testing; from vivavoce.cli import app\n"
        "begin = testing.ScriptedListener.__init__\n"
        "def forgetful(self, *given, **more): begin(self, *given, **more); self.heard = deque(maxlen=0)\n"
        "testing.ScriptedListener.__init__ = forgetful  # it would keep all that it hears, for tests to look at\n"
        f"app({arguments!r}, standalone_mode=False)\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=280)
    return int(done.stdout.splitlines()[-1]) / 1024


def test_memory_does_not_grow_with_the_recording(tmp_path: Path, said: list[Samples]) -> None:
    """An hour of sound is 230 MB; a scripted listener, so that it takes seconds, behind the real decoder and chunks."""
    write(tmp_path / "short.wav", said, 300)
    write(tmp_path / "long.wav", said, 3 * 3600)
    os.environ["VIVA_LISTEN"] = "scripted:so it was said"
    try:
        short, long = (peak_mib(tmp_path / f"{name}.wav", tmp_path, "-f", "txt") for name in ("short", "long"))
    finally:
        del os.environ["VIVA_LISTEN"]
    print(f"five minutes {short:.0f} MiB, three hours {long:.0f} MiB")
    assert long <= short + 40
