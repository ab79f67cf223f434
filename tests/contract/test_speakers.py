"""One suite for every speaker: the scripted fake, Kokoro and Piper with real weights, espeak-ng, and several as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import SPEAK_RATE_HZ
from vivavoce.errors import InvalidValue
from vivavoce.speak.base import Speaker
from vivavoce.speak.espeak import EspeakSpeaker
from vivavoce.speak.espeak_program import has_espeak
from vivavoce.speak.kokoro import KokoroSpeaker
from vivavoce.speak.piper import PiperSpeaker
from vivavoce.speak.several import SeveralSpeakers
from vivavoce.testing import ScriptedSpeaker

VOICES = {
    "scripted": "af_heart",
    "kokoro": "af_heart",
    "piper": "piper-joe",
    "espeak": "espeak-en-us",
    "several": "espeak-en-us-female",
}


@pytest.fixture(
    params=[
        "scripted",
        *(pytest.param(name, marks=pytest.mark.real) for name in ("kokoro", "piper")),
        "espeak",
        "several",
    ]
)
async def speaker(request: pytest.FixtureRequest) -> AsyncIterator[Speaker]:
    if request.param in ("espeak", "several") and not has_espeak():
        pytest.skip("espeak-ng is not installed")
    match request.param:
        case "kokoro":
            models: Path = request.getfixturevalue("models_dir")
            engine: Speaker = KokoroSpeaker(models / "kokoro-82m" / "model.onnx", models / "kokoro-voices")
        case "piper":
            engine = PiperSpeaker(request.getfixturevalue("models_dir") / "piper-joe")
        case "espeak":
            engine = EspeakSpeaker()
        case "several":
            engine = SeveralSpeakers([ScriptedSpeaker(), EspeakSpeaker()])
        case _:
            engine = ScriptedSpeaker()
    yield engine
    await engine.close()


@pytest.fixture
def voice(request: pytest.FixtureRequest) -> str:
    return VOICES[request.node.callspec.params["speaker"]]


def test_voices_are_keyed_by_their_id_and_say_their_language(speaker: Speaker, voice: str) -> None:
    assert voice in speaker.voices
    assert all(one.id == key and one.language for key, one in speaker.voices.items())


async def test_a_clause_comes_back_as_sound_at_the_reply_rate(speaker: Speaker, voice: str) -> None:
    audio = await speaker.speak("Hello there.", voice)
    assert audio.rate_hz == SPEAK_RATE_HZ
    assert 0.4 < audio.duration_s < 3
    assert 0.05 < float(np.abs(audio.samples).max()) < 1.0


async def test_nothing_to_say_is_empty_audio(speaker: Speaker, voice: str) -> None:
    assert len((await speaker.speak("", voice)).samples) == 0


async def test_speed_shortens_and_lengthens(speaker: Speaker, voice: str) -> None:
    plain = await speaker.speak("Hello there, my friend.", voice)
    fast = await speaker.speak("Hello there, my friend.", voice, 2.0)
    slow = await speaker.speak("Hello there, my friend.", voice, 0.5)
    assert fast.duration_s == pytest.approx(plain.duration_s / 2, rel=0.15)
    assert slow.duration_s == pytest.approx(plain.duration_s * 2, rel=0.15)


async def test_an_unknown_voice_lists_the_known_ones(speaker: Speaker, voice: str) -> None:
    with pytest.raises(InvalidValue, match=voice):
        await speaker.speak("Hello.", "nobody")


async def test_several_clauses_at_once_do_not_mix(speaker: Speaker, voice: str) -> None:
    texts = ["One.", "A rather longer clause than that.", "Two."]
    together = await asyncio.gather(*(speaker.speak(text, voice) for text in texts))
    alone = [await speaker.speak(text, voice) for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.duration_s == pytest.approx(other.duration_s, rel=0.15)
