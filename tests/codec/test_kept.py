"""The sound of a reply as it is kept: to the bit what was sent, in every format."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio import SPEAK_RATE_HZ, Audio
from vivavoce.codec.encode import FORMATS, encode
from vivavoce.codec.kept import SoundKeeper, written_as
from vivavoce.errors import InvalidValue


def clauses() -> list[Audio]:
    """Three stretches with every loudness up to full scale."""
    noise = np.random.default_rng(7).uniform(-1.0, 1.0, 3 * SPEAK_RATE_HZ // 2).astype(np.float32)
    noise[:4] = (1.0, -1.0, 0.5, -0.5)
    return [Audio(noise[:100], SPEAK_RATE_HZ), Audio(noise[100:20_001], SPEAK_RATE_HZ), Audio(noise, SPEAK_RATE_HZ)]


def kept(sounds: list[Audio]) -> bytes:
    keeper = SoundKeeper()
    for sound in sounds:
        keeper.feed(sound)
    return keeper.finish()


@pytest.mark.parametrize("fmt", FORMATS)
def test_what_is_fetched_is_what_was_sent(fmt: str) -> None:
    assert written_as(kept(clauses()), fmt) == encode(Audio.join(clauses(), SPEAK_RATE_HZ), fmt)


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_reply_without_sound_is_an_empty_file(fmt: str) -> None:
    nothing = Audio.silence(0, SPEAK_RATE_HZ)
    assert kept([]) == kept([nothing]) == b""
    assert written_as(b"", fmt) == encode(nothing, fmt)


def test_an_unknown_format_is_named() -> None:
    with pytest.raises(InvalidValue, match="'ogg'") as caught:
        written_as(kept(clauses()), "ogg", param="format")
    assert caught.value.param == "format"
