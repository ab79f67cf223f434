"""Long recordings: windows ahead, in order, given up at once, beside short ones; tiny weights, then real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from speech_clips import joined, recorded
from tiny_whisper import write_tiny_whisper

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.bench.memory import can_measure, peak_mib
from vivavoce.listen.base import ListenOptions, Segment
from vivavoce.listen.decoding import TrustPolicy
from vivavoce.listen.vad import FRAME_S, FRAME_SAMPLES, Probabilities
from vivavoce.listen.whisper import PacePolicy, WhisperListener

PACE = PacePolicy(long_s=60.0, ahead=6)
YUE = ListenOptions(language="yue", word_times=False)


class AllSpeech:
    """Voice activity that finds speech everywhere, and remembers how much it was asked for."""

    def __init__(self) -> None:
        self.blocks_given = 0

    def blocks(self, samples: Samples, gain: np.float32) -> Iterator[Probabilities]:
        for first in range(0, len(samples), 938 * FRAME_SAMPLES):
            self.blocks_given += 1
            yield np.full(len(samples[first : first + 938 * FRAME_SAMPLES]) // FRAME_SAMPLES, 0.9, np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tiny-whisper")
    write_tiny_whisper(made)
    return made


@pytest_asyncio.fixture
async def tiny(folder: Path) -> AsyncIterator[WhisperListener]:
    few_words = TrustPolicy(tokens_per_s=0.2, spare_tokens=3)
    made = WhisperListener(folder, threads=2, compute_type="float32", pace=PACE, trust=few_words)
    made._activity = AllSpeech()
    yield made
    await made.close()


def noise(minutes: float) -> Audio:
    samples = np.random.default_rng(0).standard_normal(round(minutes * 60 * LISTEN_RATE_HZ)) * 0.2
    return Audio(samples.astype(np.float32), LISTEN_RATE_HZ)


async def segments_of(listener: WhisperListener, audio: Audio, options: ListenOptions = YUE) -> list[Segment]:
    return [segment async for segment in listener.listen(audio, options)]


async def test_segments_come_in_order_and_leave_nothing_out(tiny: WhisperListener) -> None:
    audio = noise(3)
    segments = await segments_of(tiny, audio)
    assert len(segments) == tiny.stats.windows >= 12
    starts_s = [segment.start_s for segment in segments]
    assert starts_s == sorted(starts_s)
    assert all(one.end_s == pytest.approx(two.start_s, abs=1.1) for one, two in pairwise(segments))
    assert segments[-1].end_s == pytest.approx(audio.duration_s, abs=2 * FRAME_S)


async def test_no_more_is_looked_at_than_is_soon_heard(tiny: WhisperListener) -> None:
    async with aclosing(tiny.listen(noise(20), YUE)) as segments:
        await anext(segments)
        assert tiny.stats.windows <= PACE.ahead + 1
        assert tiny._activity.blocks_given <= 4, "of forty"


async def test_giving_up_stops_all_windows(tiny: WhisperListener) -> None:
    async with aclosing(tiny.listen(noise(20), YUE)) as segments:
        await anext(segments)
    windows = tiny.stats.windows
    await asyncio.sleep(0.2)
    assert tiny.stats.windows == windows
    assert await segments_of(tiny, noise(0.1)), "and others are heard"


async def test_a_failing_window_fails_the_recording_and_stops_the_others(
    tiny: WhisperListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, heard = WhisperListener._decode, []

    async def fail_third(self: WhisperListener, look: object, encoded: object) -> object:
        heard.append(look)
        if len(heard) == 3:
            raise ValueError("third")
        return await decode(self, look, encoded)

    monkeypatch.setattr(WhisperListener, "_decode", fail_third)
    with pytest.raises(ValueError, match="third"):
        await segments_of(tiny, noise(20))
    begun = len(heard)
    assert begun <= PACE.ahead + 3
    await asyncio.sleep(0.2)
    assert len(heard) == begun


async def test_a_short_recording_overtakes_long_ones(tiny: WhisperListener) -> None:
    long = [asyncio.create_task(segments_of(tiny, noise(20))) for _ in range(2)]
    await asyncio.sleep(0.3)
    assert await segments_of(tiny, noise(0.05))
    assert not any(task.done() for task in long)
    for task in long:
        task.cancel()
    await asyncio.gather(*long, return_exceptions=True)


async def test_windows_of_several_long_recordings_share_calls(
    tiny: WhisperListener, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, batches = tiny._model, []
    generate = model.generate
    monkeypatch.setattr(
        model, "generate", lambda passages, search: batches.append(len(passages)) or generate(passages, search)
    )
    monkeypatch.setattr(tiny, "pace", PacePolicy(ahead=1))
    alone = await segments_of(tiny, noise(2))
    assert set(batches) == {1}
    together = await asyncio.gather(*(segments_of(tiny, noise(2)) for _ in range(4)))
    assert max(batches) > 1
    assert [[s.tokens for s in segments] for segments in together] == [[s.tokens for s in alone]] * 4


@pytest.mark.skipif(not can_measure(), reason="this system does not tell anonymous memory")
@pytest.mark.real
def test_memory_does_not_grow_with_length(models_dir: Path) -> None:
    """Sound without speech: what grows with length would be features, probabilities or copies of the samples."""
    sound = (np.random.default_rng(1).standard_normal(10 * LISTEN_RATE_HZ) * 0.003).astype(np.float32)
    short, long = (peak_mib(models_dir / "whisper-tiny", sound, minutes, 2) for minutes in (2, 20))
    recording_mib = 20 * 60 * LISTEN_RATE_HZ * 4 / 2**20
    assert long - short < 0.3 * recording_mib


@pytest.mark.real
@pytest.mark.shared
async def test_many_windows_at_a_time_are_heard_as_one_by_one(models_dir: Path, shared_speech: Path) -> None:
    clips = recorded(shared_speech, "ljspeech_en/", 6) + recorded(shared_speech, "misc_multi/cards", 3)
    audio, _ = joined([clip.audio.samples for clip in clips] * 2, 0.4)
    assert audio.duration_s > 90.0
    listener = WhisperListener(models_dir / "whisper-base")
    try:
        many = await segments_of(listener, audio, ListenOptions(language="en"))
        listener.pace = PacePolicy(ahead=1)
        assert await segments_of(listener, audio, ListenOptions(language="en")) == many
        assert len(many) >= 6 and all(segment.words for segment in many)
    finally:
        await listener.close()
