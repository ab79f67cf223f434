"""The sound of a probe's question, never twice the same: a server that remembers recordings must listen each time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vivavoce.audio import Audio
from vivavoce.codec.decode import decode
from vivavoce.errors import InvalidValue
from vivavoce.exam.items import Sound
from vivavoce.exam.sounds import SoundMaker, SpeakWav, to_wav

ASK = "What colour is the sky on a clear day?"
"""Any model that hears and speaks can answer it, shortly and at little cost."""

SYSTEM = "You are on the phone. Answer in one short spoken sentence, whatever you hear."
VOICE = "espeak-ng:en-us+m3"

MADE = {"beeps": 2.0, "noise": 2.0, "hum": 2.0, "music": 3.0}
"""Sounds without words, for where nothing can speak, and how long they are, in seconds."""

STEP = 1 / 32768
"""Of a 16-bit sample."""


@dataclass(frozen=True, slots=True)
class Question:
    """audio: mono, at the rate that listeners take."""

    audio: Audio

    @property
    def duration_s(self) -> float:
        return self.audio.duration_s

    def wav(self, due: int) -> bytes:
        """The WAV file for the probe of `due`: what is said, with a noise that nobody hears, another one each time."""
        noise = np.random.default_rng(due).integers(-1, 2, len(self.audio.samples)) * STEP
        return to_wav(Audio((self.audio.samples + noise).clip(-1, 1).astype(np.float32), self.audio.rate_hz))


def spoken(ask: str, voice: str, cache: Path, source: str = "", speak: SpeakWav | None = None) -> Question:
    """`ask` in a voice of the exams (`espeak-ng:…`, or `speech:…` by `speak`). Raises what making the sound raises."""
    return Question(decode(SoundMaker(cache, source, speak).wav(Sound(text=ask, voice=voice))))


def played(sound: str, cache: Path) -> Question:
    """A recording by its path, or one of the sounds of `MADE` by its name. Raises `InvalidValue`."""
    maker = SoundMaker(cache)
    if sound in MADE:
        return Question(decode(maker.wav(Sound(made=sound, duration_s=MADE[sound], seed=1))))
    if not Path(sound).is_file():
        raise InvalidValue(f"There is no recording {sound}; sounds of ours are {', '.join(MADE)}.", param="sound")
    return Question(decode(maker.wav(Sound(file=str(sound)))))
