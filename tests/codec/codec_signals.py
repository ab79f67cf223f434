"""Sounds and files for the codec tests, all made on the spot."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import numpy.typing as npt

from vivavoce.audio import Audio

Channels = npt.NDArray[np.float32]


def voice(duration_s: float, rate_hz: int = 24_000) -> Audio:
    """Something with the pitch, syllables and band of speech, floor(duration * rate) samples long."""
    count = int(duration_s * rate_hz + 1e-6)
    t = np.arange(count) / rate_hz
    pitch = 2 * np.pi * (140 * t - 20 / 3 * np.cos(3 * t))
    tones = sum(np.sin(k * pitch) / k for k in range(1, 9))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3.7 * t)
    return Audio((0.25 * tones * syllables).astype(np.float32), rate_hz)


def channels(audio: Audio, count: int) -> Channels:
    """The same sound in `count` channels, shape (count, n)."""
    return np.repeat(audio.samples[None], count, axis=0)


_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def write(samples: Channels, rate_hz: int, muxer: str, codec: str, *, kbps: int = 0, **options: str) -> bytes:
    """A file that FFmpeg writes of float samples (channels, n)."""
    sink = io.BytesIO()
    layout = _LAYOUTS[len(samples)]
    with av.open(sink, "w", format=muxer, container_options=options) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        if kbps:
            stream.bit_rate = kbps * 1000
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="flt", layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def silence(duration_s: int, rate_hz: int, muxer: str, codec: str, *, kbps: int = 0, **options: str) -> bytes:
    """A long file of nothing, written piece by piece."""
    sink = io.BytesIO()
    with av.open(sink, "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=rate_hz, layout="mono", options=options)
        if kbps:
            stream.bit_rate = kbps * 1000
        frame = av.AudioFrame.from_ndarray(np.zeros((1, rate_hz * 10), np.int16), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        for at in range(0, duration_s, 10):
            frame.pts = at * rate_hz
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def wav(
    body: bytes,
    *,
    rate_hz: int = 16_000,
    channel_count: int = 1,
    bits: int = 16,
    tag: int = 1,
    riff_bytes: int | None = None,
    data_bytes: int | None = None,
) -> bytes:
    """A WAV file by hand, with whatever sizes one likes to state."""
    block = channel_count * bits // 8
    form = struct.pack("<HHIIHH", tag, channel_count, rate_hz, (rate_hz * block) & 0xFFFFFFFF, block, bits)
    said = len(body) if data_bytes is None else data_bytes
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", said) + body
    return b"RIFF" + struct.pack("<I", len(chunks) + 4 if riff_bytes is None else riff_bytes) + b"WAVE" + chunks


def likeness(heard: Audio, truth: Audio, slack_s: float = 0.1) -> float:
    """The best correlation of two sounds of one rate, one of them shifted by up to `slack_s`."""
    assert heard.rate_hz == truth.rate_hz
    count = len(heard.samples) + len(truth.samples)
    spectrum = np.fft.rfft(heard.samples, count) * np.conj(np.fft.rfft(truth.samples, count))
    lags = np.fft.irfft(spectrum, count)
    slack = int(slack_s * heard.rate_hz) + 1
    best = max(lags[:slack].max(), lags[-slack:].max())
    return float(best / (np.linalg.norm(heard.samples) * np.linalg.norm(truth.samples)))
