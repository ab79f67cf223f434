"""Real Whisper on real speech: words, times, languages, long recordings, several tasks at once, cancellation."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from speech_clips import Recorded, joined, recorded, trimmed

from vivavoce.audio import LISTEN_RATE_HZ, Audio
from vivavoce.bench.scoring import normalise, score
from vivavoce.listen.base import Heard, ListenOptions
from vivavoce.listen.whisper import WhisperListener
from vivavoce.resampling import resample

pytestmark = [pytest.mark.real, pytest.mark.shared]


@pytest_asyncio.fixture
async def listener(models_dir: Path) -> AsyncIterator[WhisperListener]:
    made = WhisperListener(models_dir / "whisper-base")
    yield made
    await made.close()


async def hear(listener: WhisperListener, audio: Audio, options: ListenOptions | None = None) -> Heard:
    spoken = [segment async for segment in listener.listen(audio, options or ListenOptions())]
    return Heard.of(spoken, audio.duration_s)


def errors_per_cent(clips: list[Recorded], transcripts: list[str]) -> float:
    scores = [score(c.text, t, c.language) for c, t in zip(clips, transcripts, strict=True)]
    return 100.0 * sum(s.errors for s in scores) / sum(s.units for s in scores)


@pytest.mark.parametrize(
    ("prefix", "count", "language", "bound"),
    [
        ("ljspeech_en/", 4, "en", 15.0),
        ("kerstin_de/", 4, "de", 40.0),
        ("dona_es/", 4, "es", 30.0),
        ("picovoice_multi/cheetah_test_fr", 1, "fr", 40.0),
        ("picovoice_multi/leopard_test_pt", 1, "pt", 40.0),
        ("picovoice_multi/leopard_test_ja", 1, "ja", 40.0),
    ],
)
async def test_words_and_language(
    listener: WhisperListener, shared_speech: Path, prefix: str, count: int, language: str, bound: float
) -> None:
    clips = recorded(shared_speech, prefix, count)
    heard = [await hear(listener, clip.audio) for clip in clips]
    assert {h.language for h in heard} == {language}
    assert errors_per_cent(clips, [h.transcript for h in heard]) <= bound
    for clip, h in zip(clips, heard, strict=True):
        assert "".join(w.text for w in h.words).replace(" ", "") == h.transcript.replace(" ", "")
        assert all(0.0 <= w.start_s <= w.end_s <= clip.audio.duration_s for w in h.words)
        assert all(0.0 < w.probability <= 1.0 for w in h.words)
        assert [w.start_s for w in h.words] == sorted(w.start_s for w in h.words)


async def test_single_digits_of_a_third_of_a_second_are_heard(listener: WhisperListener, shared_speech: Path) -> None:
    """Eight kHz recordings: some word must be heard in nearly all of them, also 40 dB softer."""
    clips = recorded(shared_speech, "fsdd_en/", 12)
    for gain in (1.0, 0.01):
        heard = [
            await hear(listener, Audio(clip.audio.samples * np.float32(gain), LISTEN_RATE_HZ), ListenOptions("en"))
            for clip in clips
        ]
        assert sum(h.transcript != "" for h in heard) >= 10, gain


async def test_a_long_recording_is_joined_in_order_with_times_of_the_whole(
    listener: WhisperListener, shared_speech: Path
) -> None:
    clips = recorded(shared_speech, "ljspeech_en/", 6) + recorded(shared_speech, "misc_multi/cards", 3)
    audio, starts_s = joined([clip.audio.samples for clip in clips], 0.4)
    assert audio.duration_s > 45.0
    heard = await hear(listener, audio)
    assert len(heard.segments) >= 3
    assert all(segment.end_s - segment.start_s <= 30.0 for segment in heard.segments)
    assert [s.start_s for s in heard.segments] == sorted(s.start_s for s in heard.segments)
    assert heard.words[-1].end_s == pytest.approx(audio.duration_s, abs=2.0)
    whole = score(" ".join(clip.text for clip in clips), heard.transcript, "en")
    assert whole.errors / whole.units <= 0.15
    # The first word of the fourth clip is found near the offset at which that clip was put.
    first = normalise(clips[3].text, "en").split()[0]
    near = [w for w in heard.words if abs(w.start_s - starts_s[3]) < 1.5]
    assert first in [normalise(w.text, "en") for w in near]


async def test_segments_of_a_long_recording_come_while_it_is_still_being_heard(
    listener: WhisperListener, shared_speech: Path
) -> None:
    clips = recorded(shared_speech, "ljspeech_en/", 6)
    audio, _ = joined([clip.audio.samples for clip in clips], 0.4)
    started_s = time.perf_counter()
    moments_s = [time.perf_counter() - started_s async for _ in listener.listen(audio)]
    assert len(moments_s) >= 3
    assert moments_s[0] < 0.7 * moments_s[-1]


async def test_word_starts_agree_with_offsets_known_by_construction(
    listener: WhisperListener, shared_speech: Path
) -> None:
    clips = recorded(shared_speech, "kerstin_de/", 3) + recorded(shared_speech, "dona_es/", 3)
    clips += recorded(shared_speech, "ljspeech_en/", 3)
    misses_s: list[float] = []
    for clip in clips:
        audio, [start_s] = joined([trimmed(clip.audio)], 1.3)
        heard = await hear(listener, audio, ListenOptions(language=clip.language))
        misses_s.append(abs(heard.words[0].start_s - start_s))
    for first, second in zip(clips[0::3], clips[1::3], strict=True):
        audio, starts_s = joined([trimmed(first.audio), trimmed(second.audio)], 0.6)
        heard = await hear(listener, audio, ListenOptions(language=first.language))
        misses_s.append(min(abs(word.start_s - starts_s[1]) for word in heard.words))
    median_s = statistics.median(misses_s)
    said = f"median error of {len(misses_s)} word starts: {1000 * median_s:.0f} ms, worst {max(misses_s):.2f} s\n"
    sys.stdout.write(said)
    assert median_s <= 0.15
    assert max(misses_s) <= 0.8


async def test_two_at_once_hear_what_they_hear_one_by_one(listener: WhisperListener, shared_speech: Path) -> None:
    clips = recorded(shared_speech, "so762_en_zh/", 2) + recorded(shared_speech, "dona_es/", 2)
    alone = [await hear(listener, clip.audio) for clip in clips]
    together = await asyncio.gather(*(hear(listener, clip.audio) for clip in clips))
    assert [h.transcript for h in together] == [h.transcript for h in alone]
    assert [h.words for h in together] == [h.words for h in alone]


async def test_cancelling_stops_soon_and_leaves_the_listener_usable(
    listener: WhisperListener, shared_speech: Path
) -> None:
    clips = recorded(shared_speech, "ljspeech_en/", 6)
    audio, _ = joined([clip.audio.samples for clip in clips] * 8, 0.4)
    task = asyncio.create_task(hear(listener, audio))
    await asyncio.sleep(1.0)
    task.cancel()
    started_s = time.perf_counter()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.perf_counter() - started_s < 1.0
    started_s = time.perf_counter()
    after = await hear(listener, clips[0].audio)
    assert after.transcript
    assert time.perf_counter() - started_s < 8.0


async def test_closing_the_generator_after_a_segment_stops_the_work(
    listener: WhisperListener, shared_speech: Path
) -> None:
    clips = recorded(shared_speech, "ljspeech_en/", 6)
    audio, _ = joined([clip.audio.samples for clip in clips] * 3, 0.4)
    stream = listener.listen(audio)
    await anext(stream)
    windows = listener.stats.windows
    await stream.aclose()
    await asyncio.sleep(0.5)
    assert listener.stats.windows == windows


async def test_a_prompt_biases_spelling(listener: WhisperListener, shared_speech: Path) -> None:
    [clip] = recorded(shared_speech, "kerstin_de/de_rhasspy-1035", 1)
    names = "Beery, Irving Thalberg, Metro-Goldwyn-Mayer."
    plain = await hear(listener, clip.audio)
    biased = await hear(listener, clip.audio, ListenOptions(prompt=names))
    assert "Metro-Goldwyn-Mayer" not in plain.transcript
    assert "Metro-Goldwyn-Mayer" in biased.transcript


async def test_any_rate_is_heard_alike(listener: WhisperListener, shared_speech: Path) -> None:
    [clip] = recorded(shared_speech, "ljspeech_en/", 1)
    at_48k = resample(clip.audio, 48_000)
    plain, other = await hear(listener, clip.audio), await hear(listener, at_48k)
    assert score(plain.transcript, other.transcript, "en").errors <= 1
    assert other.duration_s == pytest.approx(plain.duration_s, abs=0.01)


async def test_without_word_times_there_are_no_words(listener: WhisperListener, shared_speech: Path) -> None:
    [clip] = recorded(shared_speech, "ljspeech_en/", 1)
    heard = await hear(listener, clip.audio, ListenOptions(word_times=False))
    assert heard.transcript
    assert heard.words == ()
