"""Nothing said, nothing heard: real voice activity and real Whisper on sounds without words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.errors import InvalidValue, ModelNotInstalled
from vivavoce.listen.base import Heard, ListenOptions, Segment
from vivavoce.listen.whisper import WhisperListener

pytestmark = pytest.mark.real

COUNT = 6 * LISTEN_RATE_HZ
TIMES = np.arange(COUNT) / LISTEN_RATE_HZ
RANDOM = np.random.default_rng(3)
WHITE = RANDOM.standard_normal(COUNT)


def pink() -> np.ndarray:
    spectrum = np.fft.rfft(WHITE) / np.sqrt(np.maximum(1, np.arange(COUNT // 2 + 1)))
    return np.fft.irfft(spectrum, COUNT)


def hum() -> np.ndarray:
    return sum(np.sin(2 * np.pi * 50 * k * TIMES) / k**2 for k in (1, 2, 3, 5, 7))


def melody() -> np.ndarray:
    """A tune of decaying notes with overtones."""
    notes_hz = np.array([262, 330, 392, 523, 440, 349, 294, 392])[(TIMES * 3).astype(int) % 8]
    phase = 2 * np.pi * np.cumsum(notes_hz) / LISTEN_RATE_HZ
    return np.exp(-((TIMES * 3) % 1) * 2) * sum(np.sin(k * phase) / k for k in range(1, 6))


SOUNDS = {
    "digital silence": np.zeros(COUNT),
    "white noise": WHITE,
    "pink noise": pink(),
    "brown noise": np.cumsum(WHITE) - np.linspace(0, np.cumsum(WHITE)[-1], COUNT),
    "mains hum": hum(),
    "tone": np.sin(2 * np.pi * 440 * TIMES),
    "chords": sum(np.sin(2 * np.pi * f * TIMES) for f in (262, 330, 392)) * np.exp(-((TIMES * 2) % 1) * 3),
    "melody": melody(),
    "clicks": (RANDOM.random(COUNT) < 0.0005).astype(float),
}


@pytest_asyncio.fixture
async def listener(models_dir: Path) -> AsyncIterator[WhisperListener]:
    made = WhisperListener(models_dir / "whisper-base")
    yield made
    await made.close()


async def segments_of(listener: WhisperListener, audio: Audio) -> list[Segment]:
    return [segment async for segment in listener.listen(audio)]


@pytest.mark.parametrize("level", [0.5, 0.003])
async def test_sounds_without_words_give_one_empty_segment(listener: WhisperListener, level: float) -> None:
    for name, samples in SOUNDS.items():
        peak = np.abs(samples).max() or 1.0
        audio = Audio((level * samples / peak).astype(np.float32), LISTEN_RATE_HZ)
        [segment] = await segments_of(listener, audio)
        assert segment.text == "", name
        assert segment.language is None, name
        assert segment.words == (), name
        assert segment.no_speech_probability > 0.5, name
        heard = Heard.of([segment], audio.duration_s)
        assert (heard.transcript, heard.language) == ("", None), name


@pytest.mark.parametrize("count", [0, 1, 160, 480, 1600])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
async def test_hardly_any_sound_is_nothing_said(listener: WhisperListener, count: int, rate_hz: int) -> None:
    [segment] = await segments_of(listener, Audio(np.full(count, 0.1, np.float32), rate_hz))
    assert segment.text == ""


async def test_an_unknown_language_is_refused(listener: WhisperListener) -> None:
    with pytest.raises(InvalidValue, match="xx"):
        async for _ in listener.listen(Audio.silence(1.0, LISTEN_RATE_HZ), ListenOptions(language="xx")):
            pass


def test_missing_weights_name_the_cure(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="viva models pull"):
        WhisperListener(tmp_path)


@pytest.mark.shared
async def test_recorded_noise_gives_no_words(listener: WhisperListener, shared_speech: Path) -> None:
    from faster_whisper import decode_audio

    files = sorted((shared_speech / "noise").rglob("*.flac"))
    assert files
    for path in files:
        audio = Audio(np.asarray(decode_audio(str(path)), np.float32)[: 30 * LISTEN_RATE_HZ], LISTEN_RATE_HZ)
        heard = Heard.of(await segments_of(listener, audio), audio.duration_s)
        assert heard.transcript == "", path.name
        assert heard.no_speech_probability > 0.5, path.name
