"""The speakers engine: who is active when by one network, what each sounds like by another, in windows of ten seconds.

Knows nothing of the recording beyond a window; `gathering.py` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, Audio, Samples
from vivavoce.listen.speakers.base import (
    CENTRE_SAMPLES,
    FRAME_S,
    FRAME_SAMPLES,
    HOP_SAMPLES,
    WINDOW_SAMPLES,
    Embedding,
    VoiceTrace,
    VoiceWindow,
)
from vivavoce.listen.speakers.fbank import FRAME_SAMPLES as FEATURE_SAMPLES
from vivavoce.listen.speakers.fbank import HOP_SAMPLES as FEATURE_HOP
from vivavoce.listen.speakers.fbank import Features, KaldiFbank
from vivavoce.listen.speakers.segmentation import Activity, padded
from vivavoce.resampling import resample

ACTIVE = 0.5
"""A voice speaks where it is more probable than this; so does somebody, and so do two."""

STRETCH_S = 1.5
"""Longer stretches are divided into such of about this length: the network that tells who is active may take two
speakers for one, and what each part sounds like tells them apart."""

BREATH_FRAMES = 12
"""A pause of less than 0.2 s does not divide a stretch."""

LEAST_ALONE_S = 0.3
"""Less of a voice alone does not tell whose it is."""

SAME_SHARE = 0.7
"""A stretch that two windows have heard nearly alike is looked at once: this share of both is the same."""

UNKNOWN: Embedding = np.zeros(0, np.float32)

Flags = npt.NDArray[np.bool_]


class Encoder(Protocol):
    """What a voice sounds like. bands: of the features that it takes; least_frames: how many at least."""

    bands: int
    least_frames: int

    def __call__(self, features: Features) -> Embedding: ...


class WindowDiarizer:
    """Is a `base.Diarizer`. segmentation: WINDOW_SAMPLES of sound -> which voices are active when."""

    def __init__(self, segmentation: Callable[[Samples], Activity], encoder: Encoder) -> None:
        self._segmentation = segmentation
        self._encoder = encoder
        self._fbank = KaldiFbank(encoder.bands)

    async def trace(self, audio: Audio) -> AsyncGenerator[VoiceWindow, None]:
        samples = await asyncio.to_thread(_at_listen_rate, audio)
        recent: list[_Seen] = []
        for start in range(0, max(1, len(samples) - WINDOW_SAMPLES + HOP_SAMPLES), HOP_SAMPLES):
            sound = samples[start : start + WINDOW_SAMPLES]
            yield await asyncio.to_thread(self._window, sound, start // FRAME_SAMPLES, recent)

    async def embed(self, audio: Audio) -> Embedding:
        samples = await asyncio.to_thread(_at_listen_rate, audio)
        return await asyncio.to_thread(self._voice_of, samples[:WINDOW_SAMPLES])

    async def close(self) -> None:
        return None

    def _window(self, samples: Samples, first_frame: int, recent: list[_Seen]) -> VoiceWindow:
        """recent: stretches of windows before this one, which this one's are added to."""
        whole = self._segmentation(padded(samples))
        activity = whole[: max(1, len(samples) // FRAME_SAMPLES)]
        recent[:] = [seen for seen in recent if seen.end > first_frame]
        traces = self._traces(samples, activity, first_frame, recent)
        return VoiceWindow(first_frame, traces, activity.spoken, activity.overlapped)

    def _traces(
        self, samples: Samples, activity: Activity, first_frame: int, recent: list[_Seen]
    ) -> tuple[VoiceTrace, ...]:
        active = _active(activity)
        if not active.any():
            return ()
        features = self._fbank(samples)
        certain = activity.voices > ACTIVE
        alone = certain & (certain.sum(axis=1, keepdims=True) == 1)
        traces: list[VoiceTrace] = []
        for voice in range(active.shape[1]):
            for first, end in _stretches(active[:, voice]):
                own = np.zeros(len(active), np.bool_)
                own[first:end] = alone[first:end, voice]
                alone_s = float(own.sum() * FRAME_S)
                embedding = UNKNOWN
                if alone_s >= LEAST_ALONE_S:
                    embedding = self._embedding(features, own, first_frame, recent)
                traces.append(VoiceTrace(voice, first, end, alone_s, embedding))
        return tuple(traces)

    def _embedding(self, features: Features, own: Flags, first_frame: int, recent: list[_Seen]) -> Embedding:
        (frames,) = own.nonzero()
        here = _Seen(first_frame + int(frames[0]), first_frame + int(frames[-1]) + 1, len(frames), UNKNOWN)
        embedding = next((seen.embedding for seen in recent if seen.same_as(here)), None)
        if embedding is None:
            embedding = self._encoded(features, own)
            recent.append(_Seen(here.first, here.end, here.frames, embedding))
        return embedding

    def _voice_of(self, samples: Samples) -> Embedding:
        certain: Flags = (self._segmentation(padded(samples)).voices > ACTIVE).sum(axis=1) > 0
        return self._encoded(self._fbank(samples), certain)

    def _encoded(self, features: Features, frames: Flags) -> Embedding:
        """Of the features that lie in `frames` of the segmentation."""
        middles = np.arange(len(features)) * FEATURE_HOP + FEATURE_SAMPLES // 2
        nearest = (middles - CENTRE_SAMPLES + FRAME_SAMPLES // 2) // FRAME_SAMPLES
        taken = features[frames[np.clip(nearest, 0, len(frames) - 1)]]
        return self._encoder(taken) if len(taken) >= self._encoder.least_frames else UNKNOWN


class _Seen:
    """Where a voice was alone, in frames of the recording, how many frames of that, and what it sounded like."""

    def __init__(self, first: int, end: int, frames: int, embedding: Embedding) -> None:
        self.first, self.end, self.frames, self.embedding = first, end, frames, embedding

    def same_as(self, other: _Seen) -> bool:
        common = min(self.end, other.end) - max(self.first, other.first)
        whole = max(self.end, other.end) - min(self.first, other.first)
        alike = min(self.frames, other.frames) / max(self.frames, other.frames)
        return common >= SAME_SHARE * whole and alike >= SAME_SHARE


def _at_listen_rate(audio: Audio) -> Samples:
    return resample(audio, LISTEN_RATE_HZ).samples


def _active(activity: Activity) -> Flags:
    """Which voices speak, shape (frames, voices): the likeliest wherever somebody does, however much it is in doubt
    who, and the next one where two do."""
    voices = activity.voices
    ranks = (-voices).argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    spoken = activity.spoken > ACTIVE
    at_once = spoken.astype(np.int64) + (spoken & (activity.overlapped > ACTIVE))
    return (ranks < at_once[:, None]) | (voices > ACTIVE)


def _parts(first: int, end: int) -> list[tuple[int, int]]:
    """A stretch in equal parts, each about STRETCH_S long."""
    count = max(1, round((end - first) * FRAME_S / STRETCH_S))
    cuts = [first + (end - first) * number // count for number in range(count + 1)]
    return list(pairwise(cuts))


def _stretches(active: Flags) -> list[tuple[int, int]]:
    """Where `active` holds, as (first, end), over breaths."""
    edges: Sequence[Sequence[int]] = (
        np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))).reshape(-1, 2).tolist()
    )
    found: list[tuple[int, int]] = []
    for first, end in edges:
        if found and first - found[-1][1] < BREATH_FRAMES:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return [part for stretch in found for part in _parts(*stretch)]
