"""One suite for every tone engine: the scripted fake and the head that is shipped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from vivavoce.listen.manner import Prosody, Voicing
from vivavoce.listen.prosody import FEATURES
from vivavoce.listen.tone import ToneReader
from vivavoce.listen.tone_head import HEADS, HeadWeights, ToneHead
from vivavoce.testing import ScriptedTone


@pytest.fixture(params=["scripted", "head"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[ToneReader]:
    engine: ToneReader = ScriptedTone("anger") if request.param == "scripted" else ToneHead.for_listener("whisper-base")
    yield engine
    await engine.close()


def voicings(count: int) -> list[Voicing]:
    """Such as the head was trained on: about the mean of all measurements."""
    weights = HeadWeights.load(HEADS / "whisper-base.npz")
    random = np.random.default_rng(1)
    rows = weights.mean + weights.scale * random.normal(size=(count, len(weights.mean)))
    width = len(weights.mean) - len(FEATURES)
    return [
        Voicing(
            Prosody(100.0 + n, 3.0, -20.0, 4.0, 0, 0.0),
            1.0 + n,
            tuple(row[width:].tolist()),
            tuple(row[:width].tolist()),
        )
        for n, row in enumerate(rows)
    ]


async def test_every_utterance_has_a_tone_whose_probabilities_make_one(reader: ToneReader) -> None:
    asked = voicings(5)
    tones = await reader.read(asked)
    assert len(tones) == 5
    for tone, voicing in zip(tones, asked, strict=True):
        assert sum(probability for _, probability in tone.emotions) == pytest.approx(1.0, abs=1e-5)
        assert all(0 <= probability <= 1 for _, probability in tone.emotions)
        assert (tone.prosody, tone.seconds) == (voicing.prosody, voicing.seconds)
        assert -1 <= tone.arousal <= 1
        assert -1 <= tone.valence <= 1
        assert 0 <= tone.urgency <= 1


async def test_the_same_is_always_read_the_same(reader: ToneReader) -> None:
    first, *known = voicings(4)
    assert await reader.read([first], known) == await reader.read([first], known)


async def test_what_is_known_gets_no_tone_of_its_own(reader: ToneReader) -> None:
    assert len(await reader.read(voicings(2), voicings(40))) == 2
    assert await reader.read([], voicings(2)) == []
