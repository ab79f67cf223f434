"""One suite for every speaker: the scripted fake and Kokoro with real weights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import SPEAK_RATE_HZ
from vivavoce.errors import InvalidValue
from vivavoce.speak.base import Speaker
from vivavoce.speak.kokoro import KokoroSpeaker
from vivavoce.testing import ScriptedSpeaker

VOICE = "af_heart"


@pytest.fixture(params=["scripted", pytest.param("kokoro", marks=pytest.mark.real)])
async def speaker(request: pytest.FixtureRequest) -> AsyncIterator[Speaker]:
    if request.param == "scripted":
        engine: Speaker = ScriptedSpeaker()
    else:
        models: Path = request.getfixturevalue("models_dir")
        engine = KokoroSpeaker(models / "kokoro-82m" / "model.onnx", models / "kokoro-voices")
    yield engine
    await engine.close()


def test_voices_are_keyed_by_their_id_and_say_their_language(speaker: Speaker) -> None:
    assert VOICE in speaker.voices
    assert all(voice.id == key and voice.language for key, voice in speaker.voices.items())


async def test_a_clause_comes_back_as_sound_at_the_reply_rate(speaker: Speaker) -> None:
    audio = await speaker.speak("Hello there.", VOICE)
    assert audio.rate_hz == SPEAK_RATE_HZ
    assert 0.4 < audio.duration_s < 3
    assert 0.05 < float(np.abs(audio.samples).max()) < 1.0


async def test_nothing_to_say_is_empty_audio(speaker: Speaker) -> None:
    assert len((await speaker.speak("", VOICE)).samples) == 0


async def test_speed_shortens_and_lengthens(speaker: Speaker) -> None:
    plain = await speaker.speak("Hello there, my friend.", VOICE)
    fast = await speaker.speak("Hello there, my friend.", VOICE, 2.0)
    slow = await speaker.speak("Hello there, my friend.", VOICE, 0.5)
    assert fast.duration_s == pytest.approx(plain.duration_s / 2, rel=0.15)
    assert slow.duration_s == pytest.approx(plain.duration_s * 2, rel=0.15)


async def test_an_unknown_voice_lists_the_known_ones(speaker: Speaker) -> None:
    with pytest.raises(InvalidValue, match=VOICE):
        await speaker.speak("Hello.", "nobody")


async def test_several_clauses_at_once_do_not_mix(speaker: Speaker) -> None:
    texts = ["One.", "A rather longer clause than that.", "Two."]
    together = await asyncio.gather(*(speaker.speak(text, VOICE) for text in texts))
    alone = [await speaker.speak(text, VOICE) for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert one.duration_s == pytest.approx(other.duration_s, rel=0.05)
