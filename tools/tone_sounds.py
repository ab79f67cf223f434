"""Sounds to train a tone head on: clips as they are, and as a room, a noise, a microphone, a telephone or a codec
changes them, so that none of these is taken for a tone. Clips of one speaker in one guise are changed alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from vivavoce.audio import LISTEN_RATE_HZ, SPEAK_RATE_HZ, Audio, Samples
from vivavoce.codec.decode import decode
from vivavoce.codec.encode import encode
from vivavoce.resampling import resample

Floats = npt.NDArray[np.floating]
Guise = Callable[[Samples], Samples]
CODECS = ("mp3", "opus", "aac")


def disguised(samples: Samples, noises: Sequence[Samples], random: np.random.Generator) -> Samples:
    """16 kHz samples as somebody else would have recorded and sent them."""
    if random.random() < 0.6:
        samples = _microphone(samples, *random.uniform(-6, 6, 2), random.uniform(200, 3000))
    if random.random() < 0.45:
        samples = _room(samples, random.uniform(0.15, 0.7), random.uniform(0.1, 0.8), random)
    if random.random() < 0.6:
        noise = _noise(len(samples), noises, random)
        snr_db = random.uniform(8, 30)
        share = np.sqrt(np.mean(samples**2) / max(1e-12, float(np.mean(noise**2)))) * 10 ** (-snr_db / 20)
        samples = (samples + noise * share).astype(np.float32)
    peak_db = random.uniform(-30, -1)
    samples = (samples / max(1e-6, float(np.abs(samples).max())) * 10 ** (peak_db / 20)).astype(np.float32)
    way = random.random()
    if way < 0.25:
        return _telephone(samples)
    return _coded(samples, CODECS[random.integers(len(CODECS))]) if way < 0.5 else samples


def _microphone(samples: Samples, tilt_db: float, bump_db: float, bump_hz: float) -> Samples:
    """A tilt about 1 kHz, and a bump or dent an octave wide."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / LISTEN_RATE_HZ), 30.0))
    gain_db = tilt_db * np.tanh((octaves - np.log2(1000.0)) / 2) + bump_db * np.exp(
        -((octaves - np.log2(bump_hz)) ** 2)
    )
    return np.fft.irfft(np.fft.rfft(samples) * 10 ** (gain_db / 20), len(samples)).astype(np.float32)


def _room(samples: Samples, decay_s: float, wet: float, random: np.random.Generator) -> Samples:
    """Reverberation that falls by 60 dB in `decay_s`, of `wet` the amplitude of the voice itself."""
    steps = int(decay_s * LISTEN_RATE_HZ)
    response = random.normal(size=steps) * np.exp(-6.9 * np.arange(steps) / steps)
    response *= wet / np.sqrt((response**2).sum())
    response[0] += 1.0
    size = len(samples) + steps - 1
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[: len(samples)].astype(
        np.float32
    )


def _noise(count: int, noises: Sequence[Samples], random: np.random.Generator) -> Floats:
    """Recorded noise, or noise whose power falls with frequency by up to 12 dB an octave."""
    if noises and random.random() < 1 / 3:
        noise = noises[random.integers(len(noises))]
        first = random.integers(max(1, len(noise) - count))
        return np.resize(noise[first : first + count], count)
    bins = count // 2 + 1
    spectrum = random.normal(size=bins) + 1j * random.normal(size=bins)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(bins))) ** random.uniform(0, 2), count)


def _telephone(samples: Samples) -> Samples:
    """300 to 3400 Hz, in 8 bits by the mu-law."""
    narrow = resample(Audio(samples, LISTEN_RATE_HZ), 8000).samples
    spectrum = np.fft.rfft(narrow)
    hz = np.fft.rfftfreq(len(narrow), 1 / 8000)
    spectrum[(hz < 300) | (hz > 3400)] = 0
    narrow = np.clip(np.fft.irfft(spectrum, len(narrow)), -1, 1)
    steps = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    sent = np.sign(steps) * (256 ** np.abs(steps) - 1) / 255
    return resample(Audio(sent.astype(np.float32), 8000), LISTEN_RATE_HZ).samples


def _coded(samples: Samples, codec: str) -> Samples:
    sent = encode(resample(Audio(samples, LISTEN_RATE_HZ), SPEAK_RATE_HZ), codec)
    return resample(decode(sent), LISTEN_RATE_HZ).samples
