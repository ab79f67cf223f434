"""The sound of each item as a WAV file: made once by several voices, with noise and room, and kept in a cache.

Voices are `espeak-ng:<voice>`, spoken by the program espeak-ng, and `speech:<voice>[@<language>]`, by the speech
endpoint of a base URL. A file of the cache is named by a hash of all that makes it what it is, so that every model is
asked with the same sound, and what is half written is never taken for whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import threading
import wave
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from platformdirs import user_cache_path

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.codec.decode import decode
from vivavoce.errors import EngineFailed, InvalidValue, MissingDependency, StorageFailed, VivaError
from vivavoce.exam.acoustics import in_noise, in_room, made, over
from vivavoce.exam.items import Sound

SpeakWav = Callable[[str, str], bytes]
"""Speaks a text in a voice, as a file in any format that we decode. Raises our errors."""

MAKING = 1
"""Part of each hash: raised whenever sounds come to be made in another way."""

NOISE_SNR_DB = 15.0
"""Of an item in noise that does not say how loud: a busy street through a closed window."""

SPEAK_WITHIN_S = 60.0


def cache_dir() -> Path:
    """Where the sounds of spoken items are kept."""
    return user_cache_path("vivavoce") / "exam"


class SoundMaker:
    """Sounds by their description. source: what speaks for `speech:` voices, part of each hash; speak: None if none.
    recordings: the folder that paths of recordings begin at, the manifest's."""

    def __init__(
        self, cache: Path, source: str = "", speak: SpeakWav | None = None, recordings: Path | None = None
    ) -> None:
        self._cache = cache
        self._recordings = recordings
        self._source = source
        self._speak = speak
        self._lock = threading.Lock()

    def wav(self, sound: Sound) -> bytes:
        """The WAV file that is sent: 16 kHz, mono, 16 bits. Raises what making it raises.

        A recording that is not what its hash says is an `InvalidValue`.
        """
        if sound.file:
            return to_wav(self._recording(sound))
        path = self._cache / f"{self._name(sound)}.wav"
        if not path.is_file():
            _keep(path, to_wav(self._make(sound)))
        return path.read_bytes()

    def kept(self, sound: Sound) -> bytes | None:
        """What `wav` would give, where it takes no making; None where it isn't there any more."""
        try:
            there = sound.file or (self._cache / f"{self._name(sound)}.wav").is_file()
            return self.wav(sound) if there else None
        except VivaError:
            return None

    def _make(self, sound: Sound) -> Audio:
        if sound.made:
            return made(sound.made, sound.duration_s, sound.seed)
        # What is in noise or a room is made from the clean sound, which is kept as well: a voice speaks a text once.
        if sound.surroundings == "clean" and sound.snr_db is None and not sound.whisper:
            return self._spoken(sound.text, sound.voice)
        audio = decode(self.wav(Sound(text=sound.text, voice=sound.voice)))
        if sound.whisper:
            audio = over(audio, decode(self.wav(Sound(text=sound.whisper, voice=sound.voice))), sound.whisper_db)
        if sound.surroundings == "room":
            audio = in_room(audio, sound.seed)
        if sound.surroundings == "noise" or sound.snr_db is not None:
            audio = in_noise(audio, NOISE_SNR_DB if sound.snr_db is None else sound.snr_db, sound.seed)
        return audio

    def _spoken(self, text: str, voice: str) -> Audio:
        kind, _, name = voice.partition(":")
        if kind == "espeak-ng":
            return decode(_espeak(text, name))
        if kind != "speech" or self._speak is None:
            raise InvalidValue(f"Nothing speaks in the voice {voice!r}: name a speech endpoint by --speech-url.")
        with self._lock:  # one at a time: a busy machine speaks no sooner for being asked twice
            return decode(self._speak(text, name.partition("@")[0]))

    def _recording(self, sound: Sound) -> Audio:
        path = Path(sound.file)  # in runs of earlier versions it begins at the root
        if not path.is_absolute():
            if self._recordings is None:
                raise InvalidValue(
                    f"Where the recording {sound.file} lies is told by its manifest: name it by --manifest."
                )
            path = self._recordings / path
        try:
            data = path.read_bytes()
        except OSError as fault:
            raise InvalidValue(f"The recording {sound.file} cannot be read: {fault.strerror}") from fault
        if sound.sha256 and hashlib.sha256(data).hexdigest() != sound.sha256:
            raise InvalidValue(f"The recording {sound.file} is not the one that the run began with.")
        return decode(data, declared=path.suffix[1:], rate_hz=LISTEN_RATE_HZ)

    def _name(self, sound: Sound) -> str:
        source = self._source if sound.voice.startswith("speech:") else ""
        return hashlib.sha256(json.dumps([MAKING, source, asdict(sound)], sort_keys=True).encode()).hexdigest()


def to_wav(audio: Audio) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, audio.rate_hz, 0, "NONE", ""))
        file.writeframes(audio.to_pcm16())
    return buffer.getvalue()


def _espeak(text: str, voice: str) -> bytes:
    program = shutil.which("espeak-ng")
    if program is None:
        raise MissingDependency("Spoken items need the program espeak-ng (apt install espeak-ng), or --speech-url.")
    # The text goes by a file of standard input: it may begin with a dash.
    try:
        done = subprocess.run(
            [program, "-v", voice, "--stdout"],
            input=text.encode(),
            capture_output=True,
            timeout=SPEAK_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise EngineFailed(f"espeak-ng did not end within {SPEAK_WITHIN_S:.0f} s.") from fault
    if done.returncode or not done.stdout:
        raise EngineFailed(f"espeak-ng did not speak in {voice!r}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _keep(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(part).replace(path)
    except OSError as fault:
        raise StorageFailed(f"The sound {path} cannot be kept: {fault}") from fault
