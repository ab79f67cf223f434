"""Sound as every stage sees it: mono float32 samples at a known rate.

Knows nothing of containers, codecs or base64; `codec` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

LISTEN_RATE_HZ = 16_000
"""The rate at which listeners take audio."""

SPEAK_RATE_HZ = 24_000
"""The rate of every reply: 24 kHz mono, as the original answered."""


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Mono sound. `samples` is float32 of shape (n,), nominally in [-1, 1]; `rate_hz` is samples per second."""

    samples: Samples
    rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise ValueError(f"Audio wants float32 of shape (n,), got {self.samples.dtype} {self.samples.shape}")
        if self.rate_hz <= 0:
            raise ValueError(f"rate_hz must be positive, got {self.rate_hz}")

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz

    def slice(self, start_s: float, end_s: float) -> Audio:
        """The part between two times, clipped to what there is."""
        first = max(0, round(start_s * self.rate_hz))
        return Audio(self.samples[first : max(first, round(end_s * self.rate_hz))], self.rate_hz)

    def to_pcm16(self) -> bytes:
        """Signed 16-bit little-endian bytes, clipped to full scale."""
        scaled = np.clip(self.samples, -1.0, 1.0) * 32767.0
        return np.rint(scaled).astype("<i2").tobytes()

    @classmethod
    def from_pcm16(cls, data: bytes, rate_hz: int) -> Audio:
        """From signed 16-bit little-endian mono bytes; a trailing odd byte is dropped."""
        whole = data[: len(data) - len(data) % 2]
        return cls(np.frombuffer(whole, "<i2").astype(np.float32) / 32768.0, rate_hz)

    @classmethod
    def silence(cls, duration_s: float, rate_hz: int) -> Audio:
        return cls(np.zeros(round(duration_s * rate_hz), np.float32), rate_hz)

    @classmethod
    def join(cls, parts: Iterable[Audio], rate_hz: int) -> Audio:
        """All parts one after another; every part must already be at `rate_hz`."""
        chunks: list[Samples] = []
        for part in parts:
            if part.rate_hz != rate_hz:
                raise ValueError(f"cannot join {part.rate_hz} Hz into {rate_hz} Hz")
            chunks.append(part.samples)
        return cls(np.concatenate(chunks) if chunks else np.zeros(0, np.float32), rate_hz)
