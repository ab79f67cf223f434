"""About a hundred languages through the program espeak-ng: text of a clause to sound, one short-lived process per call.

The program gets words and plain marks only, on its standard input: nothing in a text is an option or markup to it.
Knows no settings, caches, clauses or wire names.
"""

from __future__ import annotations

import struct
import subprocess
import unicodedata
from collections.abc import Mapping
from typing import Final

import numpy as np

from vivavoce.audio import SPEAK_RATE_HZ, Audio, Samples
from vivavoce.errors import EngineFailed
from vivavoce.resampling import resample
from vivavoce.speak.base import Voice
from vivavoce.speak.calls import Calls
from vivavoce.speak.espeak_program import PROGRAM, espeak_path
from vivavoce.speak.espeak_voices import EspeakVoice, espeak_voices
from vivavoce.speak.loudness import at_gain
from vivavoce.speak.pieces import split_text
from vivavoce.speak.silence import trim
from vivavoce.speak.stretch import stretch
from vivavoce.speak.voices import check_asked

_TIMEOUT_S = 20.0
"""For one call, which takes a tenth of a second."""

_MAX_CHARACTERS = 500
"""Most text of one call; longer clauses take several."""

_WORDS_PER_MINUTE = 175
"""The program's rate at speed 1."""

_PROGRAM_SPEEDS = (0.7, 1.5)
"""Where the program's own rate keeps what it promises, within 6 %; beyond, we stretch."""

_GAINS_DB: Final = {"male": 0.6, "female": -0.8}
"""To the common -20 dBFS: 12 languages, one sentence each, lie within 2 dB of it."""

_MARKS = ".,;:!?…'-%€$£+=&@°/"
_JOINERS = "\u200c\u200d"
_FOLDED = str.maketrans("。、，．！？；：’ʼ｡･・", ".,,.!?;:''., ")
_HEADER_BYTES = 44


class EspeakSpeaker:
    """Implements `Speaker`: the voices of our table whose language the installed program knows.

    Raises `MissingDependency` when the program is not installed and `EngineFailed` when it can't be run.
    """

    def __init__(self, *, calls: int = 2) -> None:
        self._program = espeak_path()
        known = self._listed("--voices", column=1)
        variants = {"", *self._listed("--voices=variant", column=4)}
        self._table = {
            voice_id: one
            for voice_id, one in espeak_voices().items()
            if one.name.partition("+")[0] in known and _variant_file(one.name) in variants
        }
        if not self._table:
            raise EngineFailed(f"{PROGRAM} lists no voice that we know: see `{PROGRAM} --voices`.")
        self._voices = {voice_id: one.voice for voice_id, one in self._table.items()}
        self._calls = Calls("espeak", calls)

    @property
    def voices(self) -> Mapping[str, Voice]:
        return self._voices

    async def speak(self, text: str, voice: str, speed: float = 1.0) -> Audio:
        """See `Speaker.speak`. Cancelling the task kills the process."""
        check_asked(voice, speed, self._voices)
        one = self._table[voice]
        words = plain_words(text, one.scripts)
        if not words:
            return Audio.silence(0, SPEAK_RATE_HZ)
        running = _Running()
        return await self._calls.run(lambda: self._render(words, one, speed, running), running.stop)

    async def close(self) -> None:
        await self._calls.close()

    def _render(self, words: str, one: EspeakVoice, speed: float, running: _Running) -> Audio:
        own_speed = min(max(speed, _PROGRAM_SPEEDS[0]), _PROGRAM_SPEEDS[1])
        rate = str(round(_WORDS_PER_MINUTE * own_speed))
        command = (self._program, "-b", "1", "-v", one.name, "-s", rate, "-z", "--stdin", "--stdout")
        parts: list[Samples] = []
        for piece in split_text(words, _MAX_CHARACTERS):
            sound = resample(_from_wav(running.run(command, piece)), SPEAK_RATE_HZ)
            parts.append(trim(sound.samples, SPEAK_RATE_HZ))
        samples = stretch(np.concatenate(parts), SPEAK_RATE_HZ, speed / own_speed)
        return Audio(at_gain(samples, _GAINS_DB[one.voice.gender]), SPEAK_RATE_HZ)

    def _listed(self, option: str, *, column: int) -> set[str]:
        """One column of what the program lists for `option`."""
        rows = _Running().run((self._program, option), "").decode("utf-8", "replace").splitlines()[1:]
        return {row.split()[column] for row in rows if len(row.split()) > column}


def _variant_file(name: str) -> str:
    variant = name.partition("+")[2]
    return f"!v/{variant}" if variant else ""


class _Running:
    """The process of a call under way; `stop` kills it from another thread, now or as soon as it starts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def run(self, command: tuple[str, ...], text: str) -> bytes:
        """What `command` writes, given `text`. Raises `EngineFailed`, also when it was stopped."""
        pipe = subprocess.PIPE
        try:
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
                self._process = process
                if self._stopped:
                    process.kill()
                try:
                    written, _ = process.communicate(text.encode(), timeout=_TIMEOUT_S)
                finally:
                    process.kill()
        except (OSError, subprocess.SubprocessError) as error:
            raise EngineFailed(f"{PROGRAM} failed: {type(error).__name__}.") from error
        if process.returncode != 0:
            raise EngineFailed(f"{PROGRAM} failed with exit status {process.returncode}.")
        return written


def _from_wav(data: bytes) -> Audio:
    """The sound of the program's wav, whose header does not know its length."""
    if len(data) < _HEADER_BYTES or data[:4] != b"RIFF":
        return Audio.silence(0, SPEAK_RATE_HZ)
    (rate_hz,) = struct.unpack_from("<I", data, 24)
    return Audio.from_pcm16(data[_HEADER_BYTES:], rate_hz)


def plain_words(text: str, scripts: frozenset[str]) -> str:
    """`text` in the letters of `scripts`, digits 0-9 and plain marks; "" where no word is left.

    All else becomes a space: control characters and brackets, which are commands to the program, and letters of other
    scripts and emoji, which it would name one by one in place of reading them.
    """
    folded = unicodedata.normalize("NFC", text).translate(_FOLDED)
    words = " ".join("".join(_readable(c, scripts) for c in folded).split())
    return words if any(c.isalnum() for c in words) else ""


def _readable(c: str, scripts: frozenset[str]) -> str:
    category = unicodedata.category(c)
    if category == "Nd":
        return str(unicodedata.digit(c))
    if category[0] == "L":
        return c if unicodedata.name(c, "?").split()[0] in scripts else " "
    return c if c in _MARKS or category[0] == "M" or c in _JOINERS else " "
