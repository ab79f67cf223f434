"""A window in which it is certain that somebody speaks, and in doubt who: with made-up networks."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.listen.speakers.base import FRAME_S, Embedding, VoiceTrace, VoiceWindow
from vivavoce.listen.speakers.diarizer import STRETCH_S, WindowDiarizer
from vivavoce.listen.speakers.fbank import Features
from vivavoce.listen.speakers.segmentation import Activity

FRAMES = 589


class MadeUpSegmentation:
    """Hears the same in every window: each voice with its probability from the 100th to the 500th frame."""

    def __init__(self, voices: tuple[float, float, float], spoken: float, overlapped: float) -> None:
        self._heard = (np.array(voices, np.float32), spoken, overlapped)

    def __call__(self, window: Samples) -> Activity:
        inside = np.zeros(FRAMES, np.float32)
        inside[100:500] = 1.0
        voices, spoken, overlapped = self._heard
        return Activity(inside[:, None] * voices, spoken * inside, overlapped * inside)


class MadeUpEncoder:
    bands = 80
    least_frames = 20

    def __call__(self, features: Features) -> Embedding:
        return np.array([1.0, 0.0], np.float32)


async def window_of(voices: tuple[float, float, float], spoken: float, overlapped: float = 0.0) -> VoiceWindow:
    diarizer = WindowDiarizer(MadeUpSegmentation(voices, spoken, overlapped), MadeUpEncoder())
    (window,) = [window async for window in diarizer.trace(Audio(np.zeros(160_000, np.float32), LISTEN_RATE_HZ))]
    return window


def heard_of(traces: tuple[VoiceTrace, ...]) -> dict[int, int]:
    """How many frames of each voice."""
    return {voice: sum(t.end - t.first for t in traces if t.voice == voice) for voice in {t.voice for t in traces}}


@pytest.mark.parametrize(
    ("voices", "spoken", "overlapped", "heard"),
    [
        ((0.9, 0.05, 0.05), 0.95, 0.0, {0: 400}),
        ((0.4, 0.45, 0.1), 0.95, 0.0, {1: 400}),
        ((0.3, 0.2, 0.0), 0.4, 0.0, {}),
        ((0.7, 0.4, 0.6), 0.95, 0.7, {0: 400, 2: 400}),
        ((0.45, 0.7, 0.4), 0.95, 0.6, {0: 400, 1: 400}),
    ],
    ids=["certain", "in doubt", "silence", "two", "two, one in doubt"],
)
async def test_the_likeliest_voice_is_heard_wherever_somebody_speaks(
    voices: tuple[float, float, float], spoken: float, overlapped: float, heard: dict[int, int]
) -> None:
    window = await window_of(voices, spoken, overlapped)
    assert heard_of(window.traces) == heard
    assert window.frames == len(window.overlapped) == FRAMES
    assert window.spoken.max() == pytest.approx(spoken)


async def test_only_what_is_certain_tells_what_a_voice_sounds_like() -> None:
    assert not any(len(trace.embedding) for trace in (await window_of((0.4, 0.45, 0.1), 0.95)).traces)
    assert not any(len(trace.embedding) for trace in (await window_of((0.7, 0.4, 0.6), 0.95, 0.7)).traces)
    assert all(len(trace.embedding) for trace in (await window_of((0.9, 0.05, 0.05), 0.95)).traces)


async def test_long_stretches_are_divided() -> None:
    traces = (await window_of((0.9, 0.05, 0.05), 0.95)).traces
    assert [(t.end - t.first) * FRAME_S for t in traces] == pytest.approx([STRETCH_S] * len(traces), rel=0.34)
    assert len(traces) == round(400 * FRAME_S / STRETCH_S)
