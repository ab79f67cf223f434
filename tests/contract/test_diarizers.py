"""One suite for every engine that tells voices apart: the scripted fake, and CAM++ with real weights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.engines.registry import build_diarizer
from vivavoce.engines.spec import EngineSpec
from vivavoce.listen.speakers.base import FRAME_S, HOP_FRAMES, Diarizer, VoiceWindow, overlaps, speakers_of
from vivavoce.listen.speakers.finding import SpeakerQuestion, find_speakers, understood
from vivavoce.resampling import resample
from vivavoce.testing import ScriptedDiarizer

HERS = "Good morning, I would like to know when the next train to the coast is leaving."
HIS = "It leaves in twenty minutes from the last platform, behind the old goods shed."


async def spoken(models_dir: Path) -> dict[str, Audio]:
    from vivavoce.speak.kokoro import KokoroSpeaker

    speaker = KokoroSpeaker(next((models_dir / "kokoro-82m").glob("*.onnx")), models_dir / "kokoro-voices")
    said = {"hers": (HERS, "af_heart"), "his": (HIS, "am_michael"), "hers again": (HIS, "af_heart")}
    try:
        return {name: resample(await speaker.speak(*one), LISTEN_RATE_HZ) for name, one in said.items()}
    finally:
        await speaker.close()


@pytest.fixture(scope="module")
def clips(models_dir: Path) -> dict[str, Audio]:
    """Two voices, one of them twice. Made on a loop of its own: tests ask for it from within theirs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, spoken(models_dir)).result()


@pytest.fixture(params=["scripted", pytest.param("campplus", marks=pytest.mark.real)])
async def diarizer(request: pytest.FixtureRequest) -> AsyncIterator[Diarizer]:
    if request.param == "scripted":
        engine: Diarizer | None = ScriptedDiarizer("A,B", turn_s=4.0)
    else:
        models: Path = request.getfixturevalue("models_dir")
        spec = EngineSpec("scripted:-", "scripted:-", "scripted:-", str(models), "campplus:campplus-zh-en")
        engine = build_diarizer(spec)
    assert engine is not None
    yield engine
    await engine.close()


async def traced(diarizer: Diarizer, audio: Audio) -> list[VoiceWindow]:
    return [window async for window in diarizer.trace(audio)]


def sound_of(request: pytest.FixtureRequest) -> Audio:
    """Eight seconds in which somebody speaks: real speech only where real networks listen."""
    if request.node.callspec.params["diarizer"] == "scripted":
        return Audio(np.full(8 * LISTEN_RATE_HZ, 0.1, np.float32), LISTEN_RATE_HZ)
    made: dict[str, Audio] = request.getfixturevalue("clips")
    return Audio.join((made["hers"], made["his"]), LISTEN_RATE_HZ)


async def test_windows_cover_the_recording_in_order(diarizer: Diarizer, request: pytest.FixtureRequest) -> None:
    audio = sound_of(request)
    windows = await traced(diarizer, audio)
    assert [window.first_frame for window in windows] == [HOP_FRAMES * n for n in range(len(windows))]
    last = windows[-1]
    assert (last.first_frame + last.frames) * FRAME_S == pytest.approx(audio.duration_s, abs=0.1)
    for trace in [trace for window in windows for trace in window.traces]:
        assert 0 <= trace.first < trace.end
        assert len(trace.embedding) == 0 or np.linalg.norm(trace.embedding) == pytest.approx(1.0, abs=1e-4)
    assert any(len(trace.embedding) for window in windows for trace in window.traces)


async def test_nobody_speaks_in_silence(diarizer: Diarizer) -> None:
    silence = Audio.silence(12.0, LISTEN_RATE_HZ)
    assert not [trace for window in await traced(diarizer, silence) for trace in window.traces]
    assert len(await diarizer.embed(silence)) == 0
    assert await find_speakers(diarizer, Audio.silence(0.0, LISTEN_RATE_HZ)) == ()


async def test_any_rate_will_do(diarizer: Diarizer, request: pytest.FixtureRequest) -> None:
    audio = sound_of(request)
    here, there = await find_speakers(diarizer, audio), await find_speakers(diarizer, resample(audio, 44_100))
    assert speakers_of(here) == speakers_of(there) == ["A", "B"]
    assert [turn.start_s for turn in there] == pytest.approx([turn.start_s for turn in here], abs=0.1)


async def test_several_recordings_at_once_do_not_mix(diarizer: Diarizer, request: pytest.FixtureRequest) -> None:
    audio = sound_of(request)
    alone = await find_speakers(diarizer, audio)
    together = await asyncio.gather(*(find_speakers(diarizer, audio) for _ in range(3)))
    assert list(together) == [alone] * 3


async def test_a_known_speaker_is_named(diarizer: Diarizer, request: pytest.FixtureRequest) -> None:
    audio = sound_of(request)
    real = request.node.callspec.params["diarizer"] != "scripted"
    clip = request.getfixturevalue("clips")["hers again"] if real else audio
    turns = await find_speakers(diarizer, audio, await understood(diarizer, SpeakerQuestion({"Ada": clip})))
    assert speakers_of(turns) == ["Ada", "A"]


@pytest.mark.real
async def test_turns_lie_where_they_were_put(clips: dict[str, Audio], models_dir: Path) -> None:
    spec = EngineSpec("scripted:-", "scripted:-", "scripted:-", str(models_dir), "campplus:campplus-zh-en")
    engine = build_diarizer(spec)
    assert engine is not None
    first, second = clips["hers"], clips["his"]
    apart = await find_speakers(engine, Audio.join((first, second), LISTEN_RATE_HZ))
    change_s = first.duration_s
    assert speakers_of(apart) == ["A", "B"]
    assert min(abs(turn.start_s - change_s) for turn in apart if turn.speaker == "B") < 0.3
    assert not overlaps(apart)
    both = np.zeros(len(first.samples) + len(second.samples) - LISTEN_RATE_HZ, np.float32)
    both[: len(first.samples)] += first.samples
    both[-len(second.samples) :] += second.samples
    (overlap,) = overlaps(await find_speakers(engine, Audio(both, LISTEN_RATE_HZ)))
    assert overlap[0] == pytest.approx(change_s - 1.0, abs=0.5)
    alone = await find_speakers(engine, Audio.join((first, clips["hers again"]), LISTEN_RATE_HZ))
    assert speakers_of(alone) == ["A"]
    await engine.close()
