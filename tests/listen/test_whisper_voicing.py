"""What the real listener takes for a tone engine while it hears, and that it costs next to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.listen.base import Heard, ListenOptions
from vivavoce.listen.prosody import FEATURES
from vivavoce.listen.tone import ToneOfConversation
from vivavoce.listen.tone_head import ToneHead
from vivavoce.listen.whisper import WhisperListener
from vivavoce.resampling import resample
from vivavoce.speak.kokoro import KokoroSpeaker
from vivavoce.turn import hear_all

pytestmark = pytest.mark.real
VOICING = ListenOptions(voicing=True)


@pytest.fixture(scope="module")
async def listener(models_dir: Path) -> AsyncIterator[WhisperListener]:
    engine = WhisperListener(models_dir / "whisper-base")
    yield engine
    await engine.close()


@pytest.fixture(scope="module")
async def spoken(models_dir: Path) -> Audio:
    speaker = KokoroSpeaker(models_dir / "kokoro-82m" / "model.onnx", models_dir / "kokoro-voices")
    said = await speaker.speak("I would like to know when the parcel arrives.", "af_heart")
    await speaker.close()
    return resample(said, LISTEN_RATE_HZ)


async def toned(heard: Heard) -> Heard:
    return await ToneOfConversation(ToneHead.for_listener("whisper-base")).of(heard)


async def test_a_calm_voice_is_heard_as_one_at_any_level(listener: WhisperListener, spoken: Audio) -> None:
    told: list[np.ndarray] = []
    for gain in (1.0, 0.02):
        heard = await hear_all(listener, Audio((spoken.samples * gain).astype(np.float32), spoken.rate_hz), VOICING)
        (segment,) = heard.segments
        assert segment.voicing is not None
        assert (len(segment.voicing.states), len(segment.voicing.features)) == (512, len(FEATURES))
        assert segment.voicing.seconds == pytest.approx(spoken.duration_s, abs=0.4)
        prosody = segment.voicing.prosody
        assert 150 < (prosody.pitch_hz or 0) < 300
        assert 3.0 < prosody.pace_syllables_per_s < 7.0
        tone = (await toned(heard)).tone
        assert tone is not None
        assert tone.urgency < 0.3
        told.append(np.array([probability for _, probability in tone.emotions] + [prosody.loudness_dbfs / 100]))
    np.testing.assert_allclose(told[0][:-1], told[1][:-1], atol=0.1)
    assert told[0][-1] - told[1][-1] == pytest.approx(0.34, abs=0.005)  # 34 dB softer is what was measured, not raised


async def test_who_does_not_ask_gets_none_and_the_same_words(listener: WhisperListener, spoken: Audio) -> None:
    with_voicing, without = [await hear_all(listener, spoken, options) for options in (VOICING, ListenOptions())]
    assert [segment.voicing for segment in without.segments] == [None]
    assert with_voicing.transcript == without.transcript
    assert with_voicing.words == without.words


async def test_silence_has_no_tone(listener: WhisperListener) -> None:
    heard = await toned(await hear_all(listener, Audio.silence(2.0, LISTEN_RATE_HZ), VOICING))
    assert (heard.transcript, heard.tone) == ("", None)


async def test_a_long_recording_has_a_tone_for_each_stretch(listener: WhisperListener, spoken: Audio) -> None:
    many = Audio.join([spoken, Audio.silence(2.5, LISTEN_RATE_HZ)] * 15, LISTEN_RATE_HZ)
    heard = await toned(await hear_all(listener, many, VOICING))
    assert many.duration_s > 60  # heard many windows at a time
    assert len(heard.tones) == len(heard.segments) > 5
    assert heard.tone is not None
    assert heard.tone.seconds == pytest.approx(sum(tone.seconds for tone in heard.tones))
